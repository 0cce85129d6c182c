"""PA-100K -> a manifest: gender of pedestrians, and skirt or dress; official splits.

    python data_prep/pa100k.py FOLDER --out data/pa100k/manifest.csv

FOLDER holds annotation.mat, or train.csv, val.csv and test.csv (a picture's name, then the labels,
as copies of the set are passed around), and the pictures in data/ (000001.jpg ...). X. Liu et al.:
HydraPlus-Net: Attentive Deep Features for Pedestrian Analysis, ICCV 2017.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from annotations import check_values, chosen, read_csv_columns
from converter import NO_YES, Labels, command_line, make_manifest, run
from matlab import check_keys, read_mat, texts
from places import find, folder_of_pictures, need
from telling import listed, log

from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.errors import ManifestError, nearest

PARTS = {"train": "train", "val": "validation", "test": "test"}
_KEYS = ("attributes", *(key for part in PARTS for key in (f"{part}_images_name", f"{part}_label")))
_FOLDERS = ("annotation",)
_PICTURE = ("image", "images", "image_id", "image_name", "filename", "file")  # their column's name
_DOWNLOAD = (
    "download it from https://github.com/xh-liu/HydraPlus-Net and put it and data/ in this folder"
)

Parts = dict[str, tuple[list[str], np.ndarray]]  # names and values, shape (N, labels), by part


def convert(root: str | Path, also: Sequence[str] = ()) -> Manifest:
    """Convert PA-100K.

    Args:
        root: Folder of the data set.
        also: Other labels to take over; `all` for all.

    Returns:
        The manifest: train, validation and test in the order of the file. Rows without a picture's
        name are left out, and told by their number.

    Raises:
        ManifestError: If the file is missing or malformed, or a label is unknown.
    """
    root = Path(root)
    file, labels, parts = _tables(root)
    female, skirt = _label(file, "Female", labels), _label(file, "Skirt&Dress", labels)
    rows = np.concatenate([values for _, values in parts.values()])
    values = dict(zip(labels, rows.T, strict=True))
    columns = {"gender": Labels(("female", "male"), 1 - values[female]),
               "skirt_dress": Labels(NO_YES, values[skirt])}  # fmt: skip
    also = chosen(also, labels, (female, skirt), file)
    columns |= {name: Labels(NO_YES, values[name]) for name in also}
    folder = folder_of_pictures(
        root, "release_data/release_data", "release_data", "data/data", "data"
    )
    paths = [f"{folder}/{name}" for names, _ in parts.values() for name in names]
    codes = [SPLITS.index(PARTS[part]) for part in parts]
    splits = np.repeat(codes, [len(names) for names, _ in parts.values()])
    return make_manifest(root, paths, splits, columns)


def _tables(root: Path) -> tuple[Path, list[str], Parts]:
    """The file that names the labels, these, and the rows of each part."""
    if find(root, "annotation.mat", _FOLDERS) is None and find(root, "train.csv", _FOLDERS):
        return _of_csv(root)
    file = need(root, "annotation.mat", _FOLDERS, _DOWNLOAD)
    content = read_mat(file)
    check_keys(file, content, _KEYS)
    for key in content:
        if not key.startswith("__") and key not in _KEYS:
            message = "%s: %r is none of its known keys and is left out%s"
            log.warning(message, file.name, key, nearest(key, _KEYS))
    labels = texts(content["attributes"])
    return file, labels, {part: _part(file, content, part, labels) for part in PARTS}


def _of_csv(root: Path) -> tuple[Path, list[str], Parts]:
    """The same from a CSV for each part."""
    files = {part: need(root, f"{part}.csv", _FOLDERS, _DOWNLOAD) for part in PARTS}
    tables = {part: read_csv_columns(file, _PICTURE) for part, file in files.items()}
    labels = list(tables["train"].columns[1:])
    parts = {}
    for part, table in tables.items():
        if list(table.columns[1:]) != labels:
            differ = listed(sorted(set(labels) ^ set(table.columns[1:]))) or "in another order"
            raise ManifestError(files[part], [f"other labels than in train.csv: {differ}"])
        values = table[labels].to_numpy()
        check_values(files[part], values, (0, 1), labels, table.index.tolist(), "row")
        parts[part] = _named(
            f"{part}.csv", table["image"].to_numpy(dtype=object), values, table.index.to_numpy()
        )
    return files["train"], labels, parts


def _part(
    file: Path, content: dict[str, Any], part: str, labels: Sequence[str]
) -> tuple[list[str], np.ndarray]:
    """Names and values, shape (N, labels), of the rows of a part that have a name."""
    names = np.array(texts(content[f"{part}_images_name"]), dtype=object)
    values = np.atleast_2d(np.asarray(content[f"{part}_label"]))
    if values.shape != (len(names), len(labels)):
        wanted = f"{len(names):,} rows (as {part}_images_name has) of {len(labels)} labels"
        raise ManifestError(file, [f"{part}_label: found shape {values.shape}, accepted: {wanted}"])
    rows = np.arange(1, 1 + len(names))
    check_values(file, values, (0, 1), labels, rows.tolist(), f"{part}_label row")
    return _named(f"{part}_images_name", names, values, rows)


def _named(
    where: str, names: np.ndarray, values: np.ndarray, rows: np.ndarray
) -> tuple[list[str], np.ndarray]:
    """The rows that have a name; tells of the others."""
    named = names != ""
    if not named.all():
        left = listed(rows[~named].tolist())
        log.warning("%s: rows without a name, left out: %s", where, left)
    return names[named].tolist(), values[named].astype(np.int16)


def _label(file: Path, name: str, labels: Sequence[str]) -> str:
    """A label as this copy spells it, apart from case and punctuation."""
    for label in labels:
        if _letters(label) == _letters(name):
            return label
    raise ManifestError(file, [f"attributes: no label {name!r}{nearest(name, labels)}"])


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = command_line("PA-100K -> gender of pedestrians, and skirt or dress.")
    return run(parser, lambda options: convert(options.root, options.also), arguments)


if __name__ == "__main__":
    sys.exit(main())
