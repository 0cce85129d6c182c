"""What is known of some images: one value of each attribute, or nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from modular_cls.data.table_cells import index_of
from modular_cls.errors import ManifestError, nearest
from modular_cls.schema import Attribute, Composite, Schema

UNKNOWN = -1  # as an index it means the last: lists of names that it looks up end in a blank
_BLANK = ("", "nan", "None", "<NA>", "NaT")  # how what is not text writes "unknown"


@dataclass(frozen=True)
class Labels:
    """The labels of N images.

    Attributes:
        schema: What they mean.
        codes: Index of the value of each attribute of the schema, shape (N, attributes), int16;
            -1 where unknown.

    Example:
        >>> attributes = {"hair": ["short", "long"], "gender": ["female", "male"]}
        >>> schema = Schema.from_dict({"attributes": attributes,
        ...                            "composites": {"both": {"attributes": ["hair", "gender"]}}})
        >>> labels = Labels.read({"hair": ["long", None], "gender": ["male", "female"]}, schema)
        >>> labels.codes.tolist(), labels.targets(schema.first).tolist()
        ([[1, 1], [-1, 0]], [3, -1])
    """

    schema: Schema
    codes: np.ndarray

    @classmethod
    def read(cls, table: Any, schema: Schema) -> "Labels":
        """Read a table of values: see `columns_of`.

        Raises:
            ManifestError: Naming columns that are missing, and rows whose value does not exist,
                with the nearest that does.
        """
        columns = columns_of(table, [a.name for a in schema.attributes])
        problems: list[str] = []
        codes = [_encode(columns[a.name], a, problems) for a in schema.attributes]
        if problems:
            raise ManifestError("y", problems)
        return cls(schema, np.stack(codes, axis=1))

    def __len__(self) -> int:
        return len(self.codes)

    def of(self, composite: Composite) -> np.ndarray:
        """Columns of the attributes of a composite, shape (N, attributes), int64."""
        names = [a.name for a in self.schema.attributes]
        columns = [names.index(a.name) for a in composite.attributes]
        return self.codes[:, columns].astype(np.int64)

    def targets(self, composite: Composite) -> np.ndarray:
        """Joint class of each image, shape (N,), int64; -1 where an attribute is unknown."""
        columns = self.of(composite)
        index = np.zeros(len(self), dtype=np.int64)
        for i, a in enumerate(composite.attributes):
            index = index * len(a.values) + columns[:, i]
        return np.where((columns == UNKNOWN).any(axis=1), UNKNOWN, index)

    def counts(self, composite: Composite) -> np.ndarray:
        """Number of images of each joint class, shape (classes,).

        Images not fully known count nowhere.
        """
        known = self.targets(composite)
        return np.bincount(known[known != UNKNOWN], minlength=composite.size)

    def observed(self, composite: Composite) -> np.ndarray:
        """Number of images of each observation: one axis per attribute, its last place for unknown.

        For hair short/long and gender female/male the shape is (3, 3), and [1, -1] counts the
        images whose hair is long and whose gender is unknown.
        """
        grid = np.zeros([len(a.values) + 1 for a in composite.attributes], dtype=np.int64)
        np.add.at(grid, tuple(self.of(composite).T), 1)
        return grid


class Counted(Protocol):
    """What counts images by joint class: labels, or a manifest."""

    def counts(self, composite: Composite) -> np.ndarray:
        """Number of images of each joint class, shape (classes,)."""


def check_together(images: Counted, schema: Schema, where: object) -> None:
    """Refuse training images that know all attributes of a joint space nowhere.

    Raises:
        ManifestError: Naming the space and what is known of each attribute, and the ways out.
    """
    problems = [_apart(images, joint) for joint in schema.joints if not images.counts(joint).any()]
    if problems:
        raise ManifestError(where, problems)


def _apart(images: Counted, joint: Composite) -> str:
    known = {a.name: int(images.counts(Composite(a.name, (a,))).sum()) for a in joint.attributes}
    if len(known) == 1:
        return f"no training image is labelled with {next(iter(known))}"
    counts = ", ".join(f"{name} is known of {number:,}" for name, number in known.items())
    names = ", ".join(known)
    return (
        f"no training image has all labels of {names} ({counts}), so how these go together cannot "
        f"be learned. Label some training images with all of {names}: those that know some only "
        "then teach by the marginal likelihood (criterion JointLikelihood; "
        "docs/results/partly.md). Or take the composite out of the schema: attributes in no "
        "composite are learned side by side, each from the images that know it"
    )


def columns_of(table: Any, names: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """The columns of a table of values by name, each of shape (N,).

    Args:
        table: A data frame or a mapping from names to columns, whose other columns are left out; or
            rows of values, one for each name in order; or one column by itself.
        names: The columns wanted; None for all.

    Raises:
        ManifestError: If columns are missing, or do not fit the names.
    """
    if hasattr(table, "columns") or isinstance(table, Mapping):
        given = [*(table.columns if hasattr(table, "columns") else table)]
        by_name = {str(n): n for n in given}
        if len(by_name) < len(given):
            twice = next(n for n in by_name if [*map(str, given)].count(n) > 1)
            raise ManifestError("y", [f"column {twice!r} is there more than once"])
        wanted = by_name if names is None else names
        if missing := [n for n in wanted if n not in by_name]:
            raise ManifestError("y", [f"no column {n!r}{nearest(n, by_name)}" for n in missing])
        columns = {n: _column(table[by_name[n]]) for n in wanted}
    else:
        columns = _unnamed(table, names)
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        raise ManifestError("y", [f"its columns differ in length: {sizes}"])
    return columns


def is_blank(value: object) -> bool:
    """Whether a value says that nothing is known."""
    return not value.strip() if isinstance(value, str) else str(value) in _BLANK


def _unnamed(table: Any, names: Sequence[str] | None) -> dict[str, np.ndarray]:
    try:
        rows = np.asarray(table)
    except ValueError:
        raise ManifestError("y", ["its rows differ in length"]) from None
    if rows.dtype.kind in "US":  # a list of text and None alike stays what it is
        rows = np.asarray(table, dtype=object)
    if rows.ndim not in (1, 2):
        raise ManifestError("y", [f"it has the shape {rows.shape}; a table has rows and columns"])
    rows = rows[:, None] if rows.ndim == 1 else rows
    known = [f"output_{i}" for i in range(rows.shape[1])] if names is None else list(names)
    if rows.shape[1] != len(known):
        raise ManifestError(
            "y", [f"{rows.shape[1]} columns; the schema has {len(known)}: {', '.join(known)}"]
        )
    return {name: rows[:, i] for i, name in enumerate(known)}


def _column(values: Any) -> np.ndarray:
    column = np.asarray(values)
    return column if column.dtype.kind in "biuf" else np.asarray(values, dtype=object)


def _encode(column: np.ndarray, attribute: Attribute, problems: list[str]) -> np.ndarray:
    codes: dict[str, int | None] = {}
    for value in set(map(str, column.tolist())):
        codes[value] = index_of(value, attribute.values)
    problems += _unknown_values(column, attribute, codes)
    known = [None if is_blank(v) else codes[str(v)] for v in column.tolist()]
    return np.array([UNKNOWN if c is None else c for c in known], dtype=np.int16)


def _unknown_values(
    column: np.ndarray, attribute: Attribute, codes: Mapping[str, int | None]
) -> Iterator[str]:
    accepted = ", ".join(attribute.values)
    for row, value in enumerate(column.tolist()):
        if codes[str(value)] is None and not is_blank(value):
            near = nearest(str(value), attribute.values)
            yield (
                f"row {row} (from 0), column {attribute.name}: {str(value)!r} is not one of "
                f"{accepted} or blank{near}"
            )
