"""The rules for classes without images, where the truth is known."""

import time

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.errors import ConfigError
from modular_cls.finish import FitBias
from modular_cls.finish.match import _upper_quantile, matched_biases
from modular_cls.models.reachable import affine_reach
from modular_cls.schema import Schema
from tests.finish.gaussian_world import gaussian_world, slow_fixed_point

GRID = Schema.from_dict(
    {
        "attributes": {"hair": ["short", "medium", "long"], "gender": ["female", "male"]},
        "composites": {"both": {"attributes": ["hair", "gender"]}},
    }
).joints[0]
SQUARE = Schema.from_dict(
    {
        "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        "composites": {"both": {"attributes": ["hair", "gender"]}},
    }
).joints[0]
offset = st.floats(-3, 3)


def matched_bias(energies, target, bias, joint, z):
    return matched_biases(energies, target, bias, joint, [z]).get(z)


def square(counts, shift, seed, offsets):
    """Energies of Gaussian images, off by an amount for each attribute's second value; their classes; the true biases."""
    x, target = gaussian_world(counts, seed, shift)
    hair = torch.tensor([0, 0, 1, 1]).double()
    gender = torch.tensor([0, 1, 0, 1]).double()
    x = x.double()
    truth = hair * offsets[0] + gender * offsets[1]
    return 2 * shift * (x[:, :1] * hair + x[:, 1:] * gender) + truth, target, truth


@given(offset, offset, st.floats(0.8, 1.6), st.integers(0, 100), st.integers(0, 3))
def test_matching_finds_the_bias_of_a_class_that_it_never_saw(one, two, shift, seed, z):
    """By symmetry the empty class takes as much of its neighbours as they lose to the others."""
    counts = [700] * 4
    counts[z] = 0
    energies, target, truth = square(counts, shift, seed, (one, two))
    found = matched_bias(energies, target, truth, SQUARE, z)
    assert found == pytest.approx(float(truth[z]), abs=0.7)


@given(st.integers(0, 20), st.floats(-5, 5))
def test_matching_moves_with_all_other_biases(seed, constant):
    energies, target, truth = square([300, 200, 100, 0], 1.2, seed, (1.0, -1.0))
    found = matched_bias(energies, target, truth, SQUARE, 3)
    moved = matched_bias(energies, target, truth + constant, SQUARE, 3)
    assert moved == pytest.approx(found + constant, abs=1e-9)


def test_neighbours_lose_as_much_as_such_neighbours_do():
    energies, target, truth = square([2000, 2000, 2000, 0], 1.2, 0, (0.0, 0.0))
    bias = truth.clone()
    bias[3] = matched_bias(energies, target, truth, SQUARE, 3)
    before = (energies - truth).masked_fill(torch.arange(4) == 3, -torch.inf).argmax(1)
    after = (energies - bias).argmax(1)

    def lost(predicted, z, to):
        return float((predicted[target == z] == to).double().mean())

    pairs_hair = (lost(before, 0, 2) + lost(before, 2, 0)) / 2  # female, short and long
    pairs_gender = (lost(before, 0, 1) + lost(before, 1, 0)) / 2
    assert lost(after, 1, 3) + lost(after, 2, 3) == pytest.approx(pairs_hair + pairs_gender, abs=0.01)  # fmt: skip


def slow_loss(energies, target, joint, z):
    """The neighbours of a class, and what they should lose to it, class by class and pair by pair."""
    counts = torch.bincount(target, minlength=joint.size)
    seen = [a for a in range(joint.size) if counts[a]]
    likes = energies.masked_fill(counts == 0, -torch.inf).argmax(1)

    def beside(a, b, i):
        pairs = enumerate(zip(joint.cells[a], joint.cells[b], strict=True))
        return a != b and all(k == i or one == other for k, (one, other) in pairs)

    neighbours, expected = [], 0.0
    for i in range(len(joint.attributes)):
        pairs = [(a, b) for a in seen for b in seen if beside(a, b, i)]
        mine = [a for a in seen if beside(a, z, i)]
        lost = sum(float((likes[target == a] == b).double().mean()) for a, b in pairs)
        expected += len(mine) * lost / len(pairs)
        neighbours += mine
    return neighbours, expected


@pytest.mark.parametrize("z", [0, 4, 11])
def test_a_class_of_three_attributes_takes_what_neighbours_lose_by_loops(z):
    """Whatever the numbers of images: each class's images count together as much as another's."""
    _, _, joint = large(1, (2, 3, 2))
    generator, cells = torch.Generator().manual_seed(z), torch.tensor(joint.cells)
    counts = 40 + 60 * (torch.arange(12) % 5)
    counts[z] = 0
    target = torch.repeat_interleave(torch.arange(12), counts)
    energies = torch.zeros(len(target), 12, dtype=torch.double)
    for i, n in enumerate((2, 3, 2)):
        means = torch.tensor([0.8, 1.2, 1.6])[i] * torch.eye(n).double()
        x = means[cells[target, i]] + torch.randn(len(target), n, generator=generator).double()
        energies += (x @ means.T)[:, cells[:, i]]
    found = matched_bias(energies, target, torch.zeros(12).double(), joint, z)
    neighbours, expected = slow_loss(energies, target, joint, z)
    takes = energies[:, z] - found > energies.masked_fill(counts == 0, -torch.inf).max(1).values
    taken = sum(float(takes[target == a].double().mean()) for a in neighbours)
    assert taken == pytest.approx(expected, abs=2 / 40)  # an image more or less of the rarest


