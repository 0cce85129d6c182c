"""Modular and flat: marginals, sizes, large composites."""

import itertools

import pytest
import torch

from modular_cls.config import Backbone
from modular_cls.models import FlatClassifier, ModularClassifier
from modular_cls.schema import Schema

BACKBONE = Backbone("test_resnet", args={"stem_width": 8})
THREE = Schema.from_dict(
    {
        "attributes": {
            "hair": ["short", "medium", "long"],
            "gender": ["female", "male"],
            "glasses": ["no", "yes"],
        },
        "composites": {
            "glasses_hair": {"attributes": ["glasses", "hair"]},
            "everything": {"attributes": ["hair", "gender", "glasses"]},
        },
    }
)


@pytest.fixture(params=["Additive", "Product", "Linear", "MLP", "flat"])
def model(request):
    torch.manual_seed(0)
    if request.param == "flat":
        return FlatClassifier(THREE, BACKBONE).eval()
    return ModularClassifier(THREE, BACKBONE, composite=request.param).eval()


def test_outputs_are_marginals_of_the_joint(model):
    scores = model(torch.randn(2, 3, 32, 32))
    predicted = model.log_probabilities(scores)
    assert list(predicted) == [o.name for o in THREE.outputs]
    joint = predicted["everything"].exp()
    cells = list(itertools.product(range(3), range(2), range(2)))
    for output in THREE.outputs:
        places = [("hair", "gender", "glasses").index(a.name) for a in output.attributes]
        slow = torch.zeros(2, output.size)
        for z, cell in enumerate(cells):
            slow[:, output.cells.index(tuple(cell[p] for p in places))] += joint[:, z]
        torch.testing.assert_close(predicted[output.name].exp(), slow)


def test_parameters_match_within_one_percent():
    schema = Schema.from_dict(
        {
            "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
            "composites": {"hair_gender": {"attributes": ["hair", "gender"]}},
        }
    )
    sizes = [
        sum(p.numel() for p in m.parameters())
        for m in (ModularClassifier(schema, BACKBONE), FlatClassifier(schema, BACKBONE))
    ]
    assert abs(sizes[0] - sizes[1]) < 0.01 * min(sizes)


def test_many_joint_classes_are_scored_per_composite():
    attributes = {f"a{i}": ["x", "y"] for i in range(10)}
    composites = {"first": {"attributes": ["a0", "a1"]}, "second": {"attributes": ["a8", "a9"]}}
    composites["rest"] = {"attributes": [f"a{i}" for i in range(2, 8)]}
    schema = Schema.from_dict({"attributes": attributes, "composites": composites})
    predicted = ModularClassifier(schema, BACKBONE).eval()
    out = predicted.log_probabilities(predicted(torch.randn(2, 3, 32, 32)))
    assert set(out) == {*attributes, *composites}
    assert all(torch.allclose(v.exp().sum(1), torch.ones(2)) for v in out.values())
