"""What a fit gives to finish steps."""

import torch

from modular_cls.training.fit import Fit
from tests.training.small_trainings import small


def test_features_are_those_of_the_network_in_use(faces_dir):
    """Of each picture alone, as it is: no chance, no neighbours in the batch, and nothing in the model moves."""
    fit = Fit(small(faces_dir, training__updates=3, training__validate_every=0))
    fit.run(progress=False)
    weights = {name: value.clone() for name, value in fit.model.state_dict().items()}
    features, again = (fit.features("train").features for _ in range(2))
    assert torch.equal(features, again)
    assert all(torch.equal(v, weights[name]) for name, v in fit.model.state_dict().items())
    dataset = fit.data.datasets["train"]
    with torch.no_grad():
        alone = [fit.model.eval().extract(dataset[i]["image"][None])[0] for i in range(5)]
    torch.testing.assert_close(features[:5].cpu(), torch.stack(alone), rtol=1e-4, atol=1e-5)
