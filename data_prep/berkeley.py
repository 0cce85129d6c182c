"""Berkeley Attributes of People -> a manifest: hair and gender of people, each in a box.

    python data_prep/berkeley.py FOLDER --out data/berkeley/manifest.csv

FOLDER holds train/ and test/, each with labels.txt and its pictures, or only one labels.txt; also
under attributes_dataset/. L. Bourdev, S. Maji, J. Malik: Describing People, ICCV 2011.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from annotations import check_values, chosen, read_columns
from converter import NO_YES, Labels, command_line, make_manifest, run
from places import find
from splits import SHARES, VALIDATION, draw_splits, draw_validation
from telling import log

from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.errors import ConfigError, ManifestError, unknown

LABELS = (
    "is_male",
    "has_long_hair",
    "has_glasses",
    "has_hat",
    "has_t-shirt",
    "has_long_sleeves",
    "has_shorts",
    "has_jeans",
    "has_long_pants",
)
_BOX = ("x", "y", "width", "height")
_USED = ("is_male", "has_long_hair")
_PLACES = ("", "attributes_dataset")
PARTS = {"train": "train", "val": "validation", "test": "test"}
_DOWNLOAD = """download attributes_dataset.tgz from
  https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/shape/poselets/ and unpack it
  in this folder"""


def convert(
    root: str | Path, also: Sequence[str] = (), split: str | None = None, seed: int = 0
) -> Manifest:
    """Convert Berkeley Attributes of People.

    Args:
        root: Folder of the data set.
        also: Other labels to take over; `all` for all.
        split: One split for all rows, where there is only one labels.txt; default: drawn.
        seed: Which draw: of the split, or of the part of train/ that becomes validation.

    Returns:
        The manifest, in the order of the files. A label of 0 is unknown; without a usable box it is
        blank.

    Raises:
        ManifestError: If a file is missing or malformed, or a label is unknown.
        ConfigError: If there is no such split, or one is given for train/ and test/.
    """
    root = Path(root)
    files = _files(root)
    tables = [_read(file, _inside(root, file)) for file in files]
    table = pd.concat(tables, ignore_index=True)
    labels = {
        "hair": _labels(("short", "long"), table["has_long_hair"]),
        "gender": _labels(("female", "male"), table["is_male"]),
    }
    main = np.stack([v.codes for v in labels.values()], axis=1)
    labels |= {name: _labels(NO_YES, table[name]) for name in chosen(also, LABELS, _USED, files[0])}
    paths = table["image"].to_numpy(dtype=object)
    if len(files) == 1:
        splits = _one_split(split, paths, main, seed)
    elif split is None:
        parts = [SPLITS.index(PARTS[f.parent.name]) for f in files]
        splits = np.repeat(parts, list(map(len, tables)))
        if SPLITS.index("validation") not in splits:
            splits = draw_validation(splits, paths, main, VALIDATION, seed)
    else:
        raise ConfigError(
            f"split is {split!r}, but {root} has train/ and test/, which tell the split"
        )
    return make_manifest(root, paths.tolist(), splits, labels, {"box": _boxes(table)})


def _files(root: Path) -> list[Path]:
    """The files of labels: one, or those of train/ and test/."""
    if single := find(root, "labels.txt", _PLACES[1:]):
        return [single]
    for place in _PLACES:
        parts = [root / place / part / "labels.txt" for part in PARTS]
        if there := [file for file in parts if file.is_file()]:
            return there
    raise ManifestError(
        root, [f"no labels.txt here, in train/ and test/, or in attributes_dataset/; {_DOWNLOAD}"]
    )


def _inside(root: Path, file: Path) -> str:
    folder = file.parent.relative_to(root).as_posix()
    return "" if folder == "." else f"{folder}/"


def _read(file: Path, folder: str) -> pd.DataFrame:
    table = read_columns(file, ["image", *_BOX, *LABELS])
    check_values(
        file, table[list(LABELS)].to_numpy(), (-1, 0, 1), LABELS, table.index.tolist(), "line"
    )
    return table.assign(image=folder + table["image"])


def _labels(values: tuple[str, str], column: "pd.Series[float]") -> Labels:
    """-1 and 1 are the two values, 0 is unknown."""
    return Labels(values, column.map({-1: 0, 0: -1, 1: 1}).to_numpy(dtype=np.int16))


def _one_split(split: str | None, paths: np.ndarray, main: np.ndarray, seed: int) -> np.ndarray:
    if split is None:
        return draw_splits(paths, main, SHARES, seed)
    if split not in SPLITS:
        raise ConfigError(unknown("split", split, SPLITS))
    return np.full(len(paths), SPLITS.index(split))


def _boxes(table: pd.DataFrame) -> list[str]:
    """The boxes as a manifest writes them; blank where a number is missing or there is no area."""
    boxes = table[list(_BOX)].to_numpy()
    usable = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > 0).all(axis=1)
    if not usable.all():
        log.info(
            "boxes that are NaN or empty, left blank for the whole picture: %s",
            f"{(~usable).sum():,}",
        )
    texts = [_as_text(box) for box in boxes.tolist()]
    return [text if fits else "" for text, fits in zip(texts, usable, strict=True)]


def _as_text(box: Sequence[float]) -> str:
    return " ".join(f"{number:.10g}" for number in box)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = command_line(
        "Berkeley Attributes of People -> hair and gender of people in photographs."
    )
    parser.add_argument(
        "--split", choices=SPLITS, help="one split for all rows of a single labels.txt; else drawn"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="which draw of the split, or of validation"
    )
    return run(
        parser,
        lambda options: convert(options.root, options.also, options.split, options.seed),
        arguments,
    )


if __name__ == "__main__":
    sys.exit(main())
