"""Trainings under test share a machine: one that is slow is not ended in the middle of the tests."""

import pytest

from modular_cls.config import Config
from modular_cls.jobs import signals
from modular_cls.training.train import train
from tests.training.small_trainings import partly, small


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    monkeypatch.setattr(signals, "_PATIENCE", 300.0)


@pytest.fixture(scope="module")
def config(faces_dir, tmp_path_factory):
    def make(name, **given) -> Config:
        if name == "em":
            table = partly(faces_dir, tmp_path_factory.mktemp("partly") / "manifest.csv")
            given |= {"data__manifest": table, "data__allow_outside": True}
            name = "modular"
        return small(faces_dir, name, **given)

    return make


@pytest.fixture(scope="module")
def whole(config, tmp_path_factory):
    """Runs without an interruption, each made once."""
    made = {}

    def make(name, **given):
        key = (name, *sorted(given.items()))
        if key not in made:
            made[key] = tmp_path_factory.mktemp("whole") / "run"
            train(config(name, **given), made[key], progress=False)
        return made[key]

    return make
