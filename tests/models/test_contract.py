"""The contract of networks: of each kind a small one keeps it, or is refused by what to change."""

import pytest
import torch

from modular_cls.config import Backbone
from modular_cls.errors import ConfigError
from modular_cls.models.backbone import create_backbone, told_size
from modular_cls.models.contract import check_contract

VIT = {"embed_dim": 48, "depth": 2, "num_heads": 3}  # of a network that is made for 224 x 224


def tried(name, size, **args):
    backbone = told_size(Backbone(name, args=args), size)
    network, width = create_backbone(backbone)
    check_contract(backbone, network, width, size)
    return network, width


@pytest.mark.parametrize(
    ("name", "args", "size"),
    [
        ("test_resnet", {}, (33, 40)),
        ("test_efficientnet", {}, (32, 32)),
        ("test_convnext", {}, (32, 36)),
        ("mobilenetv3_small_050", {}, (32, 32)),
        ("vit_tiny_patch16_224", VIT, (48, 32)),
        ("deit_tiny_distilled_patch16_224", VIT, (32, 64)),
    ],
)
def test_kept_at_any_size_that_is_seen_whole(name, args, size):
    network, width = tried(name, size, **args)
    picture = torch.rand(1, 3, *size, requires_grad=True)
    features = network.eval()(picture)
    assert features.shape == (1, width)
    (features * torch.randn_like(features)).sum().backward()
    assert picture.grad[..., -1, :].any()
    assert picture.grad[..., -1].any()


@pytest.mark.parametrize(
    ("name", "args", "size", "message"),
    [
        ("vit_tiny_patch16_224", VIT, (40, 32), "last 8 pixels .*: 32 or 48 x 32"),
        ("test_convnext", {}, (30, 32), "last 2 pixels .*: 28 or 32 x 32"),
        ("inception_v3", {}, (64, 64), "cannot take pictures .* made for 299 x 299"),
        ("test_resnet", {"in_chans": 1}, (32, 32), "backbone.args.in_chans is 1"),
        ("test_resnet", {"global_pool": ""}, (32, 32), "backbone.args.global_pool is ''"),
        ("test_resnet", {"features_only": True}, (32, 32), "backbone.args.features_only is True"),
        ("test_resnet", {"drop_rate": 7}, (32, 32), "backbone.args.drop_rate is 7"),
        ("test_vit", {"class_token": False}, (32, 32), "backbone.args.class_token is False"),
    ],
)
def test_broken_by_a_size_or_an_argument(name, args, size, message):
    with pytest.raises(ConfigError, match=message) as refused:
        tried(name, size, **args)
    assert "\n" not in str(refused.value)


def test_a_network_is_left_as_it_is():
    backbone = Backbone("test_efficientnet", args={"drop_rate": 0.5})
    network, width = create_backbone(backbone)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    random = torch.get_rng_state()
    check_contract(backbone, network.train(), width, (32, 32))
    assert torch.equal(torch.get_rng_state(), random)
    assert network.training
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])
