r"""Any table of pictures and labels -> a manifest, by naming its columns.

For example, with values renamed and rows of one hairstyle kept in one split:

    python data_prep/table.py labels.csv --path file --attribute hair=hair_length \
        --attribute beard=facial_hair --value beard:0=none --value beard:1=moustache \
        --group variant --out data/avatars/manifest.csv

docs/tables.md shows what else tables look like, and what to write then.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from columns import Plain, Shape, Tags, in_bins, need_columns, split_tags
from converter import Labels, Pictures, make_manifest, manifests, run
from given_splits import LEFT_OUT, given_splits, splits_of_files
from picture_paths import settle
from splits import (
    USUAL,
    Draw,
    alone_where_blank,
)
from table_arguments import table_parser
from telling import listed, log
from text_files import look_up, read_files
from values import Reading, read_values

from modular_cls.data.manifest import SPLIT_NAMES, SPLITS, Manifest
from modular_cls.data.table_cells import UNKNOWN_WORDS
from modular_cls.errors import ConfigError, ManifestError, unknown


@dataclass(frozen=True)
class Columns:
    """What the columns of a table hold.

    Attributes:
        path: Column of the picture's path.
        labels: Where the labels of each attribute stand.
        bins: Edges of the bins that numbers go into, by attribute.
        values: New names of values, by attribute, then by the value in the table; an empty name
            means unknown, and so does every value not named of an attribute that has some named.
        unknown: Words that mean unknown.
        group: Column that says what belongs together: a group is never divided.
    """

    path: str
    labels: Mapping[str, Shape]
    bins: Mapping[str, Sequence[float]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    unknown: Sequence[str] = UNKNOWN_WORDS
    group: str | None = None


@dataclass(frozen=True)
class Splitting:
    """Where the split comes from.

    Attributes:
        column: A column that holds it, or the name of one split for all rows; default: drawn.
        names: What the words or codes of the column mean, as `given_splits` takes them.
        file: A second table, which the column is in.
        of_files: The split of each of several tables.
        draw: How it is drawn.
    """

    column: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    of_files: Sequence[str] = ()
    draw: Draw = USUAL


DRAWN = Splitting()


def convert(
    files: Sequence[Path],
    columns: Columns,
    splitting: Splitting = DRAWN,
    folder: str = "",
    suffix: str = "",
    separator: str | None = None,
    encoding: str | None = None,
    pictures: bool = True,
) -> list[Manifest]:
    """Convert a table.

    Args:
        files: The table, with a header, or its parts; paths are relative to the first one's folder.
        columns: What its columns hold.
        splitting: Where the split comes from.
        folder: A folder to put before each path.
        suffix: An ending to put behind each path.
        separator: What stands between fields; default: found out.
        encoding: Of the files; default: found out.
        pictures: Refuse a table none of whose pictures is there.

    Returns:
        The manifest, or one for each fold, rows in the order of the table.

    Raises:
        ManifestError: If a column is missing, or cells are not understood.
        ConfigError: If what is asked for does not fit together.
    """
    where = files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
    frame, sizes = read_files(files, separator, encoding)
    _check(where, frame, columns, splitting)
    if splitting.file:
        cells = look_up(frame[columns.path], splitting.file, splitting.column, separator, encoding)
        splits: np.ndarray | None = given_splits(splitting.file, cells, splitting.names)
    else:
        splits = _given(where, frame, sizes, splitting)
    if splits is not None and (kept := splits != LEFT_OUT).sum() < len(frame):
        log.info("rows left out, by their split: %s", f"{(~kept).sum():,}")
        frame, splits = frame[kept], splits[kept]
    labels = _labels(where, frame, columns)
    root = files[0].parent
    paths = settle(root, frame[columns.path].tolist(), folder, suffix)
    groups, extra = np.array(paths, dtype=object), {}
    if columns.group:
        identity = frame[columns.group].str.strip().tolist()
        groups, extra = alone_where_blank(identity, paths, columns.group), {"identity": identity}
    codes = np.stack([v.codes for v in labels.values()], axis=1)
    drawn = splitting.draw.splits(groups, codes, splits)
    check: Pictures = "needed" if pictures else "optional"
    manifest = make_manifest(root, paths, drawn[0], labels, extra, len(labels), check)
    return manifests(manifest, drawn)


def _check(where: object, frame: pd.DataFrame, columns: Columns, splitting: Splitting) -> None:
    needed = [c for shape in columns.labels.values() for c in shape.columns]
    needed = [columns.path, *needed, *([columns.group] if columns.group else [])]
    need_columns(where, frame, needed)
    for flag, names in (("--value", columns.values), ("--bins", columns.bins)):
        for name in names:
            if name not in columns.labels:
                raise ManifestError(
                    where, [unknown("attribute", name, columns.labels, f"in {flag}")]
                )
            if flag == "--bins" and not isinstance(columns.labels[name], Plain):
                raise ConfigError(f"--bins {name}: only a column of numbers (--attribute) has bins")
    used = {*needed, *([] if splitting.file else [splitting.column])}
    if rest := [c for c in frame.columns if c and c not in used]:
        log.info("columns that are not used: %s", listed(rest))


def _given(
    where: object, frame: pd.DataFrame, sizes: Sequence[int], splitting: Splitting
) -> np.ndarray | None:
    """The splits that are given in the table or by its files, shape (N,); None to draw them."""
    column, of_files = splitting.column, splitting.of_files
    if column is not None and column in frame.columns:
        return given_splits(where, frame[column], splitting.names)
    if splitting.names:
        raise ConfigError("--split-values says what a column means: name it, --split COLUMN")
    if of_files:
        return np.repeat([SPLITS.index(split) for split in of_files], sizes)
    if column is None:
        return None
    if column.casefold() not in SPLIT_NAMES:
        known = [*SPLITS, *frame.columns]
        raise ManifestError(where, [unknown("split or column", column, known)])
    return np.full(len(frame), SPLITS.index(SPLIT_NAMES[column.casefold()]))


def _labels(where: object, frame: pd.DataFrame, columns: Columns) -> dict[str, Labels]:
    labels = {}
    for name, shape in columns.labels.items():
        text = shape.read(where, name, frame, columns.unknown)
        order: Sequence[str] = ()
        if name in columns.bins:
            text, order = in_bins(where, name, text, columns.bins[name], columns.unknown)
        reading = Reading(columns.values.get(name, {}), columns.unknown, order)
        labels[name] = read_values(where, name, text, reading)
    for column in {s.column for s in columns.labels.values() if isinstance(s, Tags)}:
        used = {w for s in columns.labels.values() if isinstance(s, Tags) for w in s.words}
        there = set().union(*split_tags(frame[column]))
        if rest := sorted(there - used):
            log.info("tags of column %s that are not used: %s", column, listed(rest))
    return labels


def _convert(options: argparse.Namespace) -> list[Manifest]:
    if not options.labels:
        raise ConfigError("no attribute is named: --attribute NAME=COLUMN, --one-hot or --tags")
    values: dict[str, dict[str, str]] = {}
    for (name, old), new in options.value.items():
        values.setdefault(name, {})[old] = new
    columns = Columns(
        options.path, options.labels, options.bins, values, options.unknown, options.group
    )
    files = [file for _, file in options.table]
    other = options.split or options.split_file
    if other and (named := [split for split, _ in options.table if split]):
        raise ConfigError(
            f"the files are of splits already ({listed(named)}); drop that or {other}"
        )
    of_files = () if other else splits_of_files(options.table)
    draw = Draw(options.shares, options.seed, options.folds, options.validation)
    splitting = Splitting(options.split, options.split_values, options.split_file, of_files, draw)
    return convert(files, columns, splitting, options.folder, options.suffix, options.separator,
                   options.encoding, not options.no_pictures)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    return run(table_parser(), _convert, arguments)


if __name__ == "__main__":
    sys.exit(main())
