"""Where networks of many families keep the places of a picture, tried by changing it in one place."""

import pytest
import torch

from modular_cls.config import Backbone
from modular_cls.demo.gradcam import grad_cam
from modular_cls.demo.places import NoPlacesError, find_places, look
from modular_cls.models import FlatClassifier
from modular_cls.models.backbone import create_backbone
from modular_cls.schema import Schema

SIZE = (96, 64)
TOLD = {"img_size": list(SIZE)}
SMALL_SWIN = {"depths": [1, 2], "embed_dim": 24, "num_heads": [1, 2]} | TOLD
NETWORKS = {
    "test_resnet": {},
    "densenet121": {},  # whose own description names a layer that is one branch of several
    "efficientnet_b0": {},
    "ghostnet_050": {},
    "convnext_atto": {},
    "test_mambaout": {},  # channels last
    "edgenext_xx_small": {},
    "mobilevit_xxs": {},  # its tokens are patches within
    "levit_128s": TOLD,
    "xcit_nano_12_p8_224": TOLD,
    "pvt_v2_b0": {},
    "swin_tiny_patch4_window7_224": SMALL_SWIN,  # channels last
    "swinv2_tiny_window8_256": SMALL_SWIN,
    "test_vit": TOLD,  # a class token
    "test_vit3": TOLD,
    "test_vit_relpos": TOLD,
    "deit_tiny_distilled_patch16_224": {"depth": 2} | TOLD,  # two tokens that are no places
    "resmlp_12_224": TOLD,
    "cait_xxs24_224": {"depth": 2} | TOLD,
}
SCHEMA = Schema.from_dict(
    {
        "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        "composites": {"c": {"attributes": ["hair", "gender"]}},
    }
)
UPPER_RIGHT, LOWER_LEFT = (20, 52), (76, 12)  # middles of places of 8 pixels


def network(name, args):
    torch.manual_seed(0)
    return create_backbone(Backbone(name, args=args))[0].eval()


def changed_at(image, place):
    """The image with another patch around a place."""
    (y, x), other = place, image.clone()
    other[..., y - 4 : y + 4, x - 4 : x + 4] += 2 * torch.randn(1, 3, 8, 8)
    return other


@pytest.mark.parametrize("name", NETWORKS)
def test_a_place_of_the_map_is_that_place_of_the_picture(name):
    """What changes in one place of a picture changes the map most there."""
    made = network(name, NETWORKS[name])
    places = find_places(made, SIZE)
    height, width = places.grid
    assert abs(height - 1.5 * width) <= 1.5
    image = torch.randn(1, 3, *SIZE) / 2
    features, before = look(made, image, places)
    torch.testing.assert_close(features, made(image))
    for place in (UPPER_RIGHT, LOWER_LEFT):
        changed = torch.cat([changed_at(image, place) for _ in range(3)])
        after = look(made, changed, places)[1].detach()
        change = places.layout(after - before.detach()).abs().sum((0, 1))
        assert change.shape == places.grid
        y, x = divmod(int(change.argmax()), width)
        assert abs(y + 0.5 - place[0] * height / SIZE[0]) <= 1  # places, as mid is from mid
        assert abs(x + 0.5 - place[1] * width / SIZE[1]) <= 1
    assert not any(layer._forward_hooks for layer in made.modules())


@pytest.mark.parametrize("name", ["swin_tiny_patch4_window7_224", "test_vit", "densenet121"])
def test_maps_have_the_aspect_of_the_picture_and_say_something(name):
    torch.manual_seed(0)
    model = FlatClassifier(SCHEMA, Backbone(name, args=NETWORKS[name])).eval()
    classes = [{"hair": i, "gender": i, "c": i} for i in (0, 1)]
    maps = [grad_cam(model, torch.randn(1, 3, *SIZE), asked) for asked in classes]
    grid = find_places(model.backbone, SIZE).grid
    assert {m.shape for each in maps for m in each.values()} == {grid}
    assert any(m.max() == 1 and m.min() < 1 for each in maps for m in each.values())


def test_a_class_token_takes_nothing_from_its_last_layer():
    made = network("test_vit", TOLD)
    assert find_places(made, SIZE).name == f"blocks.{len(made.blocks) - 2}"


def test_large_pictures_take_a_deep_layer():
    """7 places a side are enough, as ImageNet networks have them at 224 pixels."""
    made = network("resnet18", {})
    assert find_places(made, (224, 224)).grid == (7, 7)
    assert find_places(made, (160, 160)).grid == (10, 10)
    assert find_places(made, (64, 64)).grid == (8, 8)


@pytest.mark.parametrize(
    ("name", "args", "size", "why"),
    [
        ("test_vit", {"img_size": 32}, (32, 32), "sees a picture of 32 x 32 as 2 x 2 places only"),
        ("hiera_tiny_224", {"img_size": 64, "stages": [1, 1, 1, 1]}, (64, 64), "no layer's output"),
    ],
)
def test_why_there_is_no_map(name, args, size, why):
    with pytest.raises(NoPlacesError, match=why):
        find_places(network(name, args), size)


def test_a_network_that_hands_out_no_maps():
    with pytest.raises(NoPlacesError, match="timm hands out none of its maps"):
        find_places(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 4)), (32, 32))  # fmt: skip
