"""Sizes of nets: widths that match a number of parameters, operations against counting by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.lecture.kit.nets import (
    convolutional,
    fully_connected,
    operations,
    parameters,
    width_for,
)


@given(
    depth=st.integers(1, 7),
    budget=st.integers(20_000, 2_000_000),
    inputs=st.sampled_from([64, 784]),
)
def test_widths_match_parameters(depth, budget, inputs):
    def build(width):
        return fully_connected(inputs, [width] * depth, 10)

    width = width_for(build, budget)
    found = abs(parameters(build(width)) - budget)
    assert all(found <= abs(parameters(build(w)) - budget) for w in (width - 1, width + 1) if w > 0)


def test_parameters_and_operations_by_hand():
    net = fully_connected(6, [5, 4], 3)
    assert parameters(net) == 6 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3
    assert operations(net, torch.zeros(1, 6)) == 6 * 5 + 5 * 4 + 4 * 3
    conv = convolutional(1, [2, 3], 4, halvings=1)
    assert operations(conv, torch.zeros(1, 1, 8, 8)) == 64 * 9 * 2 + 64 * 9 * 2 * 3 + 3 * 4


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 7])
def test_convolutional_nets_of_any_depth_end_at_one_resolution(depth):
    net = convolutional(1, [4] * depth, 2)
    x = torch.zeros(2, 1, 32, 32)
    for stage in net[:depth]:
        x = stage(x)
    assert x.shape == (2, 4, 4, 4)
    assert net(torch.zeros(2, 1, 32, 32)).shape == (2, 2)
