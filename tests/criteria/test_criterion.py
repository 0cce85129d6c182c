"""Smoothed losses mix in that of every possible class."""

import copy

import pytest
import torch

from modular_cls.criteria import (
    GroupDRO,
    JointLikelihood,
    LabelDistributionMargin,
    WeightedLikelihood,
)
from modular_cls.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        "composites": {"both": {"attributes": ["hair", "gender"]}},
    }
)
COUNTS = {"both": torch.tensor([60, 30, 10, 0])}


@pytest.mark.parametrize("criterion", [
    JointLikelihood(SCHEMA, COUNTS), JointLikelihood(SCHEMA, COUNTS, tau=0.0), GroupDRO(SCHEMA, COUNTS, eta=0.0),
    WeightedLikelihood(SCHEMA, {"both": torch.tensor([4, 3, 2, 1])}), LabelDistributionMargin(SCHEMA, {"both": torch.tensor([4, 3, 2, 1])}),
], ids=lambda c: type(c).__name__)  # fmt: skip
def test_a_smoothed_loss_mixes_in_that_of_every_possible_class(criterion):
    """One picture: its loss, and the losses it would have with each other label, the true one included."""
    criterion = copy.deepcopy(criterion)  # the one above is there for every run in this process
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
