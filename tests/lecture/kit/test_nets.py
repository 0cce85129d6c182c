"""Sizes of nets: widths that match a number of parameters, operations against counting by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.lecture.kit.nets import (
    along_tree,
    convolutional,
    fully_connected,
    halved,
    operations,
    parameters,
    radii_for,
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


def test_a_net_along_the_tree_is_a_convolution_at_every_place():
    net = along_tree(3, [2, 2], [5, 4], 6)
    x = torch.randn(7, 4, 3, generator=torch.Generator().manual_seed(0))
    expected = x.transpose(1, 2)
    for stage, (channels, units) in zip(net[:2], ((3, 5), (5, 4)), strict=True):
        linear = stage[1]
        conv = torch.nn.Conv1d(channels, units, 2, stride=2)
        with torch.no_grad():
            conv.weight.copy_(linear.weight.unflatten(1, (2, channels)).transpose(1, 2))
            conv.bias.copy_(linear.bias)
        expected = torch.relu(conv(expected))
    assert torch.allclose(net[:2](x), expected.transpose(1, 2), atol=1e-6)
    assert net(x).shape == (7, 6)
    assert parameters(net) == 6 * 5 + 5 + 10 * 4 + 4 + 4 * 6 + 6


@given(levels=st.integers(1, 6), layers=st.integers(1, 9))
def test_layers_join_all_of_a_string_between_them(levels, layers):
    spans = halved(levels, layers)
    assert len(spans) == layers
    assert math.prod(spans) == 2**levels
    assert max(spans) <= 2 * min(spans)  # as evenly as can be


def seen(net, side=96):
    """Width in pixels of what the place in the middle of the last map depends on."""
    x = torch.rand(1, 1, side, side, generator=torch.Generator().manual_seed(0), requires_grad=True)
    maps = net.eval()(x)
    middle = maps.shape[-1] // 2
    maps[0, :, middle, middle].sum().backward()
    (rows,) = torch.nonzero(x.grad[0, 0].abs().sum(1), as_tuple=True)
    return int(rows.max() - rows.min()) + 1


@pytest.mark.parametrize("dilated", [False, True])
def test_nets_of_any_depth_reach_equally_far(dilated):
    for layers in range(1, 8):
        radii = radii_for(layers, 15)
        net = convolutional(1, [2] * layers, 2, radii=radii, dilated=dilated)[:layers]
        for conv in (m for m in net.modules() if isinstance(m, torch.nn.Conv2d)):
            torch.nn.init.constant_(conv.weight, 0.1)  # so that no unit is dead
            assert dilated or conv.dilation == (1, 1)
            assert not dilated or conv.kernel_size == (3, 3)
        for pool in (m for m in net.modules() if isinstance(m, torch.nn.MaxPool2d)):
            pool.forward = lambda x, side=pool.kernel_size: torch.nn.functional.avg_pool2d(x, side)
        assert seen(net) == 2 * 15 + 8  # 15 pixels to either side of the 8 that are pooled
    assert radii_for(7, 15) == [1] * 7
