"""Runs on pretrained weights: their own scale of pixels, and no way back to where they came from."""

import json
import shutil
import socket
from pathlib import Path

import pytest
import torch
import yaml

from modular_cls import Predictor, Run
from modular_cls.cli import main
from tests.models.weights_folder import IMAGENET, write_weights

ROOT = Path(__file__).parent.parent.parent


def train(faces, out, name, *flags, frozen=True):
    network = ["--backbone.name", name, "--backbone.pretrained", "true", "--backbone.args", "{}"]
    manifest = ["--data.manifest", str(faces / "manifest.csv"), "--data.image_size", "32"]
    quick = ["--data.workers", "0", "--data.batch_size", "8", "--training.updates", "1"]
    config = ["--config", str(ROOT / "configs/modular.yaml"), "--training.validate_every", "0"]
    how = ["--backbone.frozen", str(frozen).lower(), "--heads.folds", "2"]
    return main(["train", *config, *network, *manifest, *quick, *how, "--out", str(out), *flags])


def data_of(run):
    return yaml.safe_load((run / "config.yaml").read_text())["data"]


@pytest.mark.parametrize("frozen", [True, False])
def test_pictures_are_scaled_as_the_weights_say(frozen, faces_dir, tmp_path, capsys):
    name = write_weights(tmp_path / "weights")
    assert train(faces_dir, tmp_path / "own", name, frozen=frozen) == 0
    data = data_of(tmp_path / "own")
    assert {key: data[key] for key in ("mean", "std")} == IMAGENET
    assert "the weights were learned with" not in capsys.readouterr().out
    told = ["--data.mean", "[0.5, 0.5, 0.5]"]
    assert train(faces_dir, tmp_path / "told", name, *told, frozen=frozen) == 0
    data = data_of(tmp_path / "told")
    assert (data["mean"], data["std"]) == ([0.5] * 3, IMAGENET["std"])
    said = capsys.readouterr().out
    assert f"data.mean is [0.5, 0.5, 0.5]; the weights were learned with {IMAGENET['mean']}" in said


def cut_off(*_, **__):
    raise AssertionError("went to a network")


@pytest.mark.parametrize("frozen", [True, False])
def test_a_finished_run_needs_no_folder_and_no_network(frozen, faces_dir, tmp_path, monkeypatch):
    run, picture = tmp_path / "run", str(next((faces_dir / "test").glob("*.png")))
    name = write_weights(tmp_path / "weights", "test_vit", img_size=32)
    assert train(faces_dir, run, name, frozen=frozen) == 0
    shutil.rmtree(tmp_path / "weights")
    for call in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, call, cut_off)
    monkeypatch.setattr(socket, "getaddrinfo", cut_off)
    before = Predictor.load(run)([picture]).probabilities["hair_gender"]
    assert main(["export", str(run), "--out", str(tmp_path / "exported"), "--no-onnx"]) == 0
    more = tmp_path / "more.yaml"
    more.write_text("schema: {composites: {again: {attributes: [gender, hair]}}}\n")
    for old in ("run", "exported"):
        found = Predictor.load(tmp_path / old)([picture]).probabilities["hair_gender"]
        assert found == pytest.approx(before, abs=1e-5)
        new = tmp_path / f"{old}_more"
        assert main(["extend", str(tmp_path / old), "--config", str(more), "--out", str(new)]) == 0
        assert (Run.load(new).described.architecture) == "test_vit"
        found = Predictor.load(new)([picture]).probabilities["hair_gender"]
        assert found == pytest.approx(before, abs=1e-5)
    assert main(["evaluate", str(run)]) == 0


def test_features_of_other_weights_are_never_mixed(faces_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "cache"))
    found = {}
    for seed in (0, 1):
        name = write_weights(tmp_path / "weights", seed=seed)
        assert train(faces_dir, tmp_path / f"run{seed}", name) == 0
        found[seed] = (tmp_path / f"run{seed}/checkpoints/last.safetensors").read_bytes()
    assert len(list((tmp_path / "cache/features").iterdir())) == 2
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "fresh"))
    assert train(faces_dir, tmp_path / "again", name) == 0
    assert (tmp_path / "again/checkpoints/last.safetensors").read_bytes() == found[1] != found[0]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--backbone.pretrained", "false"], "backbone.frozen needs backbone.pretrained"),
        (["--heads.ridges", "[]"], "heads.ridges is empty"),
        (["--heads.ridges", "[0.1, -1]"], "heads.ridges holds -1"),
        (["--heads.ridges", "[.nan]"], "heads.ridges holds nan"),
        (["--heads.ridges", "[.inf]"], "heads.ridges holds inf"),
        (["--heads.folds", "1"], "heads.folds is 1"),
    ],
)
def test_what_makes_no_sense_is_refused(flags, said, faces_dir, tmp_path, capsys):
    assert train(faces_dir, tmp_path / "run", "local-dir:nowhere", *flags) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["JointLikelihood", "AttributeLikelihood"])
def test_direct_heads_are_trained_too_where_their_criterion_teaches_them(
    flag, faces_dir, tmp_path, capsys
):
    name, out = write_weights(tmp_path / "weights"), tmp_path / "run"
    more = ["--criterion", f"{{name: {flag}}}", "--training.updates", "3"]
    done = train(faces_dir, out, name, *more, frozen=False)
    if flag == "AttributeLikelihood":
        assert done == 1
        assert "direct heads are learned by criterion" in capsys.readouterr().err
        return
    assert done == 0
    (head,) = Run.load(out).model.direct_heads
    counts = torch.tensor(
        next(iter(json.loads((out / "metrics.json").read_text())["train_counts"].values()))
    )
    torch.testing.assert_close(head.trust, counts / (counts + 5.0))
    before = Run.load(out).model.direct_heads[0].weight
    assert train(faces_dir, tmp_path / "less", name, *more[:2], frozen=False) == 0
    assert not torch.equal(before, Run.load(tmp_path / "less").model.direct_heads[0].weight)


def test_a_network_from_scratch_has_no_direct_heads(faces_dir, tmp_path):
    quick = [
        "--training.updates",
        "2",
        "--training.validate_every",
        "0",
        "--data.workers",
        "0",
        "--data.image_size",
        "32",
    ]
    config = [
        "--config",
        str(ROOT / "configs/modular.yaml"),
        "--data.manifest",
        str(faces_dir / "manifest.csv"),
    ]
    assert (
        main(["train", *config, *quick, "--data.batch_size", "8", "--out", str(tmp_path / "run")])
        == 0
    )
    assert not len(Run.load(tmp_path / "run").model.direct_heads)
