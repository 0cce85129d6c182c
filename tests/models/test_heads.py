import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modular_cls.models.heads import MLP, Additive, Linear, Product, affine_reach, affine_weights
from modular_cls.schema import Attribute, Composite


def composite(*sizes):
    return Composite("z", tuple(Attribute(f"a{i}", tuple(f"v{i}{j}" for j in range(n))) for i, n in enumerate(sizes)))


@st.composite
def joint_and_seen(draw):
    joint = composite(*draw(st.lists(st.integers(2, 3), min_size=1, max_size=3)))
    seen = draw(st.lists(st.booleans(), min_size=joint.size, max_size=joint.size).filter(any))
    return joint, torch.tensor(seen)


@given(joint_and_seen())
def test_affine_reach_is_what_additive_scores_determine(case):
    """Brute force: a class is reached if no change of additive scores moves it but leaves the seen ones alike."""
    joint, seen = case
    # Unknowns: one score per attribute value. Rows: differences of each seen class to the first.
    rows = np.array(
        [[1.0 if cell[i] == v else 0.0 for i, a in enumerate(joint.attributes) for v in range(len(a.values))]
         for cell in joint.cells]
    )  # fmt: skip
    seen_rows = rows[seen.numpy()]
    rank = np.linalg.matrix_rank(seen_rows)
    expected = [np.linalg.matrix_rank(np.vstack([seen_rows, row])) == rank for row in rows]
    assert affine_reach(joint, seen).tolist() == expected


def test_any_three_cells_of_two_by_two_reach_the_fourth():
    joint = composite(2, 2)
    for three in itertools.combinations(range(4), 3):
        seen = torch.zeros(4, dtype=torch.bool)
        seen[list(three)] = True
        assert affine_reach(joint, seen).all()
    assert affine_reach(joint, torch.tensor([True, False, False, True])).tolist() == [True, False, False, True]


@settings(max_examples=25)
@given(st.lists(st.integers(2, 4), min_size=1, max_size=3), st.integers(0, 10_000))
def test_additive_and_product_against_loops(sizes, seed):
    torch.manual_seed(seed)
    joint = composite(*sizes)
    scores = [torch.randn(3, n) for n in sizes]
    additive, product = Additive(joint), Product(joint)
    torch.nn.init.normal_(additive.bias)
    for z, cell in enumerate(joint.cells):
        energy = sum(s[:, v] for s, v in zip(scores, cell, strict=True))
        chance = torch.stack([s.softmax(1)[:, v] for s, v in zip(scores, cell, strict=True)]).prod(0)
        torch.testing.assert_close(additive(scores)[:, z], energy - additive.bias[z])
        torch.testing.assert_close(product(scores)[:, z].exp(), chance)


@pytest.mark.parametrize("head", [Linear, MLP])
def test_learned_heads_reach_only_what_they_saw(head):
    joint = composite(2, 3)
    seen = torch.tensor([True, True, False, True, False, False])
    assert head.reachable(joint, seen).equal(seen)
    assert head(joint)([torch.randn(5, 2), torch.randn(5, 3)]).shape == (5, 6)


def test_product_reaches_combinations_of_seen_values():
    joint = composite(2, 2)
    assert Product.reachable(joint, torch.tensor([True, False, False, True])).all()
    assert Product.reachable(joint, torch.tensor([True, True, False, False])).tolist() == [True, True, False, False]


@given(joint_and_seen())
def test_weights_of_reached_classes_are_affine_and_exact(case):
    """Whatever additive function of the cells: its value at a reached class is the weighted sum of those seen."""
    joint, seen = case
    reach, weights = affine_reach(joint, seen), affine_weights(joint, seen)
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randn(len(a.values), generator=generator, dtype=torch.double) for a in joint.attributes]
    values = torch.stack([sum(p[v] for p, v in zip(parts, cell, strict=True)) for cell in joint.cells])
    torch.testing.assert_close((values[seen] @ weights)[reach], values[reach])
    torch.testing.assert_close(weights.sum(0)[reach], torch.ones(int(reach.sum()), dtype=torch.double))
