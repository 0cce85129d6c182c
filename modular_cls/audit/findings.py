"""What an audit can find, and the whole of it, for a person (text.py) or a machine (`to_dict`)."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from modular_cls.data.manifest import Manifest
from modular_cls.schema import Schema

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")
SHOWN = 20  # examples of one finding, as many as errors list


@dataclass(frozen=True)
class Finding:
    """One kind of thing that is wrong, or worth knowing.

    Attributes:
        level: error: training would fail, or its numbers would be wrong; warning: worth a look;
            note: handled as it should be.
        name: A stable key, for scripts.
        count: How many of what `what` names: rows, groups, classes.
        what: What was found, and what it means.
        advice: What to do about it.
        examples: The first few in words, 20 at most.
        rows: All manifest rows concerned, counted as a spreadsheet does; empty where it is not
            about rows.
        groups: Rows that belong together, such as copies of one picture; empty where none do.
        kinds: All of them in words, equal sentences as one with their number; empty where each is
            another matter. The first 20.
    """

    level: Level
    name: str
    count: int
    what: str
    advice: str
    examples: Sequence[str] = ()
    rows: Sequence[int] = ()
    groups: Sequence[Sequence[int]] = ()
    kinds: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "examples", list(self.examples)[:SHOWN])
        object.__setattr__(self, "kinds", list(self.kinds)[:SHOWN])
        object.__setattr__(self, "rows", list(map(int, self.rows)))
        # Python's own: JSON knows no integers of NumPy.
        object.__setattr__(self, "groups", [list(map(int, group)) for group in self.groups])


@dataclass(frozen=True)
class JointClass:
    """Images of one joint class by split, and `training`.

    Those of `train` left once scarcity is applied.
    """

    name: str
    train: int
    training: int
    validation: int
    test: int


@dataclass(frozen=True)
class Labels:
    """What the table tells of its labels.

    Attributes:
        splits: Rows of each split; rows whose split does not fit count as `none`.
        values: Rows of each value, by attribute.
        unknown: Rows that do not know it, by attribute.
        sources: By source, `rows` and those that know each attribute.
        together: Which attributes are known together, `{"attributes": names, "rows": n}`, the most
            rows first.
        classes: The joint classes of each composite.
        from_parts: By joint space, the classes that partly labelled training images teach, for want
            of full labels.
        reachable: By joint space, the classes without training images that additive composition
            predicts.
        unreachable: By joint space, those that it cannot.
    """

    splits: dict[str, int]
    values: dict[str, dict[str, int]]
    unknown: dict[str, int]
    sources: dict[str, dict[str, int]]
    together: list[dict[str, Any]]
    classes: dict[str, list[JointClass]]
    from_parts: dict[str, list[str]]
    reachable: dict[str, list[str]]
    unreachable: dict[str, list[str]]


@dataclass(frozen=True)
class Audit:
    """What is right and wrong with a data set.

    Attributes:
        manifest: The table.
        root: Folder of the pictures.
        rows: Rows of the table.
        looked_at: Pictures decoded; None if none should be.
        schema: Attributes and composites.
        schema_from_table: Whether they were read off the table, for want of a configuration that
            names them.
        labels: What the table tells of its labels.
        findings: The errors first, then warnings, then notes.
    """

    manifest: str
    root: str
    rows: int
    looked_at: int | None
    schema: Schema
    schema_from_table: bool
    labels: Labels
    findings: list[Finding]

    def count(self, level: Level) -> int:
        """Number of findings of a level."""
        return Counter(finding.level for finding in self.findings)[level]

    def to_json(self) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=1)

    def to_dict(self) -> dict[str, Any]:
        """The audit for a machine.

        Returns:
            `manifest`, `root`, `rows`, `looked_at`, `schema` (as in a configuration file),
            `schema_from_table`, `labels` and `findings` as their classes name them, and `errors`,
            `warnings` and `notes`: how many findings of each level. Keys are only ever added.
        """
        levels = {f"{level}s": self.count(level) for level in LEVELS}
        return {**asdict(self), "schema": self.schema.to_dict(), **levels}


def cited(manifest: Manifest, positions: Iterable[int]) -> list[str]:
    """Name pictures by row and path, for the examples of a finding; 20 at most."""
    return [f"row {manifest.rows[i]}, {manifest.paths[i]}" for i in list(positions)[:SHOWN]]
