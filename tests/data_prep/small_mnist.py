"""Drawn digits, in each of the forms that MNIST comes in."""

import gzip
import struct
from pathlib import Path

import cv2
import mnist
import numpy as np

PER_CLASS = 8
NAMES = {"train": ("train_images", "train_labels"), "test": ("test_images", "test_labels")}
KERAS = {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")}
IDX = {"train": "train", "test": "t10k"}


def digit(label, rng):
    """A four-like or nine-like stroke drawing with a lean of its own; other digits are a bar."""
    picture = np.zeros((28, 28), np.uint8)
    top, foot = 13 + int(rng.integers(-1, 6)), 13 + int(rng.integers(-4, 2))
    cv2.line(picture, (top, 5), (foot, 22), int(rng.integers(200, 256)), 2)
    if label == 4:
        cv2.polylines(
            picture, [np.array([(top - 5, 6), (foot - 5, 14), (foot + 3, 14)])], False, 255, 2
        )
    if label == 9:
        cv2.circle(picture, (top - 3, 9), 4, 255, 2)
    return picture


def digits(each=24, test=6):
    """Official parts: `each` training and `test` test digits of 4, 9 and 1, in mixed order."""
    parts, rng = {}, np.random.default_rng(0)
    for part, count in (("train", each), ("test", test)):
        labels = rng.permutation(np.repeat([4, 9, 1], count)).astype(np.uint8)
        parts[part] = np.stack([digit(label, rng) for label in labels]), labels
    return parts


PARTS = digits()


def npz(folder, parts=PARTS, names=NAMES):
    folder.mkdir(exist_ok=True)
    np.savez(
        folder / "mnist.npz",
        **{n: a for p in parts for n, a in zip(names[p], parts[p], strict=True)},
    )
    return folder


def idx(folder, parts=PARTS, dot="-", end=""):
    folder.mkdir(exist_ok=True)
    for part, arrays in parts.items():
        for kind, array in zip(("images", "labels"), arrays, strict=True):
            data = (
                struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape)
                + array.tobytes()
            )
            name = f"{IDX[part]}-{kind}{dot}idx{array.ndim}-ubyte{end}"
            (folder / name).write_bytes(gzip.compress(data) if end else data)
    return folder


def run(source, out, *arguments):
    return mnist.main([str(source), "--out", str(out), "--per-class", str(PER_CLASS), *arguments])


def refusal(capsys, source, *arguments):
    out = Path(source).parent / "refused"
    assert run(source, out, *arguments) == 1
    assert not out.exists()
    return capsys.readouterr().err


def rows(folder):
    return [line.split(",") for line in (folder / "manifest.csv").read_text().splitlines()[1:]]
