"""What is done to training pictures: a function of seed, epoch and row alone."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from modular_cls.config import Augment
from modular_cls.data.dataset import AttributeDataset, as_it_is
from modular_cls.data.faces.write import SCHEMA
from modular_cls.data.manifest import Manifest
from modular_cls.data.preparation import Pixels
from modular_cls.data.sampling import UpdateSampler
from modular_cls.data.transforms import TrainTransform

OFF = {"flip": 0.0, "shift": 0.0, "scale": 0.0, "rotate": 0.0, "brightness": 0.0, "contrast": 0.0}
HALVES = np.repeat(np.array([60, 180], np.uint8), 16)[None, :, None].repeat(32, 0).repeat(3, 2)
NOISE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
HALF = (0.5, 0.5, 0.5)


def flipped(transform, epoch, row):
    image = transform(HALVES, epoch, row).astype(int)
    return image[:, :8].mean() > image[:, -8:].mean()


def train_set(faces_dir, **augment):
    manifest = Manifest.read(faces_dir / "manifest.csv", SCHEMA).split("train")
    return AttributeDataset(
        manifest, Pixels((32, 32), HALF, HALF), TrainTransform(Augment(**augment), 5)
    )


def test_nothing_asked_nothing_changed():
    transform = TrainTransform(Augment(**OFF), 0)
    for row in range(5):
        np.testing.assert_array_equal(transform(NOISE, 0, row), NOISE)


@pytest.mark.parametrize("name", [n for n in OFF if n != "flip"])
def test_each_change_does_something(name):
    transform = TrainTransform(Augment(**OFF | {name: 10.0 if name == "rotate" else 0.3}), 0)
    image = transform(NOISE, 0, 2)
    assert image.shape == NOISE.shape
    assert image.dtype == np.uint8
    assert (image != NOISE).any()


def test_flip_mirrors():
    for probability, expected in ((0.0, NOISE), (1.0, NOISE[:, ::-1])):
        transform = TrainTransform(Augment(**OFF | {"flip": probability}), 0)
        for row in range(8):
            np.testing.assert_array_equal(transform(NOISE, 0, row), expected)


def test_flips_of_two_transforms_agree():
    keys = [(epoch, row) for epoch in range(4) for row in range(2, 42)]
    full, bare = TrainTransform(Augment(), 3), TrainTransform(Augment(**OFF | {"flip": 0.5}), 3)
    flips = [flipped(full, *key) for key in keys]
    assert flips == [flipped(bare, *key) for key in keys]
    assert flips != [flipped(TrainTransform(Augment(), 4), *key) for key in keys]
    assert 50 < sum(flips) < 110


def test_a_function_of_seed_epoch_and_row_alone():
    keys = [(epoch, row) for epoch in range(3) for row in range(2, 8)]
    transform, other = TrainTransform(Augment(), 3), TrainTransform(Augment(), 3)
    first = {key: transform(NOISE, *key) for key in keys}
    for key in reversed(keys):
        np.testing.assert_array_equal(other(NOISE, *key), first[key])
        np.testing.assert_array_equal(transform(NOISE, *key), first[key])
    assert len({image.tobytes() for image in first.values()}) == len(keys)
    assert (TrainTransform(Augment(), 4)(NOISE, 0, 2) != first[0, 2]).any()


def test_the_image_given_is_left_alone():
    image = NOISE.copy()
    TrainTransform(Augment(), 0)(image, 0, 2)
    np.testing.assert_array_equal(image, NOISE)


def test_loader_gives_the_same_stream_with_any_workers(faces_dir):
    dataset = train_set(faces_dir)
    sampler = UpdateSampler(dataset.manifest.rows, 12 * 16, seed=5)
    streams = [
        list(DataLoader(dataset, 16, sampler=sampler, num_workers=workers, collate_fn=as_it_is))
        for workers in (0, 2)
    ]
    assert len(streams[0]) == len(streams[1]) == 12
    for mine, theirs in zip(*streams, strict=True):
        assert torch.equal(mine["image"], theirs["image"])
        assert mine["target"].keys() == theirs["target"].keys() == {"hair", "gender", "hair_gender"}
        assert all(torch.equal(mine["target"][n], theirs["target"][n]) for n in mine["target"])
    images = torch.cat([batch["image"] for batch in streams[0]])
    assert len(torch.unique(images.flatten(1), dim=0)) == len(images)
