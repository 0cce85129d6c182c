"""Networks of timm: what they return, and what is said when they cannot be had or do not fit."""

from pathlib import Path

import pytest
import torch

from modular_cls.cli import main
from modular_cls.config import Backbone
from modular_cls.models.backbone import create_backbone, describe_backbone
from tests.models.weights_folder import IMAGENET, write_weights

ROOT = Path(__file__).parent.parent.parent
CLIP = {"mean": [0.481, 0.457, 0.408], "std": [0.268, 0.261, 0.275]}


@pytest.mark.parametrize(
    ("name", "args", "size", "said"),
    [
        ("vit_tiny_patch16_224", "{img_size: [64, 80], depth: 1}", "[80, 64]", "args.img_size is"),
        ("convnext_atto", "{depths: [1, 1, 1, 1]}", "16", "Kernel size"),
        ("test_vit", "{}", "100", "Sizes that fit: 96 or 112 x 96 or 112"),
        ("test_resnet", "{global_pool: ''}", "64", "args.global_pool is ''"),
    ],
)
def test_pictures_that_it_cannot_take_are_refused_before_any_is_read(
    name, args, size, said, tmp_path, capsys
):
    config = ["train", "--config", str(ROOT / "configs/modular.yaml"), "--out", str(tmp_path / "r")]
    network = ["--backbone.name", name, "--backbone.args", args, "--data.image_size", size]
    assert main([*config, *network, "--data.manifest", str(tmp_path / "not_there.csv")]) == 1
    error = capsys.readouterr().err
    assert name in error
    assert said in error
    assert "not_there" not in error


@pytest.mark.parametrize(
    ("name", "args", "scale"),
    [
        ("vit_small_patch14_dinov2", {"img_size": 28, "depth": 1}, IMAGENET),
        ("vit_xsmall_patch16_clip_224", {"img_size": 32, "depth": 1}, CLIP),
        ("vit_medium_patch32_clip_224", {"img_size": 32, "depth": 1}, CLIP),
    ],
)
def test_dinov2_and_clip_give_features_and_their_own_scale(name, args, scale, tmp_path):
    written = write_weights(tmp_path / "weights", name, scale=scale, **args)
    config = Backbone(written, pretrained=True, frozen=True)
    network, width = create_backbone(config)
    pictures = torch.randn(2, 3, args["img_size"], args["img_size"])
    features = network(pictures)
    assert features.shape == (2, width)
    assert torch.equal(features, create_backbone(config)[0](pictures))
    described = describe_backbone(config, network)
    assert (described.architecture, described.args) == (name, args)
    assert (list(described.mean), list(described.std)) == (scale["mean"], scale["std"])
    plain, plain_width = create_backbone(Backbone(name, args=args))
    assert plain(pictures).shape == (2, plain_width) == (2, width)


def test_other_weights_in_the_same_folder_are_another_network(tmp_path):
    pictures = torch.randn(2, 3, 32, 32)
    found = []
    for seed in (0, 1, 0):
        name = write_weights(tmp_path / "weights", seed=seed)
        config = Backbone(name, pretrained=True, frozen=True)
        network = create_backbone(config)[0]
        found.append((network(pictures), describe_backbone(config, network).digest))
    (first, one), (second, two), (third, three) = found
    assert torch.equal(first, third)
    assert not torch.equal(first, second)
    assert one == three != two
