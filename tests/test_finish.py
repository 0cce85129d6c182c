import pytest
import torch

from modular_cls.config import Backbone
from modular_cls.errors import ConfigError
from modular_cls.finish import Features, FitBias, FitComposite
from modular_cls.models import FlatClassifier, ModularClassifier
from modular_cls.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        "composites": {"both": {"attributes": ["hair", "gender"]}},
    }
)
BACKBONE = Backbone("test_resnet", args={"stem_width": 8})


def gaussian_world(counts, seed=0, shift=1.2):
    """Features of an exactly additive world: x = (u, v), u ~ N(+-shift, 1) by hair, v ~ N(+-shift, 1) by gender."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.repeat_interleave(torch.arange(4), torch.tensor(counts))
    means = shift * torch.stack([target // 2 * 2 - 1, target % 2 * 2 - 1], 1).float()
    return means + torch.randn(len(target), 2, generator=generator), target


def model_that_knows(shift=1.2, offsets=(0.0, 0.0)):
    """A modular model whose heads are the true log-likelihood ratios, up to offsets that the bias must undo."""
    model = ModularClassifier(SCHEMA, BACKBONE)
    for i, head in enumerate(model.attribute_heads):
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.zeros_(head.bias)
        head.weight.data[1, i] = 2 * shift
        head.bias.data[1] = offsets[i]
    return model


def features(counts, model, seed=0):
    x, target = gaussian_world(counts, seed)
    padded = torch.zeros(len(x), model.width)
    padded[:, :2] = x
    return Features(padded, {"both": target, "hair": target // 2, "gender": target % 2})


@pytest.mark.parametrize("offsets", [(0.0, 0.0), (3.0, -2.0)])
def test_extrapolated_bias_recovers_the_unseen_class(offsets):
    """Whatever offsets the heads have, S - B of the unseen class must be its true log likelihood."""
    model = model_that_knows(offsets=offsets)
    notes = FitBias()(model, features([4000, 3000, 2000, 0], model))
    test = features([1000, 1000, 1000, 1000], model, seed=1)
    scores = model.score(test.features)["both"]
    # True scores: uv log-likelihood ratios without offsets, exact classes apart from a common constant.
    truth = torch.stack([2.4 * (test.features[:, 0] * h + test.features[:, 1] * g) for h in (0, 1) for g in (0, 1)], 1)
    difference = scores - truth
    bias_error = (difference - difference.mean(1, keepdim=True)).abs().max()
    assert bias_error < 0.15
    assert 1 < notes["effective_sample_size/long_male"] < 9000
    recall = (scores.argmax(1) == test.targets["both"])[test.targets["both"] == 3].float().mean()
    assert recall > 0.75


def test_at_the_fitted_bias_every_seen_class_has_its_share():
    model = model_that_knows(offsets=(1.0, 2.0))
    data = features([500, 300, 200, 0], model)
    FitBias(kappa=0.0)(model, data)
    counts = torch.tensor([500.0, 300.0, 200.0])
    posterior = (model.score(data.features)["both"][:, :3] + counts.log()).softmax(1)
    torch.testing.assert_close(posterior.sum(0), counts, rtol=1e-3, atol=1e-2)


def test_shrinkage_lies_between_fitted_and_left_out():
    biases = {}
    for kappa in (0.0, 5.0, 1e9):
        model = model_that_knows()
        FitBias(kappa)(model, features([900, 900, 900, 5], model, seed=3))
        bias = model.composite_heads[0].bias.detach()
        biases[kappa] = float(bias[3] - bias[0])
    assert min(biases[0.0], biases[1e9]) < biases[5.0] < max(biases[0.0], biases[1e9])
    assert biases[5.0] == pytest.approx((biases[0.0] + biases[1e9]) / 2, abs=1e-2)


def test_fit_composite_learns_from_few_and_touches_nothing_else():
    model = ModularClassifier(SCHEMA, BACKBONE, "Linear")
    before = {n: p.clone() for n, p in model.named_parameters() if "composite" not in n}
    for i, head in enumerate(model.attribute_heads):
        torch.nn.init.zeros_(head.weight)
        head.weight.data[1, i] = 2.4
        before[f"attribute_heads.{i}.weight"] = head.weight.clone()
    notes = FitComposite(per_class=20)(model, features([300, 300, 300, 300], model))
    test = features([500] * 4, model, seed=5)
    accuracy = (model.score(test.features)["both"].argmax(1) == test.targets["both"]).float().mean()
    assert notes == {"composite_images/both": 80.0}
    assert accuracy > 0.7
    assert all(torch.equal(p, before[n]) for n, p in model.named_parameters() if n in before)


def test_steps_refuse_models_they_do_not_fit():
    with pytest.raises(ConfigError, match="Additive"):
        FitBias().check(FlatClassifier(SCHEMA, BACKBONE))
    with pytest.raises(ConfigError, match="composite that learns"):
        FitComposite().check(ModularClassifier(SCHEMA, BACKBONE, "Product"))
