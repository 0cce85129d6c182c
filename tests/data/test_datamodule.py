import shutil

import numpy as np
import pytest
from PIL import Image

from modular_cls.config import Data, Scarcity
from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.data.faces import SCHEMA

RARE = {"hair": "long", "gender": "male"}


def module(faces_dir, keep=5, **more):
    data = Data(
        manifest=str(faces_dir / "manifest.csv"), image_size=32, workers=0, scarcity=Scarcity(RARE, keep), **more
    )
    return AttributeDataModule(SCHEMA, data, seed=0, updates=2)


def decoded(data, split="train"):
    data.decode(progress=False)
    dataset = data.datasets[split]
    return {path: dataset._decoded[i] for i, path in enumerate(dataset.manifest.paths)}


def test_pictures_are_decoded_once_in_a_process(faces_dir):
    first, second = decoded(module(faces_dir, 5)), decoded(module(faces_dir, 20))
    assert len(second) == len(first) + 15
    assert all(np.shares_memory(image, second[path]) for path, image in first.items())


def test_a_picture_that_has_changed_is_decoded_anew(faces_dir, tmp_path):
    mine = shutil.copytree(faces_dir, tmp_path / "faces")
    path, before = next(iter(decoded(module(mine)).items()))
    Image.new("RGB", (64, 64), "red").save(mine / path)
    after = decoded(module(mine))[path]
    assert not np.array_equal(before, after)
    assert after[0, 0].tolist() == [255, 0, 0]


def test_held_out_images_are_training_images_that_the_fit_does_not_see(faces_dir):
    whole, part = module(faces_dir, 10), module(faces_dir, 10, hold_out=0.5)
    out, fitted = part.datasets["held_out"].manifest, part.datasets["train"].manifest
    assert out.counts(SCHEMA.composites[0]).tolist() == [12, 12, 12, 5]
    assert not set(out.paths) & set(fitted.paths)
    assert set(out.paths) | set(fitted.paths) == set(whole.datasets["train"].manifest.paths)
    assert part.train_digest == whole.train_digest != module(faces_dir, 5).train_digest


@pytest.mark.parametrize("sampling", ["shuffled", "balanced"])
def test_sampling(sampling, faces_dir):
    data = module(faces_dir, 5, sampling=sampling, batch_size=48)
    seen = np.concatenate([batch["target"]["hair_gender"].numpy() for batch in data.train_dataloader()])
    share = np.bincount(seen, minlength=4)[3] / len(seen)
    assert bool(share > 0.1) == (sampling == "balanced")
