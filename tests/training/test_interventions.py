"""Answers with an attribute set to the truth, against loops and against evidence given to a model."""

import itertools

import pytest
import torch

from modular_cls.models import FlatClassifier, ModularClassifier
from modular_cls.schema import Schema
from modular_cls.training.interventions import answers

SCHEMA = Schema.from_dict(
    {
        "attributes": {"hair": ["short", "medium", "long"], "gender": ["f", "m"], "hat": ["no", "yes"]},
        "composites": {
            "hair_gender": {"attributes": ["gender", "hair"]},
            "all": {"attributes": ["hair", "gender", "hat"]},
        },
    }
)  # fmt: skip


def given(logs, values, place, truth):
    """The first of the most probable classes that have the true value, by loops; -1 for none."""
    best = -1
    for z, cell in enumerate(values):
        if cell[place] == truth and logs[z] > -torch.inf and (best < 0 or logs[z] > logs[best]):
            best = z
    return best


@pytest.mark.parametrize("ruled_out", [0.0, 0.5])
def test_an_attribute_set_leaves_the_classes_that_have_its_value(ruled_out):
    torch.manual_seed(0)
    logs = {o.name: torch.randn(200, o.size).log_softmax(1) for o in SCHEMA.outputs}
    for scores in logs.values():
        scores[torch.rand(scores.shape) < ruled_out] = -torch.inf
    sizes = {a.name: len(a.values) for a in SCHEMA.attributes}
    targets = {name: torch.randint(-1, size, (200,)) for name, size in sizes.items()}
    found = answers(SCHEMA, logs, targets)
    for composite in SCHEMA.composites:
        assert found[composite.name].tolist() == logs[composite.name].argmax(1).tolist()
        for (place, a), i in itertools.product(enumerate(composite.attributes), range(200)):
            expected = given(
                logs[composite.name][i], composite.cells, place, int(targets[a.name][i])
            )
            assert found[f"{composite.name}:given:{a.name}"][i] == expected


@pytest.mark.parametrize("kind", [ModularClassifier, FlatClassifier])
def test_it_is_what_a_model_says_given_that_evidence(kind):
    torch.manual_seed(0)
    model = kind(SCHEMA, 5).eval()
    features = torch.randn(20, 5)
    scores = model.score(features)
    targets = {a.name: torch.ones(20, dtype=torch.long) for a in SCHEMA.attributes}
    found = answers(SCHEMA, model.log_probabilities(scores), targets)
    for a in SCHEMA.attributes:
        evidence = torch.full((len(a.values),), -torch.inf)
        evidence[1] = 0
        told = model.log_probabilities(scores, evidence={a.name: evidence})
        assert found[f"all:given:{a.name}"].tolist() == told["all"].argmax(1).tolist()


def test_what_could_never_be_right_is_no_attributes_error():
    """A class without probability is not reached by setting attributes: the composition is wrong."""
    logs = {o.name: torch.zeros(1, o.size) for o in SCHEMA.outputs}
    logs["all"] = torch.full((1, 12), -torch.inf)
    logs["all"][0, 0] = 0.0
    targets = {"hair": torch.tensor([2]), "gender": torch.tensor([0]), "hat": torch.tensor([1])}
    found = answers(SCHEMA, logs, targets)
    assert found["all:given:hair"].item() == -1
    assert found["all:given:gender"].item() == 0
