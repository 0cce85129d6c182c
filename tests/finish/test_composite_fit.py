"""Composite heads fitted on finished attribute heads, and priors corrected, against formulas."""

import pytest
import torch

from modular_cls.errors import ConfigError
from modular_cls.finish import CorrectPrior, FitComposite
from modular_cls.models import FlatClassifier, ModularClassifier
from tests.finish.gaussian_world import BACKBONE, SCHEMA, features, model_that_knows


def product_that_knows(shift=1.2):
    """A product of heads whose softmax is the true posterior of each attribute alone."""
    model = ModularClassifier(SCHEMA, BACKBONE, composite="Product")
    model.attribute_heads.load_state_dict(model_that_knows(shift).attribute_heads.state_dict())
    return model


def test_fit_composite_learns_from_few_and_touches_nothing_else():
    model = ModularClassifier(SCHEMA, BACKBONE, composite="Linear")
    before = {n: p.clone() for n, p in model.named_parameters() if "composite" not in n}
    for i, head in enumerate(model.attribute_heads):
        torch.nn.init.zeros_(head.weight)
        head.weight.data[1, i] = 2.4
        before[f"attribute_heads.{i}.weight"] = head.weight.clone()
    notes = FitComposite(per_class=20)(model, {"train": features([300, 300, 300, 300], model)})
    test = features([500] * 4, model, seed=5)
    accuracy = (model.score(test.features)["both"].argmax(1) == test.targets["both"]).float().mean()
    assert notes == {"composite_images/both": 80.0}
    assert accuracy > 0.7
    assert all(torch.equal(p, before[n]) for n, p in model.named_parameters() if n in before)


@pytest.mark.parametrize(("tau", "smoothing"), [(1.0, 1.0), (0.5, 2.0), (1.0, 0.0)])
def test_the_correction_against_the_formula(tau, smoothing):
    counts = [400, 200, 300, 5]
    model = product_that_knows()
    CorrectPrior(tau=tau, smoothing=smoothing)(model, {"train": features(counts, model)})
    share = torch.tensor(counts, dtype=torch.float) + smoothing
    share /= share.sum()
    hair, gender = [share[:2].sum(), share[2:].sum()], [share[::2].sum(), share[1::2].sum()]
    slow = [
        float((share[2 * h + g] / (hair[h] * gender[g])) ** -tau) for h in (0, 1) for g in (0, 1)
    ]
    torch.testing.assert_close(model.composite_heads[0].correction.exp(), torch.tensor(slow))


def test_no_correlation_no_correction():
    model = product_that_knows()
    CorrectPrior()(model, {"train": features([60, 30, 120, 60], model)})
    assert model.composite_heads[0].correction.abs().max() < 0.02


def test_a_sequential_bottleneck_keeps_the_training_prior():
    """Without prior correction the composite's mean probability of each class is its share of the images."""
    model = ModularClassifier(SCHEMA, BACKBONE, composite="Linear")
    model.attribute_heads.load_state_dict(model_that_knows().attribute_heads.state_dict())
    images = {"train": features([500, 300, 150, 50], model)}
    FitComposite(per_class=None, tau=0.0, l2=0.0)(model, images)
    mean = model.score(images["train"].features)["both"].softmax(1).mean(0)
    torch.testing.assert_close(mean, torch.tensor([0.5, 0.3, 0.15, 0.05]), atol=2e-3, rtol=0)


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0])
def test_a_solved_composite_has_the_share_of_the_prior_that_tau_leaves(tau):
    """On a frozen backbone: with tau log p beside it, the mean probability of each class is its share."""
    model = ModularClassifier(SCHEMA, 5, composite="Linear")
    model.attribute_heads.load_state_dict(
        {n: torch.randn_like(p) for n, p in model.attribute_heads.state_dict().items()}
    )
    images = {"train": features([100, 60, 30, 10], model)}
    notes = FitComposite(per_class=None, tau=tau)(model, images)
    share = torch.tensor([0.5, 0.3, 0.15, 0.05])
    scores = model.score(images["train"].features)["both"] + tau * share.log()
    torch.testing.assert_close(scores.softmax(1).mean(0), share, atol=2e-3, rtol=0)
    assert notes["ridge/both"] > 0


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0, 1.5])
def test_a_class_without_images_is_never_the_answer_to_everything(tau):
    model = ModularClassifier(SCHEMA, 5, composite="Linear")
    images = {"train": features([100, 60, 30, 0], model)}
    FitComposite(per_class=None, tau=tau)(model, images)
    bias = model.composite_heads[0][1].bias
    assert bias.isfinite().all()
    assert bias[3] <= bias[:3].max()


def test_a_prior_is_corrected_where_every_class_has_a_share():
    model = product_that_knows()
    some, all_but_one = ({"train": {"both": torch.tensor([5, 5, 5, n])}} for n in (1, 0))
    CorrectPrior(smoothing=0.0).check(model, some)
    CorrectPrior(smoothing=1.0).check(model, all_but_one)
    with pytest.raises(ConfigError, match="no share for long_male"):
        CorrectPrior(smoothing=0.0).check(model, all_but_one)


def test_steps_refuse_models_they_do_not_fit():
    for model in (
        ModularClassifier(SCHEMA, BACKBONE, composite="Product"),
        FlatClassifier(SCHEMA, BACKBONE),
    ):
        with pytest.raises(ConfigError, match="composite that learns"):
            FitComposite().check(model, {})
    for model in (ModularClassifier(SCHEMA, BACKBONE), FlatClassifier(SCHEMA, BACKBONE)):
        with pytest.raises(ConfigError, match="composite Product"):
            CorrectPrior().check(model, {})
