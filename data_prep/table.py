r"""Any CSV of pictures and labels -> a manifest, by naming its columns.

For example, with values renamed and rows of one hairstyle kept in one split:

    python data_prep/table.py labels.csv --path file --attribute hair=hair_length \
        --attribute beard=facial_hair --value beard:0=none --value beard:1=moustache \
        --group variant --out data/avatars/manifest.csv
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from converter import Labels, command_line, make_manifest, run
from splits import SHARES, SPLIT_NAMES, draw_splits

from modular_cls.data.manifest import SPLITS, Manifest, read_table
from modular_cls.errors import ManifestError, nearest, unknown


def convert(
    table: Path,
    attributes: Mapping[str, str],
    path: str = "path",
    values: Mapping[tuple[str, str], str] | None = None,
    split: str | None = None,
    group: str | None = None,
    shares: tuple[float, float, float] = SHARES,
    seed: int = 0,
) -> Manifest:
    """Convert a table.

    Args:
        table: CSV file, UTF-8, with a header.
        attributes: Column of each attribute, by the attribute's name in the manifest.
        path: Column that holds the path of the picture.
        values: New names of values, by (attribute, value in the table); an empty name means unknown,
            and so does every value not named of an attribute that has some named.
        split: A column that holds the split, or the name of one split for all rows; default: drawn.
        group: Draw the split for whole groups, rows with the same value in this column; a group is
            never divided, and every joint class is divided group by group.
        shares: Shares of train, validation and test where the split is drawn.
        seed: Which draw.

    Returns:
        The manifest, with values in order of their names. Rows keep their order.

    Raises:
        ManifestError: If a column is missing or a split is not understood.
    """
    frame = read_table(table)
    is_column = split is not None and split in frame.columns
    wanted = [path, *attributes.values(), *([group] if group else [])]
    if missing := [c for c in wanted if c not in frame.columns]:
        raise ManifestError(table, [f"no column {c!r}{nearest(c, frame.columns)}" for c in missing])
    if split is not None and not is_column and split not in SPLITS:
        raise ManifestError(table, [unknown("split or column", split, [*SPLITS, *frame.columns])])
    if wrong := [name for name, _ in values or {} if name not in attributes]:
        raise ManifestError(table, [unknown("attribute", n, attributes, "among the values renamed") for n in wrong])
    labels = {name: _labels(_renamed(frame[c].str.strip(), name, values or {})) for name, c in attributes.items()}
    if is_column:
        splits = _given_splits(frame[str(split)], table)
    elif split is not None:
        splits = np.full(len(frame), SPLITS.index(split), dtype=np.int8)
    else:
        codes = np.stack([v.codes for v in labels.values()], axis=1)
        splits = draw_splits(frame[group or path].to_numpy(dtype=object), codes, shares, seed)
    extra = {"identity": frame[group].tolist()} if group else {}
    return make_manifest(table.parent, frame[path].tolist(), splits, labels, extra, joint=len(labels))


def _renamed(column: "pd.Series[str]", attribute: str, values: Mapping[tuple[str, str], str]) -> "pd.Series[str]":
    names = {old: new for (name, old), new in values.items() if name == attribute}
    return column.map(names).fillna("") if names else column


def _labels(column: "pd.Series[str]") -> Labels:
    values = tuple(sorted(set(column) - {""}))
    codes = column.map({v: i for i, v in enumerate(values)}).fillna(-1)
    return Labels(values, codes.to_numpy(dtype=np.int16))


def _given_splits(column: "pd.Series[str]", table: Path) -> np.ndarray:
    codes = column.str.strip().str.lower().map(SPLIT_NAMES)
    if codes.isna().any():
        wrong = column[codes.isna()]
        problems = [f"row {i}, split: {v!r} is not one of {', '.join(SPLIT_NAMES)}" for i, v in wrong.items()]
        raise ManifestError(table, problems)
    return codes.map(SPLITS.index).to_numpy(dtype=np.int8)


def _pair(text: str, name: str, separator: str = "=") -> tuple[str, str]:
    left, found, right = text.partition(separator)
    if not found:
        raise argparse.ArgumentTypeError(f"{name} must be written A{separator}B, found {text!r}")
    return left, right


def _renaming(text: str) -> tuple[tuple[str, str], str]:
    old, new = _pair(text, "--value")
    return _pair(old, "--value NAME", ":"), new


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = command_line("Any CSV of pictures and labels -> a manifest.", "table", "the CSV file", also=False)
    parser.add_argument("--path", default="path", help="column of the picture's path")
    parser.add_argument("--attribute", action="append", required=True, metavar="NAME=COLUMN",
                        type=lambda t: _pair(t, "--attribute"), help="an attribute and its column; repeat")  # fmt: skip
    parser.add_argument("--value", action="append", default=[], metavar="NAME:OLD=NEW",
                        type=_renaming, help="rename a value; others become unknown")  # fmt: skip
    parser.add_argument("--split", help="column of the split, or one split for all rows; default: drawn")
    parser.add_argument("--group", help="draw whole groups: rows alike in this column stay together")
    parser.add_argument("--shares", type=float, nargs=3, default=SHARES, metavar=("TRAIN", "VAL", "TEST"))
    parser.add_argument("--seed", type=int, default=0)
    return run(
        parser,
        lambda given: convert(given.table, dict(given.attribute), given.path, dict(given.value), given.split,
                              given.group, tuple(given.shares), given.seed),
        arguments,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
