"""Constructed circuits and nets: parity is exact, pieces are counted right."""

import itertools
import operator
from dataclasses import replace
from fractions import Fraction
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modular_cls.lecture.constructed import (
    all_inputs,
    corners,
    counting_layer,
    folding_net,
    gates_in_two_layers,
    xor_tree,
    zigzag_net,
)

COUNTS = {
    gates_in_two_layers: lambda d: 2 ** (d - 1) + 1,
    counting_layer: lambda d: d + 1,
    xor_tree: lambda d: 3 * (d - 1),
}


@pytest.mark.parametrize("build", COUNTS)
@pytest.mark.parametrize("bits", range(2, 11))
def test_parity_on_all_inputs(build, bits):
    circuit = build(bits)
    assert len(circuit.gates) == COUNTS[build](bits)
    assert circuit.layers == (2 if build is not xor_tree else 2 * int(np.ceil(np.log2(bits))))
    expected = [reduce(operator.xor, row) for row in all_inputs(bits).tolist()]
    assert circuit.output(all_inputs(bits)).tolist() == expected


def test_each_and_is_needed():
    circuit = gates_in_two_layers(4)
    for i in range(8):
        never = replace(
            circuit,
            gates=tuple(g._replace(least=99) if j == i else g for j, g in enumerate(circuit.gates)),
        )
        wrong = never.output(all_inputs(4)) != all_inputs(4).sum(1) % 2
        assert wrong.sum() == 1


@pytest.mark.parametrize("folds", range(1, 8))
def test_folding_is_the_tent_map_again_and_again(folds):
    found = corners(folding_net(folds))
    assert len(found) - 1 == 2**folds
    for x, y in found:
        for _ in range(folds):
            x = 1 - abs(1 - 2 * x)
        assert x == y


@pytest.mark.parametrize("units", [1, 2, 7, 20])
def test_one_hidden_layer_reaches_its_bound(units):
    assert len(corners(zigzag_net(units))) - 1 == units + 1


def by_slopes(net, cells=20_000):
    """Slow reference: slopes on a fine grid; a cell with a bend has a slope of its own and stands alone."""
    x = np.linspace(0, 1, cells + 1)
    h = x[:, None]
    for i, (w, b) in enumerate(net):
        h = (np.maximum(h, 0) if i else h) @ w.astype(float).T + b.astype(float)
    slopes = np.diff(h[:, 0]) * cells
    same = np.abs(np.diff(slopes)) < 1e-6
    return int(same[0]) + int((same[1:] & ~same[:-1]).sum())


def random_net(widths, draw):
    sizes = [1, *widths, 1]
    exact = np.vectorize(lambda v: Fraction(int(v), 4), otypes=[object])
    return [(exact(draw.integers(-8, 9, (b, a))), exact(draw.integers(-4, 5, b))) for a, b in itertools.pairwise(sizes)]  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_pieces_against_a_fine_grid(seed):
    draw = np.random.default_rng(seed)
    net = random_net([[5], [3, 3], [4, 3, 2]][seed % 3], draw)
    assert len(corners(net)) - 1 == by_slopes(net)


@settings(max_examples=40, deadline=None)
@given(units=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_no_hidden_layer_exceeds_its_bound(units, seed):
    assert len(corners(random_net([units], np.random.default_rng(seed)))) - 1 <= units + 1
