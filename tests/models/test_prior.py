"""The target prior moves the odds."""

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


def test_target_prior_moves_the_odds_and_zero_is_never_predicted(model):
    scores = model(torch.randn(4, 3, 32, 32))
    plain = model.log_probabilities(scores)["everything"]
    prior = torch.ones(12)
    prior[3], prior[5] = 4.0, 0.0
    model.set_priors({"everything": prior})
    moved = model.log_probabilities(scores)["everything"]
    torch.testing.assert_close(
        moved[:, 3] - moved[:, 0], plain[:, 3] - plain[:, 0] + torch.tensor(4.0).log()
    )
    assert (moved[:, 5] == -torch.inf).all()
    assert moved.logsumexp(1).abs().max() < 1e-5
