import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from modular_cls.criteria import (
    AttributeLikelihood,
    GroupDRO,
    JointAndAttributes,
    JointLikelihood,
    LabelDistributionMargin,
    WeightedLikelihood,
)
from modular_cls.errors import ConfigError, UndefinedError
from modular_cls.models import FlatClassifier
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


def losses_of(scores, target):
    return {i: -float(scores[i].log_softmax(0)[z]) for i, z in enumerate(target.tolist()) if z >= 0}


def test_weighted_likelihood_is_the_balanced_objective_whatever_the_batches():
    """The mean over small batches is the mean over classes of each class's mean loss."""
    torch.manual_seed(0)
    target = torch.repeat_interleave(torch.arange(4), FULL["both"])[torch.randperm(104)]
    scores = torch.randn(104, 4)
    each = losses_of(scores, target)
    slow = (
        sum(sum(each[i] for i in each if target[i] == z) / int(FULL["both"][z]) for z in range(4))
        / 4
    )
    criterion = WeightedLikelihood(SCHEMA, FULL)
    for size in (4, 26, 104):
        batches = zip(scores.split(size), target.split(size), strict=True)
        losses = [float(criterion({"both": s}, {"both": t})) for s, t in batches]
        assert sum(losses) / len(losses) == pytest.approx(slow, rel=1e-5)
    assert criterion({"both": scores[:3]}, {"both": torch.tensor([-1, -1, -1])}) == 0


def test_joint_and_attributes_is_the_sum():
    scores, targets = batch()
    parts = JointLikelihood(SCHEMA, FULL, tau=0.0), AttributeLikelihood(SCHEMA)
    slow = parts[0](scores, targets) + 0.3 * parts[1](scores, targets)
    torch.testing.assert_close(JointAndAttributes(SCHEMA, FULL, weight=0.3)(scores, targets), slow)


@pytest.mark.parametrize("progress", [0.0, 0.79, 0.8, 1.0])
def test_ldam_against_a_loop(progress):
    scores, targets = batch()
    criterion = LabelDistributionMargin(SCHEMA, FULL, max_margin=0.5, scale=30.0)
    criterion.progress = progress
    margins = [n**-0.25 for n in (60, 30, 10, 4)]
    margins = [0.5 * m / max(margins) for m in margins]
    weight = [(1 - 0.9999) / (1 - 0.9999**n) if progress >= 0.8 else 1.0 for n in (60, 30, 10, 4)]
    total = norm = 0.0
    for row, z in zip(scores["both"], targets["both"].tolist(), strict=True):
        if z >= 0:
            moved = row.clone()
            moved[z] -= 30.0 * margins[z]
            total -= weight[z] * float(moved.log_softmax(0)[z])
            norm += weight[z]
    assert float(criterion(scores, targets)) == pytest.approx(total / norm, rel=1e-4)


def test_group_dro_against_a_loop():
    criterion = GroupDRO(SCHEMA, FULL, eta=0.5)
    q = [0.25] * 4
    for seed in range(3):
        scores, targets = batch(seed=seed)
        each = losses_of(scores["both"], targets["both"])
        group = []
        for z in range(4):
            mine = [loss for i, loss in each.items() if targets["both"][i] == z]
            group.append(sum(mine) / max(len(mine), 1))
        q = [w * math.exp(0.5 * loss) for w, loss in zip(q, group, strict=True)]
        q = [w / sum(q) for w in q]
        slow = sum(w * loss for w, loss in zip(q, group, strict=True))
        assert float(criterion(scores, targets)) == pytest.approx(slow, rel=1e-5)
    before = criterion.q_0.clone()
    criterion.eval()(scores, targets)
    assert criterion.q_0.equal(before)  # looking at the validation split moves nothing


def test_group_dro_leaves_groups_without_images_out():
    criterion = GroupDRO(SCHEMA, COUNTS)
    assert criterion.q_0.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])


@pytest.mark.parametrize("criterion", [WeightedLikelihood, LabelDistributionMargin])
def test_not_defined_without_images_of_a_class(criterion):
    with pytest.raises(UndefinedError, match="without training images of long_male"):
        criterion(SCHEMA, COUNTS)
    criterion(SCHEMA, FULL)


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


@pytest.mark.parametrize("criterion", [
    JointLikelihood(SCHEMA, COUNTS), JointLikelihood(SCHEMA, COUNTS, tau=0.0), GroupDRO(SCHEMA, COUNTS, eta=0.0),
    WeightedLikelihood(SCHEMA, {"both": torch.tensor([4, 3, 2, 1])}), LabelDistributionMargin(SCHEMA, {"both": torch.tensor([4, 3, 2, 1])}),
], ids=lambda c: type(c).__name__)  # fmt: skip
def test_a_smoothed_loss_mixes_in_that_of_every_possible_class(criterion):
    """One picture: its loss, and the losses it would have with each other label, the true one included."""
    scores, label = {"both": torch.randn(1, 4)}, torch.tensor([1])
    plain = criterion.train()(scores, {"both": label})
    criterion.smooth_labels(0.3)
    found = criterion(scores, {"both": label})
    logits, weight = scores["both"], 1.0
    if isinstance(criterion, JointLikelihood) and criterion.tau:
        logits = logits[:, :3] + (COUNTS["both"][:3] / 100).log()
    if isinstance(criterion, WeightedLikelihood):
        weight = 10 / (4 * 3)
    if isinstance(criterion, LabelDistributionMargin):
        margins = torch.tensor([4.0, 3, 2, 1]) ** -0.25
        logits = logits - 30 * 0.5 * torch.tensor([[0, margins[1] / margins[3], 0, 0]])
    if isinstance(criterion, GroupDRO):
        weight = 1 / 3  # its share of the groups with images
    even = -logits.log_softmax(1).mean()
    torch.testing.assert_close(found, 0.7 * plain + 0.3 * weight * even)
    torch.testing.assert_close(criterion.eval()(scores, {"both": label}), plain)


def test_partly_labelled_images_are_smoothed_too():
    observed = {"both": torch.zeros(9, dtype=torch.long)}
    observed["both"][:] = 5
    criterion = JointLikelihood(SCHEMA, COUNTS, observed, unknown="independent")
    scores = {"both": torch.randn(3, 4)}
    targets = {"hair": torch.tensor([0, 1, -1]), "gender": torch.tensor([-1, 0, 1]), "both": torch.tensor([-1, 2, -1])}  # fmt: skip
    plain = criterion.train()(scores, targets)
    criterion.smooth_labels(0.3)
    found = criterion(scores, targets)
    assert torch.isfinite(found)
    assert found != plain
    torch.testing.assert_close(criterion.eval()(scores, targets), plain)