@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=8, unique=True), st.floats(0, 9), st.data()
)
def test_the_value_above_which_a_weight_lies(values, mass, data):
    weights = data.draw(st.lists(st.floats(0.1, 2), min_size=len(values), max_size=len(values)))
    pairs = sorted(zip(values, weights, strict=True), reverse=True)
    above = [sum(w for _, w in pairs[:i]) + pairs[i][1] / 2 for i in range(len(pairs))]
    slow = np.interp(mass, above, [value for value, _ in pairs])
    each = torch.tensor([values, weights], dtype=torch.double)
    found = _upper_quantile(*each, mass)
    assert found == pytest.approx(slow, abs=1e-6)


def test_neighbours_that_lose_nothing_lose_nothing_to_a_class_never_seen():
    energies, target, truth = square([90, 80, 70, 0], 8.0, 0, (0.0, 0.0))
    bias = truth.clone()
    bias[3] = matched_bias(energies, target, truth, SQUARE, 3)
    likes = energies - bias
    assert (likes[:, 3] <= likes[:, :3].max(1).values + 1e-9).all()
    assert (likes[:, 3] > likes[:, :3].max(1).values - 1e-9).any()  # no larger than it must be


def test_nothing_to_match():
    energies, target, truth = square([200, 0, 0, 200], 1.2, 0, (0.0, 0.0))
    assert matched_bias(energies, target, truth, SQUARE, 1) is None  # no pair shows what is lost
    energies, target, truth = square([200, 200, 0, 0], 1.2, 0, (0.0, 0.0))
    assert (
        matched_bias(energies, target, truth, SQUARE, 2) is None
    )  # men and women say nothing of hair


def grid(counts, seed=0, shift=1.5):
    generator = torch.Generator().manual_seed(seed)
    target = torch.repeat_interleave(torch.arange(6), torch.tensor(counts))
    hair, gender = torch.tensor(GRID.cells).T
    means = torch.stack([shift * hair, shift * gender], 1).double()
    x = means[target] + torch.randn(len(target), 2, generator=generator, dtype=torch.double)
    energies = x @ means.T  # log density is x m - |m|^2 / 2: the second part is the true bias
    return energies, target, means.square().sum(1) / 2


@pytest.mark.parametrize("estimates", [["mean"], ["matched"], ["affine"], ["mean", "matched"]])
def test_several_classes_without_images(estimates):
    """In a grid of 3 x 2 with two empty cells every estimate comes close to the truth in both."""
    energies, target, truth = grid([900, 700, 800, 0, 600, 0])
    bias, sizes = FitBias(estimates=estimates).fit(energies, target, GRID)
    off = bias - truth
    off = off - off[[0, 1, 2, 4]].mean()
    assert off[[0, 1, 2, 4]].abs().max() < 0.15
    assert off[[3, 5]].abs().max() < 0.8
    assert set(sizes) == {3, 5}


def test_out_of_reach_keeps_the_mean():
    energies, target, _ = grid([900, 0, 800, 0, 600, 0])  # no men at all
    mean, _ = FitBias(estimates=["mean"]).fit(energies, target, GRID)
    all_three, _ = FitBias(estimates=["mean", "matched", "affine"]).fit(energies, target, GRID)
    torch.testing.assert_close(all_three, mean)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"estimates": []}, r"estimates is \[\]; .* one or more of mean, matched, affine"),
        ({"estimates": ["meen"]}, "estimates is .*meen"),
        ({"scores": "test"}, "must be unseen or training"),
        ({"kappa": -1.0}, "kappa is -1"),
        ({"kappa": float("nan")}, "kappa is nan"),
    ],
)
def test_arguments_that_do_not_fit(given, message):
    with pytest.raises(ConfigError, match=message):
        FitBias(**given)


def large(count, sizes):
    """A world of many joint classes, most of them empty or rare; energies, classes, the joint space."""
    generator = torch.Generator().manual_seed(0)
    sizes = dict(zip("abc", sizes, strict=True))
    joint = Schema.from_dict(
        {
            "attributes": {name: [f"{name}{i}" for i in range(n)] for name, n in sizes.items()},
            "composites": {"all": {"attributes": list(sizes)}},
        }
    ).joints[0]
    share = torch.rand(joint.size, generator=generator) ** 4
    target = torch.multinomial(share, count, True, generator=generator)
    energies = torch.zeros(count, joint.size, dtype=torch.double)
    for i, n in enumerate(sizes.values()):
        values, means = torch.tensor(joint.cells)[:, i], 2.5 * torch.eye(n).double()
        x = means[values[target]] + torch.randn(count, n, generator=generator).double()
        energies += (x @ means.T)[:, values]
    return energies, target, joint


def test_hundreds_of_classes_are_fitted_as_one_by_one():
    energies, target, joint = large(200, (3, 4, 5))
    counts = torch.bincount(target, minlength=joint.size)
    assert (counts == 0).sum() > 10
    bias, sizes = FitBias(kappa=0.0, estimates=["mean"]).fit(energies, target, joint)
    off = bias - slow_fixed_point(energies, counts)
    assert (off - off.mean()).abs().max() < 1e-4
    assert set(sizes) == set((counts == 0).nonzero()[:, 0].tolist())


def test_hundreds_of_classes_take_seconds():
    """Once per class, with several numbers of images, it was minutes."""
    started = time.process_time()
    energies, target, joint = large(900, (8, 9, 10))
    FitBias().fit(energies, target, joint)
    assert time.process_time() - started < 20


def test_values_of_one_attribute_are_not_composed():
    joint = Schema.from_dict(
        {"attributes": {"a": [f"v{i}" for i in range(500)]}, "composites": {}}
    ).joints[0]
    seen = torch.arange(500) % 3 == 0
    started = time.process_time()
    assert affine_reach(joint, seen).equal(seen)
    assert time.process_time() - started < 0.2
