"""Pipelines of albumentations from files: the same pictures for the same seed, and what is refused before training."""

import json

import albumentations as A
import numpy as np
import pytest
import torch
import yaml
from torch.utils.data import DataLoader

from modular_cls.cli import main
from modular_cls.config import Augment
from modular_cls.data.dataset import AttributeDataset, as_it_is
from modular_cls.data.faces.write import SCHEMA
from modular_cls.data.manifest import Manifest
from modular_cls.data.pipelines import check_pipeline
from modular_cls.data.preparation import Pixels
from modular_cls.data.sampling import UpdateSampler
from modular_cls.data.transforms import TrainTransform
from modular_cls.errors import ConfigError

NOISE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
NESTED = A.Compose(
    [
        A.OneOf([A.HorizontalFlip(p=1), A.VerticalFlip(p=1)], p=0.7),
        A.SomeOf([A.GaussNoise(p=1), A.CoarseDropout(p=1), A.ElasticTransform(p=1)], n=2),
        A.RandomResizedCrop(size=(32, 32), scale=(0.5, 1.0)),
        A.Sequential([A.RandomBrightnessContrast(p=1), A.HueSaturationValue(p=0.5)], p=0.5),
    ],
    seed=7,
)


def saved(pipeline, path):
    A.save(pipeline, str(path), data_format="json" if path.suffix == ".json" else "yaml")
    return path


def content(pipeline):
    return json.loads(json.dumps(A.to_dict(pipeline)))


def test_a_function_of_seed_epoch_and_row_alone():
    keys = [(epoch, row) for epoch in range(3) for row in range(2, 8)]
    transform, other = (TrainTransform(Augment(), 3, content(NESTED)) for _ in range(2))
    first = {key: transform(NOISE.copy(), *key) for key in keys}
    for key in reversed(keys):
        np.testing.assert_array_equal(other(NOISE.copy(), *key), first[key])
    assert len({image.tobytes() for image in first.values()}) == len(keys)
    assert (TrainTransform(Augment(), 4, content(NESTED))(NOISE, 0, 2) != first[0, 2]).any()


def test_siblings_are_not_tied_together():
    """One seed for all would mirror exactly when it turns brighter."""
    pipeline = A.Compose([A.HorizontalFlip(p=0.5), A.InvertImg(p=0.5)])
    transform = TrainTransform(Augment(), 0, content(pipeline))
    seen = {transform(NOISE, 0, row).tobytes() for row in range(40)}
    expected = [i for flat in (NOISE, NOISE[:, ::-1]) for i in (flat, 255 - flat)]
    assert seen == {image.tobytes() for image in expected}


def test_loader_gives_the_same_stream_with_any_workers(faces_dir):
    rows = Manifest.read(faces_dir / "manifest.csv", SCHEMA).split("train")
    half = (0.5, 0.5, 0.5)
    transform = TrainTransform(Augment(), 5, content(NESTED))
    dataset = AttributeDataset(rows, Pixels((32, 32), half, half), transform)
    sampler = UpdateSampler(rows.rows, 6 * 16, seed=5)
    streams = [
        list(DataLoader(dataset, 16, sampler=sampler, num_workers=n, collate_fn=as_it_is))
        for n in (0, 2)
    ]
    for mine, theirs in zip(*streams, strict=True):
        assert torch.equal(mine["image"], theirs["image"])


