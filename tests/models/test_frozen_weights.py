"""Weights of frozen networks, kept by their digest."""

import pytest
import timm
import torch
from torch import nn

from modular_cls.errors import ConfigError
from modular_cls.models.frozen_weights import digest_of, fill, is_kept, keep


def network(seed=0, width=8):
    torch.manual_seed(seed)
    return timm.create_model("test_resnet", num_classes=0, stem_width=width).eval()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path))
    return tmp_path / "backbones"


def test_the_digest_is_of_names_shapes_types_and_numbers():
    one = nn.Linear(4, 3)
    digest = digest_of(one)
    same = nn.Linear(4, 3)
    same.load_state_dict(one.state_dict())
    assert digest_of(same) == digest
    with torch.no_grad():
        same.weight[0, 0] += 1e-6
    assert digest_of(same) != digest
    other_names = nn.Sequential(nn.Linear(4, 3))
    other_names[0].load_state_dict(one.state_dict())
    assert digest_of(other_names) != digest
    assert digest_of(one.double()) != digest


def test_the_layout_of_memory_is_no_part_of_the_digest():
    digest = digest_of(network())
    assert digest_of(network().to(memory_format=torch.channels_last)) == digest


def test_kept_weights_come_back(cache):
    first = network()
    digest = keep(first.to(memory_format=torch.channels_last))
    assert is_kept(digest)
    assert keep(network()) == digest
    assert [f.name for f in cache.iterdir()] == [f"{digest}.safetensors"]
    other = network(seed=1)
    fill(other, digest)
    image = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(other(image), first(image))  # the layout of memory differs


@pytest.mark.parametrize("place", [-1, 3, "short"])
def test_damage_is_told(cache, place):
    digest = keep(network())
    (file,) = cache.iterdir()
    data = bytearray(file.read_bytes())
    if place == "short":
        data = data[:-100]
    else:
        data[place] ^= 0x55
    file.write_bytes(data)
    with pytest.raises(ConfigError, match=f"{digest}.*damaged"):
        fill(network(), digest)
    assert keep(network()) == digest  # whoever has them at hand mends it
    fill(network(seed=1), digest)


def test_no_room_is_told(cache, writes_up_to):
    with (
        writes_up_to(1000),
        pytest.raises(ConfigError, match=r"cannot be kept in .*backbones.*MODULAR_CLS_CACHE"),
    ):
        keep(network())
    assert list(cache.iterdir()) == []


def test_other_architectures_and_unknown_digests():
    digest = keep(network())
    with pytest.raises(ConfigError, match="damaged, or of another network"):
        fill(network(width=16), digest)
    with pytest.raises(ConfigError, match="no-such are not kept"):
        fill(network(), "no-such")
    assert not is_kept("no-such")
