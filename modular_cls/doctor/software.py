"""Versions, and what is missing for which extra, from the metadata of installed packages.

Nothing is imported for it.
"""

import platform
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from modular_cls import __version__
from modular_cls.doctor.finding import Finding

_PACKAGE = "modular-cls"
_TOLD = ("torch", "torchvision", "timm", "pytorch-lightning", "numpy", "pandas")
_FOR_DEVELOPERS = ("test", "dev")


def find_versions() -> Finding:
    """Versions of this package, of Python, and of what decides most."""
    system = f"{platform.system()} {platform.machine()}"
    installed = (f"{name} {number}" for name in _TOLD if (number := _installed(name)))
    python = f"modular_cls {__version__}, Python {platform.python_version()}, {system}"
    return Finding("versions", [python, ", ".join(installed)])


def find_requirements() -> Finding:
    """Whether all that is always needed is there, in a version that will do."""
    lacking = unmet(_requirements(""))
    if not lacking:
        return Finding("packages", ["all that is always needed is there"])
    again = f"pip install --upgrade {_PACKAGE}"
    return Finding("packages", [*lacking, f"to mend it: {again}"], wrong=True)


def find_extras() -> Finding:
    """What each extra lacks, and the command that brings it."""
    extras = dict.fromkeys(e for r in _all_requirements() for e in _extras_of(r))
    lines = []
    for extra in (e for e in extras if e not in _FOR_DEVELOPERS):
        lacking = unmet(_requirements(extra))
        how = f"; pip install '{_PACKAGE}[{extra}]'" if lacking else ""
        lines.append(f"{extra}: {', '.join(lacking) or 'there'}{how}")
    return Finding("extras", lines or [f"not known: {_PACKAGE} is not installed, only imported"])


def unmet(requirements: Iterable[Requirement]) -> list[str]:
    """In words, which requirements nothing that is installed meets."""
    lacking = []
    for requirement in requirements:
        installed = _installed(requirement.name)
        if installed is None:
            lacking.append(f"{requirement.name} is missing")
        elif not requirement.specifier.contains(installed, prereleases=True):
            lacking.append(f"{requirement.name} is {installed}, needed {requirement.specifier}")
    return lacking


def _requirements(extra: str) -> Iterator[Requirement]:
    """What an extra needs beyond the rest; of the blank one, what is always needed."""
    for requirement in _all_requirements():
        marker = requirement.marker
        always = marker is None or marker.evaluate({"extra": ""})
        if requirement.name != _PACKAGE and (
            always if not extra else not always and marker and marker.evaluate({"extra": extra})
        ):
            yield requirement


def _all_requirements() -> list[Requirement]:
    try:
        return [Requirement(line) for line in requires(_PACKAGE) or ()]
    except PackageNotFoundError:
        return []


def _extras_of(requirement: Requirement) -> Iterator[str]:
    """The extra that a requirement belongs to, if any."""
    if match := re.search(r'extra == "([\w-]+)"', str(requirement.marker)):
        yield match.group(1)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
