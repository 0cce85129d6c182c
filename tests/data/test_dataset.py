"""Items and batches of a data set."""

import numpy as np
import torch

from modular_cls.config import Augment
from modular_cls.data.dataset import AttributeDataset
from modular_cls.data.faces.write import SCHEMA
from modular_cls.data.manifest import Manifest
from modular_cls.data.preparation import Pixels
from modular_cls.data.transforms import TrainTransform

OFF = {"flip": 0.0, "shift": 0.0, "scale": 0.0, "rotate": 0.0, "brightness": 0.0, "contrast": 0.0}
HALF = (0.5, 0.5, 0.5)


def train_set(faces_dir, **augment):
    manifest = Manifest.read(faces_dir / "manifest.csv", SCHEMA).split("train")
    return AttributeDataset(
        manifest, Pixels((32, 32), HALF, HALF), TrainTransform(Augment(**augment), 5)
    )


def test_items(faces_dir):
    dataset = train_set(faces_dir, **OFF)
    item = dataset[5]
    decoded = dataset.decode(5)
    assert item["image"].dtype == torch.float32
    expected = torch.from_numpy(decoded.copy()).permute(2, 0, 1) / 127.5 - 1
    torch.testing.assert_close(item["image"], expected)
    name = dataset.manifest.paths[5].split("/")[1]
    assert name.startswith(SCHEMA.composites[0].class_names[item["target"]["hair_gender"]])
    dataset.keep_decoded(np.stack([255 - dataset.decode(i) for i in range(len(dataset))]))
    torch.testing.assert_close(dataset[0, 5]["image"], -expected)


def test_items_depend_on_epoch_and_row(faces_dir):
    dataset = train_set(faces_dir)
    assert torch.equal(dataset[1, 5]["image"], dataset[1, 5]["image"])
    assert not torch.equal(dataset[1, 5]["image"], dataset[2, 5]["image"])
    part = AttributeDataset(
        dataset.manifest.select(np.arange(5, 9)),
        Pixels((32, 32), HALF, HALF),
        TrainTransform(Augment(), 5),
    )
    assert torch.equal(dataset[1, 5]["image"], part[1, 0]["image"])


def test_a_batch_is_its_items(faces_dir):
    dataset = train_set(faces_dir)
    keys = [(3, 5), (0, 2), (4, 5), 7]
    batch, items = dataset.__getitems__(keys), [dataset[key] for key in keys]
    assert torch.equal(batch["image"], torch.stack([item["image"] for item in items]))
    assert batch["image"].is_contiguous(memory_format=torch.channels_last)
    assert batch["row"].tolist() == [item["row"] for item in items]
    for name, values in batch["target"].items():
        assert values.tolist() == [item["target"][name] for item in items]
