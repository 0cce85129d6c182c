"""The frozen road interrupted: it says so, keeps the features that were made, and ends the same."""

import json
import os
import shlex
import signal
from pathlib import Path

import pytest
import torch

from modular_cls.cli import main
from modular_cls.data import cache
from modular_cls.features import extract, ridge, solve
from modular_cls.files import cache_folder
from modular_cls.finish.bias import FitBias
from modular_cls.runs import folder as runs
from modular_cls.training import frozen, train
from tests.small_networks import write_network

ROOT = Path(__file__).parents[2]
CODES = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGUSR1: 138}
PLACES = {
    "reading": (cache, "key_picture"),
    "decoding": (extract, "read_image"),
    "extraction": (extract, "_check_finite"),
    "keeping": (extract.Shards, "add"),
    "before the solver": (frozen, "solve_heads"),
    "in the solver": (solve._Objective, "unpack"),
    "finish": (FitBias, "fit"),
    "writing": (train, "write_predictions"),
    "last file": (runs, "write_metrics"),
}


def command(faces_dir, network, out):
    given = {
        "data.manifest": faces_dir / "manifest.csv",
        "data.image_size": 32,
        "data.workers": 0,
        "data.scarcity": "null",
        "backbone.name": f"local-dir:{network}",
        "backbone.pretrained": "true",
        "backbone.frozen": "true",
        "backbone.args": "{}",
        "heads.folds": 2,
        "heads.ridges": "[1e-2, 1e-1]",
    }
    flags = [f"--{key}={value}" for key, value in given.items()]
    return ["train", "--config", str(ROOT / "configs/modular.yaml"), *flags, "--out", str(out)]


def result(out):
    return {**json.loads((out / "metrics.json").read_text()), "seconds": None}


@pytest.fixture(scope="module")
def whole(faces_dir, pretrained_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "run"
    assert main(command(faces_dir, pretrained_dir, out)) == 0
    return out


@pytest.mark.parametrize("place", PLACES)
def test_wherever_it_is(place, faces_dir, pretrained_dir, whole, tmp_path, monkeypatch, capsys):
    signum = list(CODES)[list(PLACES).index(place) % 3]
    owner, name = PLACES[place]
    original, once = getattr(owner, name), iter([signum])

    def interrupted(*args, **given):
        for number in once:  # threads that decode call it side by side
            os.kill(os.getpid(), number)
        return original(*args, **given)

    monkeypatch.setattr(ridge, "_KNOWN", {})  # or the solver would have nothing to do
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "cache"))
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, interrupted)
        assert main(command(faces_dir, pretrained_dir, tmp_path / "run")) == CODES[signum]
    told = capsys.readouterr().err
    assert "features that were made are kept; go on with: modular-cls train" in told
    assert [f.name for f in tmp_path.iterdir()] == ["cache"]
    assert main(shlex.split(told.split("go on with: modular-cls ")[1].strip())) == 0
    assert result(tmp_path / "run") == result(whole)


def test_a_folder_that_cannot_be_written_is_told_before_extraction(
    faces_dir, pretrained_dir, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "file").write_text("")
    assert main(command(faces_dir, pretrained_dir, tmp_path / "file" / "run")) == 1
    assert "file" in capsys.readouterr().err
    assert not (cache_folder() / "features").exists()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e30])
def test_weights_that_are_not_finite_are_told_by_name(number, faces_dir, tmp_path, capsys):
    write_network(tmp_path / "network", seed=0)
    file = tmp_path / "network" / "pytorch_model.bin"
    weights = torch.load(file)
    name = next(name for name in weights if name.endswith("weight"))
    weights[name].view(-1)[0] = number
    torch.save(weights, file)
    assert main(command(faces_dir, tmp_path / "network", tmp_path / "run")) == 1
    told = capsys.readouterr().err
    assert "finite" in told
    assert name in told or "features" in told
    assert not (tmp_path / "run").exists()
