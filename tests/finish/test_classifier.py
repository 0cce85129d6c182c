"""The last layer of a flat classifier, fitted anew."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from modular_cls.errors import ConfigError, UndefinedError
from modular_cls.finish import RetrainClassifier, ReweightFeatures
from modular_cls.models import FlatClassifier, ModularClassifier
from tests.finish.gaussian_world import BACKBONE, SCHEMA, features


def counts(*numbers):
    return {"both": torch.tensor(numbers)}


def test_retraining_against_scikit_learn():
    """The same balanced, l2-penalised logistic regression, solved by another library."""
    model = FlatClassifier(SCHEMA, BACKBONE)
    train = features([300, 200, 100, 10], model)
    step = RetrainClassifier(l2=0.02)
    step(model, {"train": train})
    # scikit-learn minimises C * sum of weighted losses + |w|^2 / 2; its balanced weights sum to N.
    strength = 1 / (2 * step.l2 * len(train.features))
    slow = LogisticRegression(C=strength, class_weight="balanced", tol=1e-8, max_iter=2000)
    slow.fit(train.features[:, :2].numpy(), train.targets["both"].numpy())
    head = model.joint_heads[0]
    np.testing.assert_allclose(head.weight.detach()[:, :2], slow.coef_, atol=2e-3)
    bias = head.bias.detach() - head.bias.detach().mean()
    np.testing.assert_allclose(bias, slow.intercept_ - slow.intercept_.mean(), atol=5e-3)


def test_retraining_balances_what_the_images_do_not():
    model = FlatClassifier(SCHEMA, BACKBONE)
    RetrainClassifier()(model, {"train": features([2000, 2000, 2000, 40], model)})
    test = features([500] * 4, model, seed=7)
    hits = model.score(test.features)["both"].argmax(1) == test.targets["both"]
    recall = [float(hits[test.targets["both"] == z].float().mean()) for z in range(4)]
    assert (
        min(recall) > 0.65
    )  # the best possible is about 0.78; a plain fit finds 0.3 of the rare class


@pytest.mark.parametrize("per_class", [1, 2, 5, 40])
def test_reweighted_features_learn_from_balanced_images(per_class):
    model = FlatClassifier(SCHEMA, BACKBONE)
    others = 10 * per_class
    held_out = features([others, others, others, per_class], model)
    notes = ReweightFeatures()(model, {"held_out": held_out})
    assert notes["dfr_per_class/both"] == per_class
    assert 0.01 <= notes["dfr_strength/both"] <= 1
    test = features([500] * 4, model, seed=7)
    accuracy = (model.score(test.features)["both"].argmax(1) == test.targets["both"]).float().mean()
    assert accuracy > {1: 0.3, 2: 0.4, 5: 0.6, 40: 0.7}[per_class]
    first = model.joint_heads[0].weight.clone()
    ReweightFeatures()(model, {"held_out": held_out})
    assert torch.equal(first, model.joint_heads[0].weight)  # same seed, same draws


def test_reweighted_features_leave_noise_out():
    """The l1 penalty, at the strength that held-out images prefer, gives most features of pure noise no weight."""
    model = FlatClassifier(SCHEMA, BACKBONE)
    held_out = features([200, 200, 200, 30], model)
    noise = torch.randn(held_out.features.shape, generator=torch.Generator().manual_seed(1))
    noise[:, :2] = held_out.features[:, :2]
    ReweightFeatures()(model, {"held_out": held_out._replace(features=noise)})
    weight = model.joint_heads[0].weight.detach().abs().sum(0)
    assert weight[:2].min() > weight[2:].max()


def test_the_penalty_is_that_which_held_out_images_prefer():
    """Among 198 features of noise a strong one; a strength that is given is taken, and a stronger one leaves less."""
    model = FlatClassifier(SCHEMA, 200)
    held_out = features([60] * 4, model)
    noise = torch.randn(held_out.features.shape, generator=torch.Generator().manual_seed(1))
    noise[:, :2] = held_out.features[:, :2]
    left = {}
    for strength in (None, 1.0):
        images = {"held_out": held_out._replace(features=noise)}
        chosen = ReweightFeatures(strength=strength)(model, images)["dfr_strength/both"]
        left[chosen] = int((model.joint_heads[0].weight.abs() > 1e-3).any(0).sum())
    chosen, given = left
    assert chosen <= 0.3 < given == 1.0
    assert left[chosen] < 100 < left[given]


def test_features_that_say_nothing_leave_every_class_likely():
    """Draws are balanced, so no class is preferred for its many images."""
    model = FlatClassifier(SCHEMA, 5)
    held_out = features([200, 100, 50, 20], model)
    noise = torch.randn(held_out.features.shape, generator=torch.Generator().manual_seed(1))
    ReweightFeatures(strength=0.01)(model, {"held_out": held_out._replace(features=noise)})
    likely = model.score(noise)["both"].softmax(1)
    assert 0.125 < likely.min() < likely.max() < 0.5


def test_reweighted_features_ignore_the_scale_of_features():
    """Standardised, so that stretching a feature changes no decision."""
    predicted = []
    for stretch in (1.0, 50.0):
        model = FlatClassifier(SCHEMA, BACKBONE)
        scale = torch.ones(model.width)
        scale[0] = stretch
        held_out = features([100, 100, 100, 20], model)
        ReweightFeatures()(
            model, {"held_out": held_out._replace(features=held_out.features * scale)}
        )
        test = features([200] * 4, model, seed=7)
        predicted.append(model.score(test.features * scale)["both"].argmax(1))
    assert (predicted[0] == predicted[1]).float().mean() > 0.98


def test_undefined_without_images_of_a_class():
    model = FlatClassifier(SCHEMA, BACKBONE)
    with pytest.raises(UndefinedError, match="without training images of long_male"):
        RetrainClassifier().check(model, {"train": counts(5, 5, 5, 0)})
    with pytest.raises(UndefinedError, match="without held-out images of long_male"):
        ReweightFeatures().check(
            model, {"train": counts(5, 5, 5, 1), "held_out": counts(2, 2, 2, 0)}
        )
    with pytest.raises(ConfigError, match=r"data\.hold_out"):
        ReweightFeatures().check(model, {"train": counts(5, 5, 5, 1)})
    RetrainClassifier().check(model, {"train": counts(5, 5, 5, 1)})


@pytest.mark.parametrize("step", [RetrainClassifier(), ReweightFeatures()])
def test_refuse_models_without_a_linear_joint_head(step):
    for model in (
        ModularClassifier(SCHEMA, BACKBONE),
        FlatClassifier(SCHEMA, BACKBONE, cosine_scale=30.0),
    ):
        with pytest.raises(ConfigError, match="linear heads"):
            step.check(model, {"train": counts(1, 1, 1, 1), "held_out": counts(1, 1, 1, 1)})
