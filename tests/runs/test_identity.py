"""What makes a run that run, and what does not."""

import torch

from modular_cls import Run
from tests.runs.small_runs import edit


def test_pictures_may_be_moved(copy):
    before = Run.load(copy).model.state_dict()
    for key, value in {"manifest": "elsewhere.csv", "root": "/pictures", "workers": 3}.items():
        edit(copy, "data", key, value=value)
    run = Run.load(copy)
    assert run.config.data.manifest == "elsewhere.csv"
    for name, tensor in run.model.state_dict().items():
        assert torch.equal(tensor, before[name])
