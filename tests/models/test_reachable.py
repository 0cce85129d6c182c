"""Which joint classes additive and product models identify."""

from fractions import Fraction

import torch
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.models.reachable import affine_reach, affine_weights
from modular_cls.schema import Attribute, Composite


def composite(*sizes):
    return Composite(
        "z",
        tuple(Attribute(f"a{i}", tuple(f"v{i}{j}" for j in range(n))) for i, n in enumerate(sizes)),
    )


@st.composite
def joint_and_seen(draw, min_attributes=1, max_attributes=4):
    """A joint space and some classes of it: about as many as can decide, so that neither answer is rare."""
    joint = composite(
        *draw(st.lists(st.integers(2, 4), min_size=min_attributes, max_size=max_attributes))
    )
    unknowns = sum(len(a.values) for a in joint.attributes)
    chosen = draw(
        st.sets(st.integers(0, joint.size - 1), min_size=1, max_size=min(joint.size, unknowns + 4))
    )
    seen = torch.zeros(joint.size, dtype=torch.bool)
    seen[list(chosen)] = True
    return joint, seen


def unknowns_of(joint, cell):
    """A row of an additive function: 1 at each unknown (attribute, value) that the cell's sum takes in."""
    return [
        Fraction(cell[i] == v) for i, a in enumerate(joint.attributes) for v in range(len(a.values))
    ]


def vanishing(rows, width):
    """A basis of the vectors x of whole fractions with row . x = 0 for all rows, by Gaussian elimination."""
    reduced: dict[
        int, list[Fraction]
    ] = {}  # by the column of its leading 1, which no other row has
    for row in rows:
        for column, other in reduced.items():
            row = [a - row[column] * b for a, b in zip(row, other, strict=True)]
        lead = next((j for j, a in enumerate(row) if a), None)
        if lead is None:
            continue
        row = [a / row[lead] for a in row]
        reduced = {
            c: [a - o[lead] * b for a, b in zip(o, row, strict=True)] for c, o in reduced.items()
        }
        reduced[lead] = row
    for free in set(range(width)) - set(reduced):
        yield [-reduced[j][free] if j in reduced else Fraction(j == free) for j in range(width)]


@given(joint_and_seen())
def test_affine_reach_is_what_additive_functions_that_agree_on_the_seen_agree_on(case):
    """Two additive functions that agree on all seen classes differ by one that is 0 on them: is it 0 at z?"""
    joint, seen = case
    rows = [unknowns_of(joint, cell) for cell in joint.cells]
    differences = list(vanishing([r for r, s in zip(rows, seen, strict=True) if s], len(rows[0])))
    at = [[sum(d for d, r in zip(x, row, strict=True) if r) for x in differences] for row in rows]
    assert all(not any(values) for values, s in zip(at, seen, strict=True) if s)
    assert affine_reach(joint, seen).tolist() == [not any(values) for values in at]


@given(joint_and_seen(min_attributes=2, max_attributes=2))
def test_of_two_attributes_a_cell_is_reached_along_seen_cells(case):
    """Values are nodes, seen cells edges: z is reached if a path of seen cells joins its two values."""
    joint, seen = case
    component = {
        (i, v): (i, v) for i, a in enumerate(joint.attributes) for v in range(len(a.values))
    }
    for (v, w), s in zip(joint.cells, seen, strict=True):
        if s:
            old, new = component[0, v], component[1, w]
            component = {node: new if c == old else c for node, c in component.items()}
    assert affine_reach(joint, seen).tolist() == [
        component[0, v] == component[1, w] for v, w in joint.cells
    ]


@given(st.sets(st.integers(0, 3), min_size=1))
def test_of_two_by_two_any_three_cells_reach_the_fourth_and_fewer_reach_nothing(chosen):
    seen = torch.tensor([z in chosen for z in range(4)])
    expected = torch.ones(4, dtype=torch.bool) if len(chosen) >= 3 else seen
    assert affine_reach(composite(2, 2), seen).equal(expected)


def test_nothing_is_reached_from_nothing():
    for joint in (composite(2, 2), composite(3, 2, 4)):
        assert not affine_reach(joint, torch.zeros(joint.size, dtype=torch.bool)).any()


@given(joint_and_seen())
def test_weights_of_reached_classes_are_affine_and_exact(case):
    """Whatever additive function of the cells: its value at a reached class is the weighted sum of those seen."""
    joint, seen = case
    reach, weights = affine_reach(joint, seen), affine_weights(joint, seen)
    generator = torch.Generator().manual_seed(0)
    parts = [
        torch.randn(len(a.values), generator=generator, dtype=torch.double)
        for a in joint.attributes
    ]
    values = torch.stack(
        [sum(p[v] for p, v in zip(parts, cell, strict=True)) for cell in joint.cells]
    )
    torch.testing.assert_close((values[seen] @ weights)[reach], values[reach])
    torch.testing.assert_close(
        weights.sum(0)[reach], torch.ones(int(reach.sum()), dtype=torch.double)
    )
