"""What several joint spaces answer for: the average of their log marginals."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.models import FlatClassifier
from modular_cls.schema import Schema

VALUES = {"a": 3, "b": 10, "c": 10}  # 300 classes together


@pytest.fixture(scope="module")
def model():
    attributes = {name: [f"{name}{i}" for i in range(n)] for name, n in VALUES.items()}
    composites = {"ab": {"attributes": ["a", "b"]}, "ca": {"attributes": ["c", "a"]}}
    return FlatClassifier(
        Schema.from_dict({"attributes": attributes, "composites": composites}), 4
    ).eval()


def scores(model, seed, rows=5):
    generator = torch.Generator().manual_seed(seed)
    spaces = model.schema.joints
    return {s.name: 5 * torch.randn(rows, s.size, generator=generator) for s in spaces}


@given(st.integers(0, 1000))
def test_a_shared_attribute_is_the_average(model, seed):
    given_scores = scores(model, seed)
    logs = model.log_probabilities(given_scores)
    one = given_scores["ab"].softmax(1).view(-1, 3, 10).sum(2)
    two = given_scores["ca"].softmax(1).view(-1, 10, 3).sum(1)
    mean = (one * two).sqrt()  # of logarithms
    torch.testing.assert_close(logs["a"].exp(), mean / mean.sum(1, keepdim=True))
    torch.testing.assert_close(
        logs["b"].exp(), given_scores["ab"].softmax(1).view(-1, 3, 10).sum(1)
    )
    assert torch.stack([logs[o.name].exp().sum(1) for o in model.schema.outputs]).allclose(
        torch.tensor(1.0)
    )


def test_what_one_space_never_predicts_is_left_to_the_other(model):
    given_scores = scores(model, 0)
    priors = {s.name: torch.zeros(s.size) for s in model.schema.joints}
    priors["ab"].view(3, 10)[2] = -torch.inf
    logs = model.log_probabilities(given_scores, priors)["a"]
    assert torch.isfinite(logs).all()
    priors["ca"].view(10, 3)[:, 2] = -torch.inf
    logs = model.log_probabilities(given_scores, priors)["a"]
    assert (logs[:, 2] == -torch.inf).all()
    assert torch.isfinite(logs[:, :2]).all()


def test_an_attribute_set_by_hand_is_set_in_every_space(model):
    certain = torch.tensor([-torch.inf, 0.0, -torch.inf])
    logs = model.log_probabilities(scores(model, 1), evidence={"a": certain})
    torch.testing.assert_close(logs["a"].exp(), torch.tensor([[0.0, 1.0, 0.0]]).expand(5, 3))


def test_which_spaces_answer(model):
    schema = model.schema
    told = {o.name: [s.name for s in schema.answering(o)] for o in schema.outputs}
    assert told == {"a": ["ab", "ca"], "b": ["ab"], "c": ["ca"], "ab": ["ab"], "ca": ["ca"]}
