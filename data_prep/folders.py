r"""Folders of pictures, one for each joint class or one level for each attribute -> a manifest.

    python data_prep/folders.py FOLDER --attributes hair gender --out data/mine/manifest.csv

FOLDER holds long_male/1.jpg ... or long/male/1.jpg ..., or train/long_male/1.jpg,
test/long_male/2.jpg ...; --attributes says what the parts of a name are, or the levels, --class
what a name means that does not consist of such parts:

    --class bald_man=short,male --class unclear=,

Without --attributes the name of the folder is the value of one attribute, class.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from converter import command_line, make_manifest, manifests, run
from folder_levels import Placed, place
from places import pictures
from splits import USUAL, Draw, add_draw
from telling import listed, log
from values import Reading, read_values

from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.data.table_cells import UNKNOWN_WORDS
from modular_cls.errors import ConfigError, ManifestError, nearest


class Names(NamedTuple):
    """What the names of folders mean.

    Attributes:
        attributes: What the parts of a name are, or the levels of folders; none: the whole name is
            the value of `class`.
        separator: What stands between the parts.
        classes: Values of classes by their name, in the order of the attributes; blank is unknown.
        levels: How many levels of folders are read; default: found out.
        unknown: Words that mean unknown.
    """

    attributes: Sequence[str] = ("class",)
    separator: str = "_"
    classes: Mapping[str, Sequence[str]] = {}
    levels: int | None = None
    unknown: Sequence[str] = UNKNOWN_WORDS


ONE_CLASS = Names()


def convert(root: str | Path, names: Names = ONE_CLASS, draw: Draw = USUAL) -> list[Manifest]:
    """Convert folders of pictures.

    Args:
        root: Folder that holds a folder for each joint class, or those of splits, which hold these.
        names: What the names of folders mean.
        draw: How the split is drawn where there are no folders of it, or none of validation.

    Returns:
        The manifest, or one for each fold, in the order of paths; values in order of their names.

    Raises:
        ManifestError: If there are no pictures, folders of splits and classes are mixed, a class's
            name does not have the parts, or folders lie below those that are read.
        ConfigError: If an attribute is named twice, the separator is empty, or a class is given
            that does not exist or another number of values than there are attributes.
    """
    attributes = list(names.attributes)
    if not names.separator or len(set(attributes)) < len(attributes):
        problem = f"got {attributes} and {names.separator!r}"
        raise ConfigError(f"attributes must differ and the separator not be empty; {problem}")
    root = Path(root)
    paths, others = pictures(root)
    if others:
        log.info("files that are no pictures, left out: %s", f"{others:,}")
    levels = len(attributes) if names.separator == "/" else names.levels
    placed = place(root, paths, len(attributes), levels, names.separator)
    values = _values(root, placed, names)
    reading = Reading(unknown=names.unknown, kind="folder", remedy="")
    labels = {}
    for i, name in enumerate(attributes):
        column = pd.Series([parts[i] for parts in values], placed.classes, object)
        labels[name] = read_values(root, name, column, reading)
    codes = np.stack([v.codes for v in labels.values()], axis=1)
    fixed = None
    if placed.splits:
        fixed = np.array([SPLITS.index(split) for split in placed.splits])
    drawn = draw.splits(np.array(placed.paths, dtype=object), codes, fixed)
    manifest = make_manifest(root, placed.paths, drawn[0], labels, joint=len(labels))
    return manifests(manifest, drawn)


def _values(root: Path, placed: Placed, names: Names) -> list[Sequence[str]]:
    """Values of every picture: its levels, or by its class: as given, or the parts of its name."""
    count = len(names.attributes)
    there = sorted(set(placed.classes))
    for name, values in names.classes.items():
        if name not in there:
            raise ConfigError(f"--class {name}: no such folder{nearest(name, there)}")
        if len(values) != count:
            accepted = f"accepted: one each of {listed(names.attributes)}"
            raise ConfigError(f"--class {name}: found {len(values)} values, {accepted}")
    between = "/" if placed.levels > 1 else names.separator
    values_of = {n: names.classes.get(n) or (n.split(between) if count > 1 else [n]) for n in there}
    wrong = [
        name
        for name, values in values_of.items()
        if len(values) != count or (name not in names.classes and "" in values)
    ]
    if wrong:
        form = between.join(names.attributes)
        accepted = f"{count} parts ({form}), or --class NAME={','.join(names.attributes)}"
        raise ManifestError(root, [f"folder {name!r}: accepted: {accepted}" for name in wrong])
    return [values_of[name] for name in placed.classes]


def _class(text: str) -> tuple[str, list[str]]:
    name, equals, values = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(
            f"a class must be written NAME=VALUE,VALUE, found {text!r}"
        )
    return name, [value.strip() for value in values.split(",")]


def _parser() -> argparse.ArgumentParser:
    about = "folder that holds a folder for each joint class"
    parser = command_line("Folders of pictures -> a manifest.", "root", about, also=False)
    parser.add_argument(
        "--attributes",
        nargs="+",
        default=["class"],
        metavar="NAME",
        help="what the parts of a name, or the levels of folders, are",
    )
    parser.add_argument("--separator", default="_", help="what stands between the parts")
    parser.add_argument(
        "--class",
        dest="classes",
        action="append",
        default=[],
        type=_class,
        metavar="NAME=VALUE,VALUE",
        help="what one folder's name means; repeat",
    )
    parser.add_argument(
        "--levels",
        type=int,
        metavar="N",
        help="levels of folders to read; what lies deeper is taken with them",
    )
    parser.add_argument(
        "--unknown",
        nargs="*",
        default=list(UNKNOWN_WORDS),
        metavar="WORD",
        help="words that mean unknown",
    )
    add_draw(parser)
    return parser


def _convert(options: argparse.Namespace) -> list[Manifest]:
    twice = [name for name, _ in options.classes]
    if repeated := sorted({name for name in twice if twice.count(name) > 1}):
        raise ConfigError(f"--class {repeated[0]} is given twice")
    names = Names(
        options.attributes,
        options.separator,
        dict(options.classes),
        options.levels,
        options.unknown,
    )
    draw = Draw(tuple(options.shares), options.seed, options.folds, options.validation)
    return convert(options.root, names, draw)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    return run(_parser(), _convert, arguments)


if __name__ == "__main__":
    sys.exit(main())
