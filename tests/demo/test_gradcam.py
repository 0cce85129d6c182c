"""Grad-CAM against finite differences, which know nothing of gradients, and against captum where it is installed."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from modular_cls.config import Backbone
from modular_cls.demo.gradcam import grad_cam, log_odds
from modular_cls.demo.places import find_places
from modular_cls.models import FlatClassifier, ModularClassifier
from modular_cls.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "attributes": {"hair": ["short", "medium", "long"], "gender": ["female", "male"]},
        "composites": {"c": {"attributes": ["hair", "gender"]}},
    }
)
ASKED = [{"hair": 2, "gender": 0, "c": 3}, {"hair": 0, "gender": 1, "c": 0}]
STEP = 1e-5


@pytest.fixture(params=[ModularClassifier, FlatClassifier])
def model(request):
    torch.manual_seed(0)
    made = request.param(SCHEMA, Backbone("test_resnet", args={"stem_width": 8})).double().eval()
    for module in (
        made.modules()
    ):  # as if trained: at the start blocks pass their input on, most features are silent
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.5)
    made.set_priors({"c": torch.tensor([1.0, 2, 0, 1, 1, 1])})  # one class is out of reach
    return made


@pytest.fixture
def image():
    return torch.randn(1, 3, 64, 64, dtype=torch.double, generator=torch.Generator().manual_seed(1))


def slow_maps(model, image, classes):
    """The weight of a channel is how fast the score grows when all of that channel is raised, by its places."""
    layer, kept = find_places(model.backbone, (64, 64)).layer, []

    @torch.no_grad()
    def scores(raise_channel=None, by=0.0):
        def change(module, given, out):
            kept[:] = [out.clone()]
            out = out.clone()
            if raise_channel is not None:
                out[:, raise_channel] += by
            return out

        handle = layer.register_forward_hook(change)
        odds = log_odds(model, model.extract(image), classes)
        handle.remove()
        return {name: float(o) for name, o in odds.items()}

    scores()
    seen = kept[0][0]
    maps = {name: torch.zeros(seen.shape[1:], dtype=torch.double) for name in classes}
    for channel in range(len(seen)):
        up, down = scores(channel, STEP), scores(channel, -STEP)
        for name in classes:
            maps[name] += (up[name] - down[name]) / (2 * STEP) / seen[0].numel() * seen[channel]
    return {name: scaled(m.relu().numpy()) for name, m in maps.items()}


def scaled(values):
    return values / values.max() if values.any() else values


@pytest.mark.parametrize("classes", ASKED)
def test_maps_are_those_of_finite_differences(model, image, classes):
    found, expected = grad_cam(model, image, classes), slow_maps(model, image, classes)
    assert list(found) == list(classes)
    assert any(values.any() for values in expected.values())
    for name, values in found.items():
        assert values.shape == (8, 8)
        np.testing.assert_allclose(values, expected[name], atol=1e-5, err_msg=name)


@pytest.mark.parametrize("classes", ASKED)
def test_maps_are_those_of_captum(model, image, classes):
    captum = pytest.importorskip("captum.attr", reason="needs captum")
    found = grad_cam(model, image, classes)
    for name in classes:
        forward = lambda x, name=name: log_odds(model, model.extract(x), classes)[name][None]  # noqa: E731
        theirs = captum.LayerGradCam(
            forward, find_places(model.backbone, (64, 64)).layer
        ).attribute(image, relu_attributions=True)
        np.testing.assert_allclose(found[name], scaled(theirs[0, 0].detach().numpy()), atol=1e-9)


def test_the_model_is_left_as_it_was(model, image):
    before = model(image)
    grad_cam(model, image, ASKED[0])
    assert all(p.grad is None for p in model.parameters())
    assert not find_places(model.backbone, (64, 64)).layer._forward_hooks
    after = model(image)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_threads_look_at_pictures_of_their_own(model):
    """What several threads see at a time is what each would see alone."""
    images = [torch.randn(1, 3, 64, 64, dtype=torch.double) for _ in range(12)]
    alone = [grad_cam(model, image, ASKED[0]) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda image: grad_cam(model, image, ASKED[0]), images))
    for one, other in zip(alone, together, strict=True):
        for name in one:
            np.testing.assert_allclose(other[name], one[name], atol=1e-9)
    assert not find_places(model.backbone, (64, 64)).layer._forward_hooks


def test_a_network_without_places_has_no_maps():
    model = FlatClassifier(SCHEMA, Backbone("test_vit", args={"img_size": 32})).eval()
    assert grad_cam(model, torch.randn(1, 3, 32, 32), ASKED[0]) == {}
