"""What a run says of its network, and what may come of it when it is read."""

import json
import shutil
import socket

import pytest
import torch

from modular_cls import Predictor, Run
from modular_cls.cli import main
from modular_cls.config import Backbone
from modular_cls.errors import ConfigError
from modular_cls.models.backbone import create_backbone, describe_backbone
from modular_cls.runs.backbone_file import (
    FILE,
    described_backbone,
    read_description,
    write_backbone,
)
from tests.models.weights_folder import write_weights
from tests.small_networks import write_network
from tests.training.small_trainings import train_on


@pytest.fixture
def given(pretrained_dir, tmp_path, monkeypatch):
    """A frozen network of a folder of its own, and an own cache."""
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "cache"))
    folder = shutil.copytree(pretrained_dir, tmp_path / "weights")
    config = Backbone(f"local-dir:{folder}", pretrained=True, frozen=True)
    run = tmp_path / "run"
    run.mkdir()
    network, _ = create_backbone(config)
    write_backbone(run, describe_backbone(config, network))
    return config, run, network, folder


def read_backbone(run, config):
    return described_backbone(run, config, read_description(run))


def same(config, network):
    image = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(create_backbone(config)[0](image), network(image))


def test_a_frozen_network_is_found_by_its_digest(given):
    config, run, network, folder = given
    shutil.rmtree(folder)  # where it came from is not needed any more
    found = read_backbone(run, config)
    assert found.name == "test_resnet"
    assert found.args["stem_width"] == 8
    assert "num_classes" not in found.args
    same(found, network)


def test_weights_that_are_not_kept_come_from_their_folder(given, tmp_path):
    config, run, network, _ = given
    shutil.rmtree(tmp_path / "cache")
    same(read_backbone(run, config), network)


def test_neither_kept_nor_there(given, tmp_path):
    config, run, _, folder = given
    shutil.rmtree(tmp_path / "cache")
    shutil.rmtree(folder)
    with pytest.raises(ConfigError, match="not kept here.*an export brings its weights along"):
        read_backbone(run, config)


def test_a_folder_that_holds_other_weights_by_now(given, tmp_path):
    config, run, _, folder = given
    shutil.rmtree(tmp_path / "cache")
    shutil.rmtree(folder)
    write_network(folder, seed=5)
    with pytest.raises(ConfigError, match="that folder now holds others"):
        read_backbone(run, config)


def test_replaced_weights_are_other_weights_in_the_same_process(given):
    config, _, network, folder = given
    before = describe_backbone(config, network).digest
    shutil.rmtree(folder)
    write_network(folder, seed=5)
    assert describe_backbone(config, create_backbone(config)[0]).digest != before


def test_a_trained_network_is_made_without_weights(tmp_path):
    config = Backbone("test_resnet", args={"stem_width": 8})
    write_backbone(tmp_path, describe_backbone(config, create_backbone(config)[0]))
    assert read_backbone(tmp_path, config) == config
    described = json.loads((tmp_path / FILE).read_text())
    assert (described["digest"], described["mean"]) == (None, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "hf-hub:somebody/else"}, "describes no network of timm"),
        ({"architecture": "local-dir:/etc"}, "describes no network of timm"),
        ({"architecture": None}, "describes no network of timm"),
        ({"args": {"checkpoint_path": "/etc/passwd"}}, "may not hold checkpoint_path"),
        ({"args": "stem_width"}, "describes no network of timm"),
        ({"digest": "../../elsewhere"}, "holds others|not kept"),
    ],
)
def test_descriptions_that_lead_elsewhere(given, change, message):
    config, run, _, _ = given
    described = json.loads((run / FILE).read_text())
    (run / FILE).write_text(json.dumps(described | change))
    with pytest.raises(ConfigError, match=message):
        read_backbone(run, config)


def cut_off(*_, **__):
    raise AssertionError("went to a network")


@pytest.mark.parametrize("frozen", [True, False])
def test_a_finished_run_needs_no_folder_and_no_network(frozen, faces_dir, tmp_path, monkeypatch):
    run, picture = tmp_path / "run", str(next((faces_dir / "test").glob("*.png")))
    name = write_weights(tmp_path / "weights", "test_vit", img_size=32)
    assert train_on(faces_dir, run, name, frozen=frozen) == 0
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
