"""Criteria that rebalance classes, against formulas and loops."""

import math

import pytest
import torch

from modular_cls.criteria import (
    GroupDRO,
    LabelDistributionMargin,
    WeightedLikelihood,
)
from modular_cls.errors import UndefinedError
from modular_cls.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        "composites": {"both": {"attributes": ["hair", "gender"]}},
    }
)
COUNTS = {"both": torch.tensor([60, 30, 10, 0])}
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
