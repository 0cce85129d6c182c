"""A claim and its parts: what each measures, draws and states.

A claim is a file, its own only part, or a package that lists its `PARTS`, one file each. A part
has `compute(lab)` and `draw(lab, tables)`, its `STATEMENTS`, and `MEASURES`: how each column that
was measured is printed.
"""

import importlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pandas as pd
from matplotlib.figure import Figure

from modular_cls.errors import ConfigError, unknown
from modular_cls.lecture.kit.lab import Lab
from modular_cls.lecture.kit.statement import Statement

CLAIMS = ("depth", "data", "circuits", "layers", "speech", "pixels", "mimic")


@dataclass(frozen=True)
class Part:
    """One experiment of a claim: tables and figures that are measured together."""

    name: str
    module: ModuleType

    @property
    def about(self) -> str:
        """What it measures, in words; the first line is its title."""
        return (self.module.__doc__ or "").strip()

    @property
    def statements(self) -> tuple[Statement, ...]:
        """What it states."""
        return tuple(self.module.STATEMENTS)

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of its tables."""
        return tuple(self.module.TABLES)

    def compute(self, lab: Lab) -> dict[str, pd.DataFrame]:
        """Measure its tables."""
        return self.module.compute(lab)

    def draw(self, lab: Lab, tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
        """Draw its figures."""
        return self.module.draw(lab, tables)


@dataclass(frozen=True)
class Claim:
    """A claim of the lecture: words, parts, and the data that it needs."""

    name: str
    module: ModuleType
    parts: tuple[Part, ...]

    @property
    def about(self) -> str:
        """Its words; the first line is its title."""
        return (self.module.__doc__ or "").strip()

    @property
    def title(self) -> str:
        """Its first line, without the full stop."""
        return self.about.splitlines()[0].removesuffix(".")

    @property
    def statements(self) -> list[Statement]:
        """Those of all parts."""
        return [s for part in self.parts for s in part.statements]

    @property
    def measures(self) -> dict[str, str]:
        """How each column that was measured is printed."""
        return {c: form for part in self.parts for c, form in part.module.MEASURES.items()}

    def needs(self, data: Path) -> object:
        """Which data are at hand; raises ConfigError where they will not do."""
        return self.module.needs(data)

    def chosen(self, only: Collection[str] | None) -> Sequence[Part]:
        """The parts of some names; None: all.

        Raises:
            ConfigError: If there is no part of such a name.
        """
        names = [part.name for part in self.parts]
        if wrong := next((name for name in only or () if name not in names), None):
            raise ConfigError(unknown(f"part of {self.name}", wrong, names))
        return [part for part in self.parts if only is None or part.name in only]


def load_claim(name: str) -> Claim:
    """The claim of a name.

    Raises:
        ConfigError: If there is none, or a library that it needs is missing.
    """
    if name not in CLAIMS:
        raise ConfigError(unknown("claim", name, CLAIMS))
    home = f"modular_cls.lecture.{name}"
    try:
        module = importlib.import_module(home)
        names: Sequence[str] = getattr(module, "PARTS", ())
        parts = [Part(part, importlib.import_module(f"{home}.{part}")) for part in names]
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"claim {name} needs {error.name}: pip install 'modular-cls[lecture]'"
        ) from None
    return Claim(name, module, tuple(parts) or (Part(name, module),))
