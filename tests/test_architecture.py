"""The house keeps its rules; which package may import which stands in pyproject's contracts."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import modular_cls

PACKAGE = Path(modular_cls.__file__).parent
ROOT = PACKAGE.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MOST_LINES, MOST_LOOSE_FILES, MOST_NAMES = 300, 10, 15
ONE_IDEA = {
    "command": "how a verb is asked for",
    "data": "pictures and their table; what a configuration, and what the lecture says of them",
    "figures": "what matplotlib draws of a table",
    "folder": "the format of a folder that is written",
    "nets": "networks of the lecture",
    "pictures": "the part of a claim that is about pictures",
    "strings": "the part of a claim that is about strings, and what these parts share",
    "training": "how a network is trained; what a configuration says of it",
}


def layers():
    """The lines of the contract, from the ground up."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    return tools["importlinter"]["contracts"][0]["layers"][::-1]


def drawn():
    """The lines of the drawing, each as the list of names at its start."""
    drawing = CONTRIBUTING.split("modular_cls/\n")[1].split("configs/")[0]
    lines = [line[2:].split("  ")[0] for line in drawing.splitlines() if re.match(r"  \w", line)]
    return [re.findall(r"\w+", line) for line in lines]


def there():
    packages = {p.parent.name for p in PACKAGE.glob("*/__init__.py")}
    return packages | {p.stem for p in PACKAGE.glob("*.py")} - {"__init__"}


def test_contracts_hold():
    assert lint_imports(str(ROOT / "pyproject.toml"), no_cache=True) == 0


def test_what_is_there_is_drawn():
    names = [name for line in drawn() for name in line]
    assert sorted(names) == sorted(there() - {"__main__"})


def test_drawing_is_the_contract():
    order = {name: i for i, line in enumerate(layers()) for name in re.findall(r"\w+", line)}
    places = [{order[name] for name in line} for line in drawn()]
    assert all(len(place) == 1 for place in places), "a line holds packages of one layer"
    heights = [place.pop() for place in places]
    assert heights == sorted(heights)
    assert all(f"`{line}`" in CONTRIBUTING for line in layers() if "|" in line)


def test_files_are_rooms_not_halls():
    for path in PACKAGE.rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES, path
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_LOOSE_FILES


def test_a_name_stands_for_one_idea():
    """A module may bear its package's name: it does the whole. Other names stand once."""
    modules = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    names = [path.stem for path in modules if path.stem != path.parent.name]
    names += [path.parent.name for path in PACKAGE.rglob("__init__.py")]
    assert {name for name in names if names.count(name) > 1} == set(ONE_IDEA)


def test_public_names_are_exact():
    assert len(modular_cls.__all__) <= MOST_NAMES
    for name in modular_cls.__all__:
        assert getattr(modular_cls, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_this"):
        modular_cls.nothing_like_this  # noqa: B018


def test_help_needs_no_torch():
    code = (
        "import sys, modular_cls.cli as c\n"
        "for verb in c.VERBS:\n"
        "    try: c.main([verb, '--help'])\n"
        "    except SystemExit: pass\n"
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
