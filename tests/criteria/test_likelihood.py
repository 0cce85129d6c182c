"""Likelihoods of joint classes and attributes, against formulas."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from modular_cls import criteria
from modular_cls.criteria import (
    AttributeLikelihood,
    JointAndAttributes,
    JointLikelihood,
)
from modular_cls.errors import ConfigError
from modular_cls.models import FlatClassifier
from modular_cls.models.joint_classifier import DIRECT
from modular_cls.parts import build_part
from modular_cls.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        "composites": {"both": {"attributes": ["hair", "gender"]}},
    }
)
COUNTS = {"both": torch.tensor([60, 30, 10, 0])}


def test_joint_likelihood_against_the_formula():
    torch.manual_seed(0)
    scores, target = torch.randn(8, 4), torch.tensor([0, 1, 2, 0, 1, 2, -1, 0])
    share = COUNTS["both"] / COUNTS["both"].sum()
    posterior = scores.exp() * share / (scores.exp() * share).sum(1, keepdim=True)
    slow = -torch.stack(
        [posterior[i, z].log() for i, z in enumerate(target.tolist()) if z >= 0]
    ).mean()
    torch.testing.assert_close(
        JointLikelihood(SCHEMA, COUNTS)({"both": scores}, {"both": target}), slow
    )


def test_unseen_classes_get_no_gradient_with_the_prior_but_do_without():
    for tau, moved in ((1.0, False), (0.0, True)):
        scores = torch.zeros(3, 4, requires_grad=True)
        JointLikelihood(SCHEMA, COUNTS, tau=tau)(
            {"both": scores}, {"both": torch.tensor([0, 1, 2])}
        ).backward()
        assert bool(scores.grad[:, 3].abs().sum() > 0) is moved
        assert torch.isfinite(scores.grad).all()


def test_nothing_known_costs_nothing():
    scores = torch.randn(3, 4, requires_grad=True)
    loss = JointLikelihood(SCHEMA, COUNTS)({"both": scores}, {"both": torch.tensor([-1, -1, -1])})
    assert loss == 0
    loss.backward()


def test_attribute_likelihood_masks_each_attribute_apart():
    scores = {"hair": torch.randn(4, 2), "gender": torch.randn(4, 2)}
    targets = {"hair": torch.tensor([0, 1, -1, -1]), "gender": torch.tensor([-1, 0, 1, -1])}
    slow = -(
        scores["hair"].log_softmax(1)[[0, 1], [0, 1]].mean()
        + scores["gender"].log_softmax(1)[[1, 2], [0, 1]].mean()
    )
    torch.testing.assert_close(AttributeLikelihood(SCHEMA)(scores, targets), slow)
    with pytest.raises(ConfigError, match="needs attribute heads"):
        AttributeLikelihood(SCHEMA).check(FlatClassifier(SCHEMA, 3))


FULL = {"both": torch.tensor([60, 30, 10, 4])}


def batch(size=40, seed=0):
    torch.manual_seed(seed)
    scores, target = torch.randn(size, 4), torch.randint(-1, 4, (size,))
    attributes = {"hair": torch.randn(size, 2), "gender": torch.randn(size, 2)}
    hair, gender = torch.where(target < 0, -1, target // 2), torch.where(target < 0, -1, target % 2)
    return {"both": scores, **attributes}, {"both": target, "hair": hair, "gender": gender}


def test_joint_and_attributes_is_the_sum():
    scores, targets = batch()
    parts = JointLikelihood(SCHEMA, FULL, tau=0.0), AttributeLikelihood(SCHEMA)
    slow = parts[0](scores, targets) + 0.3 * parts[1](scores, targets)
    torch.testing.assert_close(JointAndAttributes(SCHEMA, FULL, weight=0.3)(scores, targets), slow)


def test_weights_of_attributes_count_in_the_sum():
    scores, targets = batch()
    hair, gender = (
        cross_entropy(scores[n], targets[n], ignore_index=-1) for n in ("hair", "gender")
    )
    weights = {"hair": 0.25, "gender": 0}
    plain = JointLikelihood(SCHEMA, FULL, tau=0.0)(scores, targets)
    found = JointAndAttributes(SCHEMA, FULL, weight=2.0, weights=weights)(scores, targets)
    torch.testing.assert_close(found, plain + 2.0 * 0.25 * hair)
    assert AttributeLikelihood(SCHEMA, weights={"hair": 2.0}).only_trained
    assert not AttributeLikelihood(SCHEMA, weights={"hair": 1.0}).only_trained
    torch.testing.assert_close(AttributeLikelihood(SCHEMA)(scores, targets), hair + gender)


@pytest.mark.parametrize("weight", [True, "much", -0.1, float("nan")])
def test_weights_that_are_no_amounts_are_refused(weight):
    part = {"name": "AttributeLikelihood", "weights": {"hair": weight}}
    with pytest.raises(ConfigError, match=r"weights(\.hair)? is .*; it must be"):
        build_part(part, criteria, criteria.Criterion, "criterion")(schema=SCHEMA)


def test_direct_heads_add_the_likelihood_of_images_whose_class_is_known():
    scores, targets = batch()
    direct = torch.randn(40, 4)
    criterion = JointLikelihood(SCHEMA, FULL)
    apart = criterion(scores, targets) + criterion({"both": direct}, targets)
    torch.testing.assert_close(criterion(scores | {"both" + DIRECT: direct}, targets), apart)


def test_smoothed_labels_of_attributes_are_those_of_torch():
    scores = {name: torch.randn(6, 2) for name in ("hair", "gender")}
    targets = {
        "hair": torch.tensor([0, 1, 1, 0, 1, -1]),
        "gender": torch.tensor([-1, 0, 1, 1, 0, 0]),
    }
    criterion = AttributeLikelihood(SCHEMA, weights={"gender": 3.0})
    plain = criterion(scores, targets)
    criterion.smooth_labels(0.2)
    hair, gender = (
        cross_entropy(scores[n], targets[n], ignore_index=-1, label_smoothing=0.2)
        for n in ("hair", "gender")
    )
    torch.testing.assert_close(criterion.train()(scores, targets), hair + 3 * gender)
    torch.testing.assert_close(criterion.eval()(scores, targets), plain)


def test_partly_labelled_images_are_smoothed_too():
    observed = {"both": torch.full((3, 3), 5)}
    criterion = JointLikelihood(SCHEMA, COUNTS, observed, unknown="independent")
    scores = {"both": torch.randn(3, 4)}
    targets = {"hair": torch.tensor([0, 1, -1]), "gender": torch.tensor([-1, 0, 1]), "both": torch.tensor([-1, 2, -1])}  # fmt: skip
    assert criterion.label_groups("both")
    plain = criterion.train()(scores, targets)
    criterion.smooth_labels(0.3)
    found = criterion(scores, targets)
    even = -scores["both"].log_softmax(1).mean()  # as many of every observation: a flat prior
    torch.testing.assert_close(found, 0.7 * plain + 0.3 * even)
    torch.testing.assert_close(criterion.eval()(scores, targets), plain)