GONE = {**content(NESTED), "transform": {"__class_fullname__": "HorizontalFlp", "p": 0.5}}
REFUSED = {
    "a list": ([1], "is no pipeline of albumentations: it must hold what A.save"),
    "another mapping": ({"flip": 0.5}, "is no pipeline of albumentations"),
    "a path": ("pipeline.yaml", "is no pipeline of albumentations"),
    "unknown": (GONE, "unknown transform 'HorizontalFlp' in data.augmentation.*did you mean 'HorizontalFlip'"),
    "somebody's own": ({"transform": {"__class_fullname__": "os.system", "p": 1}}, "unknown transform 'os.system'"),
    "an argument too many": ({"transform": {"__class_fullname__": "HorizontalFlip", "p": 1, "q": 2}}, "'q' are not valid"),
    "an argument out of range": ({"transform": {"__class_fullname__": "GaussNoise", "std_range": [3, 9], "p": 1}}, "std_range"),
    "smaller": (A.Compose([A.Resize(16, 16)]), r"uint8 of shape \(16, 16, 3\) of a picture of uint8 and shape \(32, 32, 3\)"),
    "smaller at times": (A.Compose([A.RandomCrop(16, 16, p=0.01)]), "bring pictures back to data.image_size"),
    "brought back at times": (A.Compose([A.RandomCrop(16, 16, p=1), A.Resize(32, 32, p=0.5)]), "bring pictures back"),
    "too large a crop": (A.Compose([A.RandomCrop(64, 64, p=1)]), "cannot be applied to a picture of 32 x 32 alone"),
    "floats": (A.Compose([A.Normalize()]), "float32 of shape .* Normalize has no place"),
    "tensors": (A.Compose([A.pytorch.ToTensorV2()]), "a Tensor of the picture; leave out ToTensorV2"),
    "masks": (A.Compose([A.MaskDropout(p=1)]), "alone: "),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    given, told = REFUSED[name]
    described = given if not isinstance(given, A.Compose) else content(given)
    with pytest.raises(ConfigError, match=told):
        check_pipeline(described, (32, 32))


def test_a_single_transform_is_a_pipeline():
    check_pipeline(content(A.HorizontalFlip(p=1)), (32, 32))
    transform = TrainTransform(Augment(), 0, content(A.HorizontalFlip(p=1)))
    np.testing.assert_array_equal(transform(NOISE, 0, 2), NOISE[:, ::-1])


def command(faces_dir, out, *more):
    data = ["--data.manifest", str(faces_dir / "manifest.csv"), "--data.image_size", "32"]
    quick = ["--data.scarcity", "null", "--data.batch_size", "16", "--data.workers", "0"]
    end = ["--training.updates", "3", "--training.validate_every", "0", "--training.threads", "1"]
    return ["train", "--config", "configs/modular.yaml", *data, *quick, *end, "--out", str(out), *more]  # fmt: skip


def digests(out):
    return json.loads((out / "metrics.json").read_text())["sha256"]["checkpoints/last.safetensors"]


@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_a_run_keeps_the_pipeline_and_never_its_file(ending, faces_dir, tmp_path, capsys):
    file = saved(NESTED, tmp_path / f"mine.{ending}")
    given = ("--data.augmentation", str(file))
    assert main(command(faces_dir, tmp_path / "run", *given)) == 0
    said = capsys.readouterr().out
    assert "changed by data.augmentation (Compose, OneOf, HorizontalFlip" in said
    assert main([*command(faces_dir, tmp_path / "run", *given), "--resume"]) == 0
    assert "finished already" in capsys.readouterr().out
    file.unlink()
    kept = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["data"]["augmentation"]
    assert kept == content(NESTED)
    again = ["train", "--config", str(tmp_path / "run" / "config.yaml")]
    assert main([*again, "--out", str(tmp_path / "again")]) == 0
    assert digests(tmp_path / "again") == digests(tmp_path / "run")
    assert main(command(faces_dir, tmp_path / "usual")) == 0
    assert digests(tmp_path / "usual") != digests(tmp_path / "run")


def test_files_that_hold_none_are_named_before_anything_slow(faces_dir, tmp_path, capsys):
    for name, text, told in (
        ("none.yaml", None, "No such file"),
        ("broken.json", '{"transform": ', "is corrupt"),
        ("list.yaml", "[1, 2]", "it must be a mapping"),
        ("other.yaml", "flip: 0.5", "no pipeline of albumentations"),
    ):
        if text is not None:
            (tmp_path / name).write_text(text)
        given = ("--data.augmentation", str(tmp_path / name))
        assert main(command(faces_dir, tmp_path / "run", *given)) != 0
        said = capsys.readouterr().err
        assert "data.augmentation" in said
        assert told in said
    assert not (tmp_path / "run").exists()


def test_a_run_that_names_a_file_is_refused(faces_dir, tmp_path, capsys):
    """It came from anywhere: it may not name another file to read."""
    main(command(faces_dir, tmp_path / "run"))
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace("augmentation: null", "augmentation: /etc/hosts"))
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "run")]) != 0
    assert "names a file; a run holds what stood in it" in capsys.readouterr().err


def test_a_frozen_backbone_sees_none(faces_dir, pretrained_dir, tmp_path, capsys):
    file = saved(NESTED, tmp_path / "mine.yaml")
    backbone = f"{{name: 'local-dir:{pretrained_dir}', pretrained: true, frozen: true, args: {{}}}}"
    given = ("--data.augmentation", str(file), "--backbone", backbone)
    assert main(command(faces_dir, tmp_path / "run", *given)) != 0
    assert "data.augmentation does not go with backbone.frozen" in capsys.readouterr().err
