import pytest
import torch

from modular_cls.criteria import AttributeLikelihood, JointLikelihood
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
    slow = -torch.stack([posterior[i, z].log() for i, z in enumerate(target.tolist()) if z >= 0]).mean()
    torch.testing.assert_close(JointLikelihood(SCHEMA, COUNTS)({"both": scores}, {"both": target}), slow)


def test_unseen_classes_get_no_gradient_with_the_prior_but_do_without():
    for tau, moved in ((1.0, False), (0.0, True)):
        scores = torch.zeros(3, 4, requires_grad=True)
        JointLikelihood(SCHEMA, COUNTS, tau)({"both": scores}, {"both": torch.tensor([0, 1, 2])}).backward()
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
        scores["hair"].log_softmax(1)[[0, 1], [0, 1]].mean() + scores["gender"].log_softmax(1)[[1, 2], [0, 1]].mean()
    )
    torch.testing.assert_close(AttributeLikelihood(SCHEMA)(scores, targets), slow)
    with pytest.raises(ValueError, match="attribute heads"):
        AttributeLikelihood(SCHEMA)({"both": torch.zeros(4, 4)}, targets)
