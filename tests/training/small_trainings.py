"""What the tests of trainings share: tiny configurations, and faults at a chosen place."""

import csv
import json
import os
import signal
from contextlib import contextmanager

import pytest

from modular_cls import load_config
from modular_cls.cli import main
from modular_cls.jobs.signals import Interrupted
from modular_cls.training.task import AttributeTask
from modular_cls.training.train import train

NOISY = "{drop_rate: 0.3, drop_path_rate: 0.2}"  # a network that draws random numbers


def small(faces_dir, name="modular", **given):
    """12 updates, validated every 5 and in the end not, saved every 4."""
    given = {
        "data__manifest": faces_dir / "manifest.csv",
        "data__workers": 0,
        "data__image_size": 32,
        "data__batch_size": 8,
        "data__scarcity": None,
        "backbone__args": NOISY,
        "training__updates": 12,
        "training__validate_every": 5,
        "training__save_every": 4,
        "training__threads": 1,
    } | given
    return load_config(f"configs/{name}.yaml", **given)


def partly(faces_dir, out):
    """The same faces; every second training image knows one attribute only."""
    with (faces_dir / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    for i, row in enumerate(rows):
        row["path"] = str(faces_dir / row["path"])
        if row["split"] == "train" and i % 2:
            row["hair" if i % 4 == 1 else "gender"] = ""
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return out


@contextmanager
def signal_in(step, number, signum=signal.SIGTERM):
    """The process gets a signal at the start of that call of a step of the task."""
    original, calls = getattr(AttributeTask, step), []

    def interrupted(self, batch, batch_idx):
        calls.append(batch_idx)
        if len(calls) == number:
            os.kill(os.getpid(), signum)
        return original(self, batch, batch_idx)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AttributeTask, step, interrupted)
        yield


def interrupt(config, out, step, number, signum=signal.SIGTERM):
    with signal_in(step, number, signum), pytest.raises(Interrupted) as stop:
        train(config, out, progress=False)
    return stop.value


def result(out):
    """All that a run says, but for how long it took."""
    metrics = json.loads((out / "metrics.json").read_text())
    return {**metrics, "seconds": None}


def updates(out):
    return sorted(int(f.stem.removeprefix("update_")) for f in out.glob("checkpoints/*.ckpt"))


def train_on(faces, out, name, *flags, frozen=True):
    network = ["--backbone.name", name, "--backbone.pretrained", "true", "--backbone.args", "{}"]
    manifest = ["--data.manifest", str(faces / "manifest.csv"), "--data.image_size", "32"]
    quick = ["--data.workers", "0", "--data.batch_size", "8", "--training.updates", "1"]
    config = ["--config", "configs/modular.yaml", "--training.validate_every", "0"]
    how = ["--backbone.frozen", str(frozen).lower(), "--heads.folds", "2"]
    return main(["train", *config, *network, *manifest, *quick, *how, "--out", str(out), *flags])


def check_same(out, whole):
    assert result(out) == result(whole)  # digests of weights, predictions, scores and log included
    assert [f.name for f in (out / "checkpoints").iterdir()] == ["last.safetensors"]
