"""Buffers by joint space."""

import copy

import torch
from torch import nn

from modular_cls.models.by_space import BySpace


def test_they_move_with_the_module_are_saved_and_copied_with_it():
    module = nn.Module()
    spaces = {"hair.gender": torch.ones(4), "age": torch.arange(3.0)}
    by_space = module.prior = BySpace(module, "prior", spaces)
    assert list(by_space) == list(spaces)
    twin = copy.deepcopy(module)
    module.double()
    by_space["age"].mul_(2)
    saved = module.state_dict()
    assert list(saved) == ["prior_0", "prior_1"]
    assert saved["prior_1"].tolist() == by_space["age"].tolist() == [0, 2, 4]
    assert by_space["age"].dtype == torch.double
    assert twin.prior["age"].tolist() == [0, 1, 2]  # a copy has buffers of its own
    twin.load_state_dict(saved)
    assert twin.prior["age"].tolist() == [0, 2, 4]
