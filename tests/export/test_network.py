"""The backbone of an export, opened by plain timm."""

import shutil

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from modular_cls import Predictor, train
from modular_cls.config import Backbone
from modular_cls.data.preparation import Pixels
from modular_cls.export.export import export_run
from modular_cls.export.network import write_network
from modular_cls.models.backbone import create_backbone
from tests.export.small_exports import SIZE, same, tiny


def timm_model(folder, **given):
    return timm.create_model(f"local-dir:{folder}", pretrained=True, **given).eval()


def innermost(model, images):
    """As our models compute: convolutions round otherwise when channels lie outermost."""
    return model.to(memory_format=torch.channels_last), images.contiguous(
        memory_format=torch.channels_last
    )


@torch.inference_mode()
def check_timm(network, folder):
    """What plain timm makes of the folder is the network: embedding, feature maps, and a trunk for other heads."""
    images = torch.randn(3, 3, SIZE, SIZE)
    model, ours = innermost(timm_model(folder), images)
    torch.testing.assert_close(model(ours), network(ours), rtol=0, atol=0)
    torch.testing.assert_close(timm_model(folder)(images), network(images), rtol=1e-4, atol=1e-5)
    model, _ = innermost(timm_model(folder, num_classes=5), images)
    assert model(ours).shape == (3, 5)
    torch.testing.assert_close(
        model.forward_features(ours), network.forward_features(ours), rtol=0, atol=0
    )
    maps, _ = innermost(timm_model(folder, features_only=True), images)
    theirs = network.forward_intermediates(
        ours, indices=maps.feature_info.out_indices, intermediates_only=True
    )
    for one, other in zip(maps(ours), theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert timm_model(folder, in_chans=1)(images[:, :1]).shape == network(images).shape


def test_plain_timm_opens_it(run_dir, exported):
    check_timm(Predictor.load(run_dir).model.backbone, exported)


def test_plain_timm_opens_a_vision_transformer(flat_vit):
    check_timm(Predictor.load(flat_vit[0]).model.backbone, flat_vit[1])


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("test_efficientnet", {}),
        ("test_convnext", {}),
        ("mobilenetv3_small_050", {}),
        ("test_vit", {"dynamic_img_size": True}),
    ],
)
def test_plain_timm_opens_other_networks(name, args, tmp_path):
    """The last has positions of another size than its pictures."""
    torch.manual_seed(0)
    network = create_backbone(Backbone(name, args=args))[0].eval()
    write_network(tmp_path, network, args, Pixels((SIZE, SIZE), (0.5,) * 3, (0.5,) * 3), "mit")
    check_timm(network, tmp_path)


def test_timm_prepares_pictures_as_we_do(exported):
    wide = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8))
    theirs = timm.data.create_transform(
        **timm.data.resolve_model_data_config(timm_model(exported))
    )(wide)
    torch.testing.assert_close(theirs, Predictor.load(exported).prepare(wide), rtol=0, atol=1e-6)


def test_an_exported_backbone_is_a_backbone_again(exported, faces_dir, files, tmp_path):
    """A run that started from an export needs that folder; its own export does not."""
    shutil.copytree(exported, tmp_path / "first")
    config = tiny(
        faces_dir,
        "modular",
        backbone__name=f"local-dir:{tmp_path / 'first'}",
        backbone__pretrained=True,
        backbone__args="{}",
    )
    train(config, tmp_path / "run", progress=False)
    before = Predictor.load(tmp_path / "run")(files)
    export_run(tmp_path / "run", tmp_path / "out", onnx=False)
    shutil.rmtree(tmp_path / "first")
    same(before, Predictor.load(tmp_path / "out")(files))
    text = (tmp_path / "out" / "README.md").read_text()
    assert "pretrained weights" in text
    assert str(tmp_path) not in text
