"""The manifest: the one table that says which pictures there are and what is known of each.

A CSV or Parquet file with the columns `path`, `split` (train, validation or test), one column per
attribute (blank = unknown), and optionally `source`, `identity`, and `box`: "x y width height" in
pixels, the part of the picture that a row is about (blank = all of it).
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from modular_cls.data.images import Box, parse_box
from modular_cls.data.labels import UNKNOWN as UNKNOWN  # one meaning for all who read labels
from modular_cls.data.labels import Labels
from modular_cls.data.table_cells import check_distinct, index_of, meaning
from modular_cls.data.text_table import read_table
from modular_cls.data.whereabouts import is_inside
from modular_cls.errors import ConfigError, ImageError, ManifestError, nearest, unknown
from modular_cls.files import replacing_file
from modular_cls.schema import Composite, Schema

SPLITS = ("train", "validation", "test")
_WORDS = {
    "train": "train training trn",
    "validation": "validation valid val vali dev devel development eval evaluation",
    "test": "test testing tst",
}
SPLIT_NAMES = {word: split for split, words in _WORDS.items() for word in words.split()}
_EXTRA = ("source", "identity", "box")
_COUNTED = 10_000  # a wrong column; its every row need not be told


@dataclass(frozen=True)
class Manifest:
    """Pictures and their labels, as columns of equal length N.

    Attributes:
        schema: What the labels mean.
        root: Folder that the paths are relative to.
        paths: Paths of the pictures, shape (N,), objects of type str.
        splits: Index into `SPLITS`, shape (N,), int8.
        labels: Index of the value of each attribute of the schema, shape (N, attributes), int16;
            -1 where unknown.
        rows: The row of each picture in the file it was read from, shape (N,), counted as a
            spreadsheet does: the header is row 1. It names the picture in messages and keys its
            random draws, so it survives any selection.
        extra: The optional columns `source`, `identity` and `box` as text, each of shape (N,).
        contained: Whether paths, symbolic links followed, must stay under the root.

    Example:
        >>> from modular_cls import Manifest, Schema
        >>> schema = Schema.from_dict({"attributes": {"hair": ["short", "long"]}})
        >>> table = pd.DataFrame({"path": ["a.png", "b.png", "c.png"],
        ...                       "split": ["train", "train", "test"],
        ...                       "hair": ["long", "", "short"]})
        >>> manifest = Manifest.of_table(Path("pictures/manifest.csv"), table, schema)
        >>> manifest.labels[:, 0]
        array([ 1, -1,  0], dtype=int16)
        >>> len(manifest.split("train"))
        2
    """

    schema: Schema
    root: Path
    paths: np.ndarray
    splits: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)
    contained: bool = True

    @classmethod
    def read(
        cls,
        path: str | Path,
        schema: Schema,
        root: str | Path | None = None,
        contained: bool = True,
    ) -> "Manifest":
        """Read and validate a manifest.

        Args:
            path: The CSV file; `write` makes UTF-8 with commas. Or a Parquet file, by its ending.
            schema: The attributes expected; other columns are ignored. A cell is a value if it is
                the same text or, as 1 and 1.0 do, means the same.
            root: Folder that the paths are relative to; default the manifest's own folder.
            contained: Refuse paths that leave the root.

        Raises:
            ManifestError: If the file is missing, empty or malformed, or rows do not fit; names
                rows, columns, the values found and those accepted.
            SchemaError: If two values of an attribute mean the same.
        """
        needed = ("path", "split", *(a.name for a in schema.attributes), *_EXTRA)
        table = read_table(Path(path), columns=needed)
        return cls.of_table(Path(path), table, schema, root, contained)

    @classmethod
    def of_table(
        cls,
        path: Path,
        table: pd.DataFrame,
        schema: Schema,
        root: str | Path | None = None,
        contained: bool = True,
    ) -> "Manifest":
        """Validate a manifest that `read_table` has read; otherwise as `read`."""
        for attribute in schema.attributes:
            check_distinct(attribute.name, attribute.values)
        needed = ["path", "split", *(a.name for a in schema.attributes)]
        missing = [name for name in needed if name not in table.columns]
        if missing:
            raise ManifestError(
                path, [f"no column {c!r}{nearest(c, table.columns)}" for c in missing]
            )
        problems: list[str] = []
        splits = _codes(table["split"], SPLITS, "split", problems, blank_allowed=False)
        labels = [_codes(table[a.name], a.values, a.name, problems) for a in schema.attributes]
        manifest = cls(
            schema=schema,
            root=Path(root) if root else path.parent,
            paths=table["path"].to_numpy(dtype=object),
            splits=splits.astype(np.int8),
            labels=np.stack(labels, axis=1),
            rows=table.index.to_numpy(),
            extra={c: table[c].to_numpy(dtype=object) for c in _EXTRA if c in table.columns},
            contained=contained,
        )
        problems += [*manifest._path_problems(), *manifest._box_problems()]
        if problems:
            raise ManifestError(path, problems)
        return manifest

    def write(self, path: str | Path) -> None:
        """Write the table as CSV, or by its ending as Parquet; what was there is not lost."""
        columns: dict[str, object] = {"path": self.paths, "split": np.array(SPLITS)[self.splits]}
        for i, a in enumerate(self.schema.attributes):
            columns[a.name] = np.array([*a.values, ""], dtype=object)[self.labels[:, i]]
        table = pd.DataFrame({**columns, **self.extra})
        with replacing_file(Path(path)) as partial:
            if Path(path).suffix.lower() == ".parquet":
                table.to_parquet(partial, index=False)
            else:
                table.to_csv(partial, index=False, lineterminator="\n")

    def __len__(self) -> int:
        return len(self.paths)

    def select(self, keep: np.ndarray) -> "Manifest":
        """The rows where the mask `keep`, shape (N,), is true (or at the given positions)."""
        extra = {name: column[keep] for name, column in self.extra.items()}
        columns = {n: getattr(self, n)[keep] for n in ("paths", "splits", "labels", "rows")}
        return replace(self, extra=extra, **columns)

    def split(self, name: str) -> "Manifest":
        """Return the rows of one split; raises ConfigError for a name that is none."""
        if name not in SPLITS:
            raise ConfigError(unknown("split", name, SPLITS))
        return self.select(self.splits == SPLITS.index(name))

    def matches(self, values: Mapping[str, str]) -> np.ndarray:
        """Mask of shape (N,): rows known to have all of `values`, as `{attribute: value}`."""
        mask = np.ones(len(self), dtype=bool)
        names = [a.name for a in self.schema.attributes]
        for name, value in values.items():
            mask &= self.labels[:, names.index(name)] == self.schema.attribute(name).index(value)
        return mask

    def targets(self, composite: Composite) -> np.ndarray:
        """Joint class of each row, shape (N,), int64; -1 where one of its attributes is unknown."""
        return self.known.targets(composite)

    def counts(self, composite: Composite) -> np.ndarray:
        """Number of rows of each joint class, shape (classes,).

        Rows not fully known count nowhere.
        """
        return self.known.counts(composite)

    def observed(self, composite: Composite) -> np.ndarray:
        """Number of rows of each observation; see `Labels.observed`."""
        return self.known.observed(composite)

    @property
    def known(self) -> Labels:
        """The labels by themselves."""
        return Labels(self.schema, self.labels)

    def file(self, position: int) -> Path:
        """Path of the picture at a position.

        Raises ImageError if a symbolic link takes it out of the root.
        """
        return Path(self.place(position))

    def place(self, position: int) -> str:
        """As `file`, as text, which costs a tenth for a million pictures."""
        path = os.path.join(self.root, self.paths[position])
        if self.contained and not is_inside(path, os.fspath(self.root)):
            raise ImageError(
                f"{self.named(position)}: a symbolic link leads out of the root {self.root}"
            )
        return path

    def named(self, position: int) -> str:
        """How messages call the picture at a position: its row and its path."""
        return f"row {self.rows[position]}, {self.root / self.paths[position]}"

    def box(self, position: int) -> Box | None:
        """The part of the picture that the row at a position is about; None for all of it."""
        text = self.extra["box"][position] if "box" in self.extra else ""
        return parse_box(text) if text else None

    def _path_problems(self) -> list[str]:
        problems = []
        paths = pd.Series(self.paths, index=self.rows)
        for row in paths.index[paths == ""]:
            problems.append(f"row {row}, column path: empty")
        # One picture may be several rows, about different parts of it.
        repeated = pd.DataFrame(
            {"path": paths, "box": self.extra.get("box", "")}, index=self.rows
        ).duplicated()
        for row, path in paths[(paths != "") & repeated].items():
            problems.append(f"row {row}, column path: {path!r} stands in an earlier row too")
        for row, path in paths[paths.str.contains("\0", regex=False)].items():
            problems.append(
                f"row {row}, column path: {path!r} holds a character that no file's name has"
            )
        if not self.contained:
            return problems
        inside = self.root.absolute()
        for row, path in paths[_suspicious(paths)].items():
            if not Path(os.path.normpath(inside / path)).is_relative_to(inside):
                problems.append(f"row {row}, column path: {path!r} leaves the root {self.root}")
        return problems

    def _box_problems(self) -> list[str]:
        boxes = self.extra.get("box", np.array([]))
        wrong = [(self.rows[i], b) for i, b in enumerate(boxes) if b and parse_box(b) is None]
        return [
            f"row {r}, column box: {b!r} is not 'x y width height' in pixels, or blank"
            for r, b in wrong
        ]


def _suspicious(paths: "pd.Series[str]") -> "pd.Series[bool]":
    # Only paths that climb or are absolute can leave the root; a million others are not resolved.
    return (
        paths.str.contains("..", regex=False)
        | paths.str.startswith(("/", "\\"))
        | paths.str.contains(":")
    )


def _codes(
    column: "pd.Series[str]",
    values: Sequence[str],
    name: str,
    problems: list[str],
    blank_allowed: bool = True,
) -> np.ndarray:
    """Index of each cell's value, shape (N,), int16; by its text, or else by what it means."""
    indices = {cell: index_of(cell, values) for cell in column.unique()}
    codes = column.map({c: UNKNOWN if i is None else i for c, i in indices.items()}).astype(
        np.int16
    )
    blank = {cell for cell in indices if blank_allowed and not meaning(cell)}
    accepted = f"{', '.join(values)}{' or blank' if blank_allowed else ''}"
    wrong = column[(codes == UNKNOWN) & ~column.isin(blank)].head(_COUNTED)
    problems += [
        f"row {row}, column {name}: {cell!r} is not one of {accepted}{_meant(cell, values)}"
        for row, cell in wrong.items()
    ]
    return codes.to_numpy()


def _meant(cell: str, values: Sequence[str]) -> str:
    split = SPLIT_NAMES.get(cell.strip().casefold()) if values is SPLITS else None
    return f"; did you mean {split!r}?" if split else nearest(cell, values)
