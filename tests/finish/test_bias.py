"""The fitted and the extrapolated bias."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modular_cls.errors import ConfigError
from modular_cls.finish import FitBias
from modular_cls.models import FlatClassifier, ModularClassifier
from modular_cls.models.reachable import affine_reach
from tests.finish.gaussian_world import (
    BACKBONE,
    SCHEMA,
    features,
    gaussian_world,
    model_that_knows,
    slow_fixed_point,
)


def images(*arguments, **others):
    return {"train": features(*arguments, **others)}


@pytest.mark.parametrize("offsets", [(0.0, 0.0), (3.0, -2.0)])
def test_extrapolated_bias_recovers_the_unseen_class(offsets):
    """Whatever offsets the heads have, S - B of the unseen class must be its true log likelihood."""
    model = model_that_knows(offsets=offsets)
    notes = FitBias()(model, images([4000, 3000, 2000, 0], model))
    test = features([1000, 1000, 1000, 1000], model, seed=1)
    scores = model.score(test.features)["both"]
    # True scores: uv log-likelihood ratios without offsets, exact classes apart from a common constant.
    truth = torch.stack(
        [2.4 * (test.features[:, 0] * h + test.features[:, 1] * g) for h in (0, 1) for g in (0, 1)],
        1,
    )
    difference = scores - truth
    bias_error = (difference - difference.mean(1, keepdim=True)).abs().max()
    assert bias_error < 0.15
    assert 1 < notes["effective_sample_size/long_male"] < 9000
    recall = (scores.argmax(1) == test.targets["both"])[test.targets["both"] == 3].float().mean()
    assert recall > 0.75


def test_at_the_fitted_bias_every_seen_class_has_its_share():
    model = model_that_knows(offsets=(1.0, 2.0))
    data = features([500, 300, 200, 0], model)
    FitBias(kappa=0.0)(model, {"train": data})
    counts = torch.tensor([500.0, 300.0, 200.0])
    posterior = (model.score(data.features)["both"][:, :3] + counts.log()).softmax(1)
    torch.testing.assert_close(posterior.sum(0), counts, rtol=1e-3, atol=1e-2)


def test_shrinkage_is_linear_in_the_weight():
    """The bias of a class of 5 images moves towards what it would be unseen by 1 - w = kappa / (5 + kappa)."""
    biases = {}
    for kappa in (0.0, 1.0, 5.0):
        model = model_that_knows()
        FitBias(kappa=kappa)(model, images([900, 900, 900, 5], model, seed=3))
        bias = model.composite_heads[0].bias.detach()
        biases[kappa] = float(bias[3] - bias[0])
    assert abs(biases[5.0] - biases[0.0]) > 0.01
    assert biases[0.0] - biases[1.0] == pytest.approx((biases[0.0] - biases[5.0]) / 3, abs=1e-4)


@pytest.mark.parametrize("kappa", [0.0, 5.0])
def test_direct_heads_are_believed_by_their_images_and_unseen_classes_not_at_all(kappa):
    model = ModularClassifier(SCHEMA, 2, interaction=True)
    FitBias(kappa=kappa)(model, images([90, 90, 5, 0], model))
    counts = torch.tensor([90.0, 90.0, 5.0])
    torch.testing.assert_close(model.direct_heads[0].trust[:3], counts / (counts + kappa))
    assert model.direct_heads[0].trust[3] == 0
    assert model.score(torch.randn(3, 2))["both"].isfinite().all()


def test_the_bias_of_a_direct_head_goes_half_of_the_way_to_the_one_out_of_fold():
    """Of images whose class is known; a class that was not seen keeps its own."""
    model = ModularClassifier(SCHEMA, 2, interaction=True)
    train = features([60, 30, 9, 0], model)
    train.targets["both"][:4] = -1
    direct = torch.randn(99, 4, generator=torch.Generator().manual_seed(0))
    scores = {n: s.detach() for n, s in model.attribute_scores(train.features).items()}
    before = model.direct_heads[0].bias.detach().clone()
    FitBias()(model, {"train": train._replace(scores=scores | {"both": direct})})
    counts = torch.tensor([56, 30, 9, 0])
    lacks = slow_fixed_point(direct[4:].double(), counts)[:3]
    lacks = lacks - (counts[:3] / 95 * lacks).sum()
    moved = model.direct_heads[0].bias.detach() - before
    torch.testing.assert_close(moved[:3].double(), -lacks / 2, atol=1e-4, rtol=0)
    assert moved[3] == 0


def test_refuses_models_it_does_not_fit():
    FitBias().check(ModularClassifier(SCHEMA, 2), {})
    with pytest.raises(ConfigError, match="Additive"):
        FitBias().check(ModularClassifier(SCHEMA, 2, composite="Linear"), {})
    with pytest.raises(ConfigError, match="Additive"):
        FitBias().check(FlatClassifier(SCHEMA, BACKBONE), {})


def test_estimates_are_averaged():
    biases = {}
    for asked in (("mean",), ("affine",), ("matched",), ("mean", "affine", "matched")):
        model = model_that_knows()
        FitBias(estimates=list(asked))(model, images([900, 700, 500, 0], model))
        biases[asked] = model.composite_heads[0].bias.detach().clone()
    *single, together = biases.values()
    torch.testing.assert_close(together, sum(single) / 3)
    assert all(bias[:3].equal(together[:3]) for bias in single)
    assert len({round(float(bias[3]), 4) for bias in single}) == 3
    # In 2 x 2 the affine combination is the parallelogram.
    affine = biases[("affine",)]
    torch.testing.assert_close(affine[3], affine[1] + affine[2] - affine[0])


@pytest.mark.parametrize("estimate", ["mean", "matched", "affine"])
def test_a_constant_added_to_all_scores_changes_no_decision(estimate):
    """Biases are defined up to a constant, so offsets of the heads must not matter, for unseen classes either."""
    margins = []
    for offsets in ((0.0, 0.0), (2.0, -3.0)):
        model = model_that_knows(offsets=offsets)
        data = images([900, 700, 500, 0], model)
        FitBias(estimates=[estimate])(model, data)
        scores = model.score(data["train"].features)["both"].detach()
        margins.append(scores - scores[:, :1])
    torch.testing.assert_close(margins[0], margins[1], atol=1e-3, rtol=0)


def test_scores_of_heads_that_saw_the_image_are_used_only_if_asked_for():
    """Out-of-fold scores half as sure: on `unseen` the bias is theirs, on `training` that of the heads."""
    biases = {}
    for on in ("unseen", "training"):
        model = model_that_knows()
        train = features([900, 700, 500, 0], model)
        scores = model.attribute_scores(train.features)
        half = {name: s.detach() / 2 for name, s in scores.items()}
        FitBias(scores=on)(model, {"train": train._replace(scores=half)})
        biases[on] = model.composite_heads[0].bias.detach().clone()
        plain = model_that_knows()
        given = half if on == "unseen" else {n: s.detach() for n, s in scores.items()}
        FitBias()(plain, {"train": train._replace(scores=given)})
        torch.testing.assert_close(biases[on], plain.composite_heads[0].bias.detach())
    assert (biases["unseen"] - biases["training"]).abs().max() > 0.05


def slow_shrunk(energies, target, kappa):
    """Fit of all classes, each drawn to what it would be without images of it and of rarer ones, by the mean."""
    counts = torch.bincount(target, minlength=4)
    fitted = slow_fixed_point(energies, counts)
    bias = fitted.clone()
    for z, n in enumerate(counts.tolist()):
        common = counts > n
        if not n or not bool(affine_reach(SCHEMA.joints[0], common)[z]):
            continue
        others = common[target]
        unseen = slow_fixed_point(energies[others], counts * common)
        share = counts[common] / counts[common].sum()
        unseen = unseen + (share * (fitted - unseen)[common]).sum()
        bias[z] = n / (n + kappa) * fitted[z] + kappa / (n + kappa) * unseen[z]
    return bias - bias.mean()


@settings(max_examples=10)
@given(st.permutations([60, 25, 12, 3]), st.sampled_from([1.0, 5.0, 40.0]))
def test_shrinkage_against_loops(counts, kappa):
    """The more images, the more they say; only more common classes are asked; both fits on one scale."""
    x, target = gaussian_world(counts, seed=2, shift=0.6)
    hair, gender = torch.tensor([[0, 0, 1, 1], [0, 1, 0, 1]]).double()
    energies = 1.2 * (x.double()[:, :1] * hair + x.double()[:, 1:] * gender) + 2 * hair
    bias, _ = FitBias(kappa=kappa, estimates=["mean"]).fit(energies, target, SCHEMA.joints[0])
    torch.testing.assert_close(bias - bias.mean(), slow_shrunk(energies, target, kappa), atol=1e-4, rtol=0)  # fmt: skip
