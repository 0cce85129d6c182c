"""A hub that is out of reach is told within seconds."""

import socket
import time

import pytest

from modular_cls.config import Backbone
from modular_cls.errors import ConfigError
from modular_cls.models.backbone import create_backbone


@pytest.mark.parametrize("name", ["resnet18.nope", "efficientnet_b8"])
def test_weights_that_timm_does_not_know_are_told(name):
    with pytest.raises(ConfigError, match=f"timm knows no weights '{name}'"):
        create_backbone(Backbone(name, pretrained=True))


@pytest.mark.parametrize("name", ["resnet18", "resnet18.a1_in1k", "hf-hub:nobody/nothing"])
def test_told_to_stay_offline_it_says_so_at_once(name, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    started = time.monotonic()
    with pytest.raises(ConfigError, match=r"HF_HUB_OFFLINE is set(.|\n)*data_prep/pretrained.py"):
        create_backbone(Backbone(name, pretrained=True))
    assert time.monotonic() - started < 5


def test_a_hub_that_accepts_and_never_answers_is_told_within_five_seconds(monkeypatch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", place)
        started = time.monotonic()
        with pytest.raises(ConfigError, match=f"{place} does not answer"):
            create_backbone(Backbone("resnet18", pretrained=True))
        assert time.monotonic() - started < 5
