"""PETA -> a manifest: hair and gender of pedestrians, by default split by person.

    python data_prep/peta.py FOLDER --out data/peta/manifest.csv

FOLDER holds PETA.mat and the pictures in images/ (00001.png ...). Y. Deng, P. Luo, C. C. Loy, X.
Tang: Pedestrian Attribute Recognition at Far Distance, ACM Multimedia 2014. The official splits are
by picture: many persons in their test splits are in training as well (J. Jia et al.: Rethinking of
Pedestrian Attribute Recognition, 2020).
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from annotations import check_values, chosen
from converter import NO_YES, Labels, command_line, make_manifest, run
from matlab import check_keys, read_mat, texts
from places import folder_of_pictures, need
from splits import draw_splits
from telling import log

from modular_cls.data.manifest import UNKNOWN, Manifest
from modular_cls.errors import ConfigError, ManifestError, nearest, unknown

SHARES = (9500, 1900, 7600)  # pictures in the official splits
SPLIT_BY = ("person", "official")
_HAIR, _MALE, _FEMALE = ("hairLong", "hairShort"), "personalMale", "personalFemale"
_BEFORE = ("picture", "person", "source", "code")  # columns of `data` before the labels
_DOWNLOAD = """download the copy with one folder of pictures, which
  https://github.com/dangweili/pedestrian-attribute-recognition-pytorch links to, and put PETA.mat
  and images/ in this folder (the data set's page:
  http://mmlab.ie.cuhk.edu.hk/projects/PETA.html)"""


def convert(
    root: str | Path,
    also: Sequence[str] = (),
    split: str = "person",
    partition: int = 0,
    seed: int = 0,
) -> Manifest:
    """Convert PETA.

    Args:
        root: Folder of the data set.
        also: Other labels to take over; `all` for all.
        split: person draws whole persons, in the shares of the official splits; official takes one
            of those.
        partition: Which of the official splits, from 0.
        seed: Which draw of persons.

    Returns:
        The manifest, in the order of the file. Hair that is neither long nor short, or both, is
        unknown; so is gender where personalMale and personalFemale do not differ.

    Raises:
        ManifestError: If the file is missing or malformed, or a label is unknown.
        ConfigError: If there is no such split.
    """
    if split not in SPLIT_BY:
        raise ConfigError(unknown("split", split, SPLIT_BY))
    root = Path(root)
    file = need(root, "PETA.mat", (), _DOWNLOAD)
    peta = _read(file)
    table = _table(file, peta)
    if split == "official":
        splits = _official(file, peta["partion_attribute"], partition, len(table))
        table, splits = table[splits != UNKNOWN], splits[splits != UNKNOWN]
        _warn_of_leaks(splits, table["person"])
    labels = _labels(file, table, also)
    if split == "person":
        main = np.stack([v.codes for v in labels.values()], axis=1)[:, :2]
        splits = draw_splits(table["person"].to_numpy(), main, SHARES, seed)
    folder = folder_of_pictures(root, "images")
    paths = [f"{folder}/{number:05d}.png" for number in table["picture"]]
    extra = {
        name: table[column].astype(str).tolist()
        for name, column in (("source", "source"), ("identity", "person"))
    }
    return make_manifest(root, paths, splits, labels, extra)


def _read(file: Path) -> Any:
    content = read_mat(file)
    check_keys(file, content, ["peta"])
    check_keys(file, content["peta"], ["data", "attribute", "partion_attribute"], "peta")
    return content["peta"]


def _table(file: Path, peta: Any) -> pd.DataFrame:
    """The columns of `peta.data`, checked: what comes before the labels, then these, 0 or 1."""
    names = texts(peta["attribute"])
    data = np.atleast_2d(np.asarray(peta["data"]))
    if missing := [name for name in (*_HAIR, _MALE) if name not in names]:
        raise ManifestError(
            file, [f"peta.attribute: no label {name!r}{nearest(name, names)}" for name in missing]
        )
    columns = [*_BEFORE, *names]
    if data.ndim != 2 or data.shape[1] != len(columns) or data.dtype.kind not in "uif":
        accepted = f"(pictures, {len(columns)}): {len(_BEFORE)} numbers and {len(names)} labels"
        raise ManifestError(
            file,
            [f"peta.data: found {data.dtype} of shape {data.shape}, accepted: numbers {accepted}"],
        )
    table = pd.DataFrame(data.astype(np.int64), columns=columns)
    check_values(
        file, data[:, len(_BEFORE) :], (0, 1), names, range(1, 1 + len(table)), "peta.data row"
    )
    return table


def _labels(file: Path, table: pd.DataFrame, also: Sequence[str]) -> dict[str, Labels]:
    names = list(table.columns[len(_BEFORE) :])
    labels = {
        "hair": _one_of(("short", "long"), table["hairShort"], table["hairLong"]),
        "gender": _one_of(("female", "male"), table.get(_FEMALE, 1 - table[_MALE]), table[_MALE]),
    }
    return labels | {
        n: Labels(NO_YES, table[n].to_numpy())
        for n in chosen(also, names, (*_HAIR, _MALE, _FEMALE), file)
    }


def _one_of(values: tuple[str, str], first: "pd.Series[int]", second: "pd.Series[int]") -> Labels:
    """One of two values where exactly one of two labels holds."""
    return Labels(values, np.where(first != second, second, UNKNOWN))


def _official(file: Path, partitions: Any, partition: int, size: int) -> np.ndarray:
    """One of the official splits, shape (N,); -1 for pictures in none."""
    partitions = [partitions] if isinstance(partitions, dict) else list(np.ravel(partitions))
    if not 0 <= partition < len(partitions):
        raise ConfigError(
            f"partition is {partition}; {file.name} has those from 0 to {len(partitions) - 1}"
        )
    where = f"peta.partion_attribute{{{partition + 1}}}"
    check_keys(file, partitions[partition], ["train", "val", "test"], where)
    splits = np.full(size, UNKNOWN, dtype=np.int8)
    twice = 0
    for code, name in enumerate(("train", "val", "test")):
        numbers = np.ravel(partitions[partition][name]).astype(np.int64)
        if wrong := numbers[(numbers < 1) | (numbers > size)].tolist():
            raise ManifestError(
                file, [f"{where}.{name}: found {n}, accepted: 1 to {size}" for n in wrong]
            )
        twice += int((splits[numbers - 1] != UNKNOWN).sum())
        splits[numbers - 1] = code
    if left_out := int((splits == UNKNOWN).sum()):
        log.info("pictures left out, in no split of this partition: %s", f"{left_out:,}")
    if twice:
        log.warning(
            "pictures in several splits of this partition, of which the last counts: %s",
            f"{twice:,}",
        )
    return splits


def _warn_of_leaks(splits: np.ndarray, persons: "pd.Series[int]") -> None:
    leaking = int((pd.Series(splits).groupby(persons.to_numpy()).nunique() > 1).sum())
    if leaking:
        log.warning(
            "persons in several splits: %s; a test on them is too easy, see --split person",
            f"{leaking:,}",
        )


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = command_line("PETA -> hair and gender of pedestrians.")
    parser.add_argument(
        "--split",
        choices=SPLIT_BY,
        default=SPLIT_BY[0],
        help="draw persons, or take an official split",
    )
    parser.add_argument(
        "--partition", type=int, default=0, help="which official split, from 0 to 4"
    )
    parser.add_argument("--seed", type=int, default=0, help="which draw of persons")
    return run(
        parser,
        lambda options: convert(
            options.root, options.also, options.split, options.partition, options.seed
        ),
        arguments,
    )


if __name__ == "__main__":
    sys.exit(main())
