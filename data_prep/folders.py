r"""Folders of pictures, one for each joint class -> a manifest.

    python data_prep/folders.py FOLDER --attributes hair gender --out data/mine/manifest.csv

FOLDER holds long_male/1.jpg ..., or train/long_male/1.jpg, test/long_male/2.jpg ...; --attributes says what the parts
of a name are, --class what a name means that does not consist of such parts:

    --class bald_man=short,male --class unclear=,

Without --attributes the name of the folder is the value of one attribute, class.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from converter import Labels, command_line, make_manifest, run
from telling import listed, log
from places import pictures
from splits import SHARES, SPLIT_NAMES, VALIDATION, draw_splits, draw_validation

from modular_cls.data.manifest import SPLITS, UNKNOWN, Manifest
from modular_cls.errors import ConfigError, ManifestError, nearest


def convert(
    root: str | Path,
    attributes: Sequence[str] = (),
    separator: str = "_",
    classes: Mapping[str, Sequence[str]] | None = None,
    shares: Sequence[float] = SHARES,
    validation: float = VALIDATION,
    seed: int = 0,
) -> Manifest:
    """Convert folders of pictures.

    Args:
        root: Folder that holds a folder for each joint class, or those of splits, which hold these.
        attributes: What the parts of a class's name are; none: the whole name is the value of `class`.
        separator: What stands between the parts.
        classes: Values of classes by their name, in the order of the attributes; an empty value is unknown.
        shares: Shares of train, validation and test where there are no folders of splits.
        validation: Share of train that becomes validation where only that folder is missing.
        seed: Which draw.

    Returns:
        The manifest, in the order of paths; values in order of their names.

    Raises:
        ManifestError: If there are no pictures, folders of splits and classes are mixed, or a class's name does not
            have the parts.
        ConfigError: If an attribute is named twice, the separator is empty, or a class is given that does not exist
            or another number of values than there are attributes.
    """
    attributes = list(attributes) or ["class"]
    if not separator or len(set(attributes)) < len(attributes):
        raise ConfigError(f"attributes must differ and the separator not be empty; got {attributes} and {separator!r}")
    root = Path(root)
    paths, others = pictures(root)
    if others:
        log.info("files that are no pictures, left out: %s", f"{others:,}")
    parts, by_split = _parts(root, paths)
    paths = [path for path, _, _ in parts]
    values = _values(root, [name for _, _, name in parts], attributes, separator, classes or {})
    labels = {n: _labels([v[i] for v in values]) for i, n in enumerate(attributes)}
    codes = np.stack([v.codes for v in labels.values()], axis=1)
    if by_split:
        splits = np.array([SPLITS.index(SPLIT_NAMES[part.lower()]) for _, part, _ in parts])
        if SPLITS.index("validation") not in splits:
            splits = draw_validation(splits, np.array(paths, dtype=object), codes, validation, seed)
    else:
        splits = draw_splits(np.array(paths, dtype=object), codes, shares, seed)
    return make_manifest(root, paths, splits, labels, joint=len(labels))


def _parts(root: Path, paths: Sequence[str]) -> tuple[list[tuple[str, str, str]], bool]:
    """Path, split and class of every picture that lies in a class's folder; and whether there are splits."""
    tops = sorted({path.split("/")[0] for path in paths if "/" in path})
    of_splits = [name for name in tops if name.lower() in SPLIT_NAMES]
    if of_splits and len(of_splits) < len(tops):
        classes = listed([name for name in tops if name not in of_splits])
        told = f"folders of splits ({listed(of_splits)}) stand beside others ({classes}); accepted: either"
        raise ManifestError(root, [told])
    depth = 1 + bool(of_splits)
    found = [(path, path.split("/")) for path in paths]
    inside = [(path, names[0], names[depth - 1]) for path, names in found if len(names) > depth]
    if len(inside) < len(paths):
        log.warning("pictures in no folder of a class, left out: %s", f"{len(paths) - len(inside):,}")
    if not inside:
        raise ManifestError(root, ["no pictures in folders of classes: CLASS/PICTURE, or train/CLASS/PICTURE"])
    return inside, bool(of_splits)


def _values(
    root: Path, names: Sequence[str], attributes: Sequence[str], separator: str, classes: Mapping[str, Sequence[str]]
) -> list[Sequence[str]]:
    """Values of every picture, by its class: as given, or the parts of the class's name."""
    there = sorted(set(names))
    for name, values in classes.items():
        if name not in there:
            raise ConfigError(f"--class {name}: no such folder{nearest(name, there)}")
        if len(values) != len(attributes):
            raise ConfigError(f"--class {name}: found {len(values)} values, accepted: one each of {listed(attributes)}")
    split = len(attributes) > 1
    found = {name: classes.get(name) or (name.split(separator) if split else [name]) for name in there}
    wrong = [
        name for name in there if len(found[name]) != len(attributes) or (name not in classes and "" in found[name])
    ]
    if wrong:
        accepted = f"{len(attributes)} parts ({separator.join(attributes)}), or --class NAME={','.join(attributes)}"
        raise ManifestError(root, [f"folder {name!r}: accepted: {accepted}" for name in wrong])
    return [found[name] for name in names]


def _labels(column: Sequence[str]) -> Labels:
    values = sorted(set(column) - {""})
    codes = {value: i for i, value in enumerate(values)} | {"": UNKNOWN}
    return Labels(tuple(values), np.array([codes[value] for value in column], dtype=np.int16))


def _class(text: str) -> tuple[str, list[str]]:
    name, found, values = text.partition("=")
    if not found:
        raise argparse.ArgumentTypeError(f"a class must be written NAME=VALUE,VALUE, found {text!r}")
    return name, [value.strip() for value in values.split(",")]


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    about = "folder that holds a folder for each joint class"
    parser = command_line("Folders of pictures, one for each joint class -> a manifest.", "root", about, also=False)
    parser.add_argument("--attributes", nargs="+", default=[], metavar="NAME", help="what the parts of a name are")
    parser.add_argument("--separator", default="_", help="what stands between the parts")
    parser.add_argument("--class", dest="classes", action="append", default=[], type=_class,
                        metavar="NAME=VALUE,VALUE", help="what one folder's name means; repeat")  # fmt: skip
    parser.add_argument("--shares", type=float, nargs=3, default=SHARES, metavar=("TRAIN", "VAL", "TEST"),
                        help="where there are no folders of splits")  # fmt: skip
    parser.add_argument("--validation", type=float, default=VALIDATION, help="share of train, where it has no folder")
    parser.add_argument("--seed", type=int, default=0, help="which draw")
    return run(
        parser,
        lambda given: convert(given.root, given.attributes, given.separator, dict(given.classes), given.shares,
                              given.validation, given.seed),
        arguments,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
