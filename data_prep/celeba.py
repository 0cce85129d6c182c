"""CelebA -> a manifest: hair (blond or other) and gender of celebrities' faces; official splits.

    python data_prep/celeba.py FOLDER --out data/celeba/manifest.csv

FOLDER holds list_attr_celeba.txt and list_eval_partition.txt (there, in Anno/ or in Eval/), or both
as .csv, identity_CelebA.txt if you have it, and the pictures in img_align_celeba/. Z. Liu, P. Luo,
X. Wang, X. Tang: Deep Learning Face Attributes in the Wild, ICCV 2015; for research that is not
commercial.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from annotations import check_values, chosen, read_columns, read_csv_columns, read_lines
from converter import NO_YES, Labels, command_line, make_manifest, run
from places import find, folder_of_pictures, need
from telling import listed

from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.errors import ManifestError, nearest

_ATTRIBUTES, _PARTITION, _IDENTITIES = (
    "list_attr_celeba.txt",
    "list_eval_partition.txt",
    "identity_CelebA.txt",
)
_DOWNLOAD = (
    "download it from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html and put it in this folder"
)
_FOLDERS = ("Anno", "Eval")
_USED = ("Blond_Hair", "Male")


def convert(root: str | Path, also: Sequence[str] = ()) -> Manifest:
    """Convert CelebA.

    Args:
        root: Folder of the data set.
        also: Other labels to take over; `all` for all.

    Returns:
        The manifest, in the order of list_attr_celeba.txt. Identities are in it where the file is
        there.

    Raises:
        ManifestError: If a file is missing or malformed, or a label is unknown.
    """
    root = Path(root)
    file = _file(root, _ATTRIBUTES)
    table = _attributes_csv(file) if file.suffix == ".csv" else _attributes(file)
    names = list(table.columns[1:])
    if missing := [name for name in _USED if name not in names]:
        line = 1 if file.suffix == ".csv" else 2
        problems = [f"line {line}: no label {name!r}{nearest(name, names)}" for name in missing]
        raise ManifestError(file, problems)
    partition = _file(root, _PARTITION)
    splits = _by_picture(partition, "split", table["image"])
    images = table["image"].tolist()
    check_values(partition, splits[:, None], range(len(SPLITS)), ["split"], images, "picture")
    present = {name: (table[name] == 1).to_numpy().astype(np.int16) for name in names}
    labels = {"hair": Labels(("other", "blond"), present["Blond_Hair"]),
              "gender": Labels(("female", "male"), present["Male"])}  # fmt: skip
    labels |= {name: Labels(NO_YES, present[name]) for name in chosen(also, names, _USED, file)}
    folder = folder_of_pictures(
        root, "img_align_celeba/img_align_celeba", "Img/img_align_celeba", "img_align_celeba"
    )  # fmt: skip
    paths = (folder + "/" + table["image"]).tolist()
    return make_manifest(root, paths, splits, labels, _identities(root, table))


def _file(root: Path, name: str) -> Path:
    """The file as its authors hand it out, or the CSV that is passed around."""
    copy = find(root, name.replace(".txt", ".csv"), _FOLDERS)
    return find(root, name, _FOLDERS) or copy or need(root, name, _FOLDERS, _DOWNLOAD)


def _attributes_csv(file: Path) -> pd.DataFrame:
    """The same table as a CSV: -1 and 1, or 0 and 1."""
    table = read_csv_columns(file)
    names = list(table.columns[1:])
    values = table[names].to_numpy()
    accepted = (0, 1) if (values == 0).any() and not (values == -1).any() else (-1, 1)
    check_values(file, values, accepted, names, table.index.tolist(), "row")
    return table


def _attributes(file: Path) -> pd.DataFrame:
    """The table of labels: image, then -1 or 1 in a column for each."""
    lines = read_lines(file)
    count, header = next(lines, "").strip(), next(lines, "").split()
    if not count.isdecimal() or not header:
        accepted = "accepted: the number of pictures, and their labels below"
        raise ManifestError(file, [f"line 1: found {count!r}, {accepted}"])
    table = read_columns(file, ["image", *header], skip=2)
    if len(table) != int(count):
        problem = f"line 1 tells {int(count):,} pictures, found {len(table):,}; download it again"
        raise ManifestError(file, [problem])
    check_values(file, table[header].to_numpy(), (-1, 1), header, table.index.tolist(), "line")
    return table


def _by_picture(file: Path, column: str, images: "pd.Series[str]") -> np.ndarray:
    """Read a number for each of some pictures, shape (N,); NaN where the file has none."""
    table = (
        read_csv_columns(file) if file.suffix == ".csv" else read_columns(file, ["image", column])
    )
    if len(table.columns) != 2:
        raise ManifestError(file, [f"found columns {listed(list(table.columns))}, accepted: two"])
    table.columns = pd.Index(["image", column])
    if (repeated := table["image"].duplicated()).any():
        problems = [f"line {i}: {name!r} stands in an earlier line too"
                    for i, name in table["image"][repeated].items()]  # fmt: skip
        raise ManifestError(file, problems)
    return images.map(table.set_index("image")[column]).to_numpy()


def _identities(root: Path, table: pd.DataFrame) -> dict[str, list[str]]:
    file = find(root, _IDENTITIES, _FOLDERS)
    if file is None:
        return {}
    numbers = _by_picture(file, "identity", table["image"]).tolist()
    return {"identity": ["" if np.isnan(i) else f"{i:.0f}" for i in numbers]}


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = command_line("CelebA -> hair (blond or other) and gender of faces.")
    return run(parser, lambda options: convert(options.root, options.also), arguments)


if __name__ == "__main__":
    sys.exit(main())
