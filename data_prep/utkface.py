"""UTKFace -> a manifest: age group and gender of faces, read from the names of the pictures.

    python data_prep/utkface.py FOLDER --out data/utkface/manifest.csv

FOLDER holds the aligned and cropped faces, at any depth: age_gender_race_time.jpg.chip.jpg; or
names.txt, one name a line. Z. Zhang, Y. Song, H. Qi: Age Progression/Regression by Conditional
Adversarial Autoencoder, CVPR 2017; for research that is not commercial.
"""

import argparse
import hashlib
import re
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from annotations import chosen, read_lines
from converter import Labels, command_line, make_manifest, manifests, run
from places import find, pictures
from splits import USUAL, Draw, add_draw
from telling import listed, log

from modular_cls.data.manifest import UNKNOWN, Manifest
from modular_cls.errors import ConfigError, ManifestError

# Where each group begins, in years: children; the young, who are most; from 30; from 60.
AGE_GROUPS = {"child": 0, "young": 13, "middle": 30, "old": 60}
GENDERS = ("male", "female")  # 0 and 1 in names
RACES = (
    "white",
    "black",
    "asian",
    "indian",
    "other",
)  # 0 to 4, by https://susanqq.github.io/UTKFace/
# The race is missing in some names: then comes the time, a date to begin with.
_NAME = re.compile(r"(?P<age>\d{1,3})_(?P<gender>[01])_(?:(?P<race>[0-4])_.|_?\d{8})")
_DOWNLOAD = """download the aligned and cropped faces from
  https://susanqq.github.io/UTKFace/ and unpack them here"""


def convert(
    root: str | Path,
    also: Sequence[str] = (),
    age_groups: Mapping[str, int] = AGE_GROUPS,
    draw: Draw = USUAL,
) -> list[Manifest]:
    """Convert UTKFace.

    Args:
        root: Folder of the data set.
        also: `race` to take that over, too.
        age_groups: Names of the groups and the age in years that each begins with, the first with
            0.
        draw: How the split is drawn.

    Returns:
        The manifest, or one for each fold, in the order of the names. Names that are not understood
        are left out and told. Of pictures that are the same byte for byte one is kept, or none
        where their labels differ.

    Raises:
        ManifestError: If there are neither pictures nor names.txt, or a label is unknown.
        ConfigError: If the age groups do not begin with 0 or are not in order.
    """
    starts = list(age_groups.values())
    if len(starts) < 2 or starts[0] != 0 or sorted(set(starts)) != starts:
        raise ConfigError(
            f"age groups must be at least two, begin with 0 and be in order; got {dict(age_groups)}"
        )
    root = Path(root)
    names, are_files = _names(root)
    table = _labels(root, names, starts)
    wanted = ["age_group", "gender", *chosen(also, ["race"], (), root)]
    if are_files:
        table = table[_unique(root, table["path"].tolist(), table[wanted].to_numpy())]
    values = {"age_group": tuple(age_groups), "gender": GENDERS[::-1], "race": RACES}
    labels = {name: Labels(values[name], table[name].to_numpy()) for name in wanted}
    groups = table["path"].str.rpartition("/")[2].to_numpy(dtype=object)
    drawn = draw.splits(groups, table[["age_group", "gender"]].to_numpy())
    manifest = make_manifest(root, table["path"].tolist(), drawn[0], labels)
    return manifests(manifest, drawn)


def _names(root: Path) -> tuple[list[str], bool]:
    """Paths of all pictures, and whether they are files; otherwise they come from names.txt."""
    file = find(root, "names.txt")
    paths, others = pictures(root)
    others -= file is not None
    if others:
        log.info("files that are no pictures, left out: %s", f"{others:,}")
    if paths or file is None:
        if not paths:
            raise ManifestError(root, [f"neither pictures nor names.txt here; {_DOWNLOAD}"])
        return paths, True
    return [name for line in read_lines(file) if (name := line.strip())], False


def _labels(root: Path, paths: Sequence[str], starts: Sequence[int]) -> pd.DataFrame:
    """Path and value indices of every name that is understood."""
    rows, strange = [], []
    for path in paths:
        if name := _NAME.match(path.rpartition("/")[2]):
            age, female = int(name["age"]), int(name["gender"])
            race = UNKNOWN if name["race"] is None else int(name["race"])
            rows.append(
                (path, int(np.searchsorted(starts, age, side="right")) - 1, 1 - female, race)
            )
        else:
            strange.append(path)
    if strange:
        log.warning(
            "names that are not understood, left out: %s: %s", f"{len(strange):,}", listed(strange)
        )
    if not rows:
        raise ManifestError(root, ["no name is as it should be: age_gender_race_time.jpg.chip.jpg"])
    return pd.DataFrame(rows, columns=["path", "age_group", "gender", "race"])


def _unique(root: Path, paths: Sequence[str], labels: np.ndarray) -> np.ndarray:
    """Mask of what to keep of files that are the same byte for byte; empty ones do not count."""
    keep = np.ones(len(paths), dtype=bool)
    conflicts = 0
    groups = _same_bytes(root, paths)
    for positions in groups:
        values = [set(column) - {UNKNOWN} for column in labels[positions].T.tolist()]
        differ = any(len(codes) > 1 for codes in values)
        keep[positions if differ else positions[1:]] = False
        conflicts += differ
    if groups:
        log.info(
            "groups of identical files: %s, with conflicting labels: %s; of these all files are "
            "left out, of the others one is kept; files left out: %s",
            f"{len(groups):,}",
            f"{conflicts:,}",
            f"{(~keep).sum():,}",
        )
    return keep


def _same_bytes(root: Path, paths: Sequence[str]) -> list[list[int]]:
    sizes, digests = defaultdict(list), defaultdict(list)
    for i, path in enumerate(paths):
        sizes[(root / path).stat().st_size].append(i)
    for size, positions in sizes.items():
        for i in positions if size and len(positions) > 1 else ():
            digests[size, hashlib.blake2b((root / paths[i]).read_bytes()).digest()].append(i)
    return [positions for positions in digests.values() if len(positions) > 1]


def _age_group(text: str) -> tuple[str, int]:
    name, equals, start = text.partition("=")
    if not equals or not name.strip() or not start.isdecimal():
        raise argparse.ArgumentTypeError(f"an age group must be written NAME=YEARS, found {text!r}")
    return name.strip(), int(start)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = command_line("UTKFace -> age group and gender of faces.")
    parser.add_argument(
        "--age-groups",
        nargs="+",
        type=_age_group,
        default=list(AGE_GROUPS.items()),
        metavar="NAME=YEARS",
        help="groups and the age that each begins with",
    )
    add_draw(parser, validation=None)
    return run(parser, _convert, arguments)


def _convert(options: argparse.Namespace) -> list[Manifest]:
    draw = Draw(tuple(options.shares), options.seed, options.folds)
    return convert(options.root, options.also, dict(options.age_groups), draw)


if __name__ == "__main__":
    sys.exit(main())
