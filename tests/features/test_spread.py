"""Features by workers: what one process makes, found by the training that follows."""

import shutil

import numpy as np
import pytest

from modular_cls import load_config, train
from modular_cls.errors import ConfigError
from modular_cls.features import extract, spread
from modular_cls.files import cache_folder
from modular_cls.jobs.executors import Inline, Processes


@pytest.fixture
def frozen(faces_dir, pretrained_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(spread, "_SHARD", 40)
    return load_config(
        "configs/modular.yaml", backbone__name=f"local-dir:{pretrained_dir}", backbone__pretrained=True,
        backbone__frozen=True, backbone__args="{}", data__manifest=faces_dir / "manifest.csv",
        data__image_size=32, data__workers=0, heads__folds=3, heads__ridges="[1e-3]",
    )  # fmt: skip


def test_a_training_finds_what_workers_made(frozen, tmp_path, monkeypatch):
    alone = train(frozen, tmp_path / "alone", progress=False)
    shutil.rmtree(cache_folder() / "features")
    with Processes(1) as executor:
        made = []
        monkeypatch.setattr(
            extract, "_computed", lambda _, positions, *rest: made.extend(positions) or iter(())
        )
        spread_out = train(frozen, tmp_path / "spread", progress=False, executor=executor)
    assert made == []  # nothing was left for this process
    assert spread_out.metrics["test"] == alone.metrics["test"]
    ours, theirs = (run.model.head_weights() for run in (alone, spread_out))
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_only_frozen_features_are_spread(faces_dir, tmp_path):
    config = load_config("configs/modular.yaml", data__manifest=faces_dir / "manifest.csv")
    with pytest.raises(ConfigError, match="frozen backbone"):
        train(config, tmp_path / "run", progress=False, executor=Inline())
