"""Probes against slow references, controls at chance, and units that see no more than their crop."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modular_cls.lecture.kit.learning import outputs
from modular_cls.lecture.kit.nets import convolutional, fully_connected
from modular_cls.lecture.probes import (
    Examples,
    alike_at_top,
    apart,
    crop,
    extreme_pairs,
    field,
    fisher,
    hidden_stages,
    linear,
    probe,
    purity,
    spanned,
    through,
)


def examples(count=40, numbers=6, classes=3, apart=0.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=count)
    return Examples(
        rng.normal(size=(count, numbers)) + apart * np.eye(classes, numbers)[labels], labels
    )


def test_purity_and_pairs_by_looking_at_every_pair():
    given_, later = examples(), examples(seed=1).features
    x, y = given_.features, given_.labels
    distance = [[float(np.sqrt(((a - b) ** 2).sum())) for b in x] for a in x]
    others = [[j for j in range(len(x)) if j != i] for i in range(len(x))]
    nearest = [min(others[i], key=lambda j: distance[i][j]) for i in range(len(x))]
    assert purity(given_) == pytest.approx(np.mean([y[i] == y[j] for i, j in enumerate(nearest)]))
    unlike = [
        min((j for j in others[i] if y[j] != y[i]), key=lambda j: distance[i][j])
        for i in range(len(x))
    ]
    alike = [
        max((j for j in others[i] if y[j] == y[i]), key=lambda j: distance[i][j])
        for i in range(len(x))
    ]
    pairs = extreme_pairs(given_)
    assert pairs.unlike.tolist() == unlike
    assert pairs.alike.tolist() == alike
    means = [
        np.mean([np.linalg.norm(later[i] - later[j]) for i, j in enumerate(p)])
        for p in (unlike, alike)
    ]
    assert apart(later, pairs) == pytest.approx(means[0] / means[1])
    assert apart(7 * later + 1, pairs) == pytest.approx(means[0] / means[1])


def test_fisher_is_the_ratio_of_traces_of_scatter_matrices():
    found = examples(apart=2.0)
    x, y = found.features, found.labels
    within, between = np.zeros((6, 6)), np.zeros((6, 6))
    for row, label in zip(x, y, strict=True):
        mean = x[y == label].mean(0)
        within += np.outer(row - mean, row - mean)
        between += np.outer(mean - x.mean(0), mean - x.mean(0))
    assert fisher(found) == pytest.approx(np.trace(between) / np.trace(within))


def test_nothing_is_lost_to_a_probe_in_the_span_of_its_training_examples():
    train, test = examples(30, 200, apart=2.0), examples(50, 200, apart=2.0, seed=1)
    short, seen = spanned(train.features, test.features)
    assert short.shape[1] < 30
    centred = train.features - train.features.mean(0)
    assert np.allclose(short @ short.T, centred @ centred.T / np.square(centred).sum(1).mean())
    scale = np.sqrt(np.square(centred).sum(1).mean())
    full = linear(Examples(centred / scale, train.labels), 1.0)
    whole = full.predict_proba((test.features - train.features.mean(0)) / scale)
    assert np.allclose(
        linear(Examples(short, train.labels), 1.0).predict_proba(seen), whole, atol=0.01
    )


def test_probes_find_what_is_there_and_nothing_in_permuted_labels():
    parts = [examples(300, apart=6.0, seed=i) for i in range(3)]
    assert probe(*parts) > 0.98
    rng = np.random.default_rng(0)
    permuted = [Examples(p.features, rng.permutation(p.labels)) for p in parts]
    assert probe(*permuted) == pytest.approx(1 / 3, abs=0.1)


def test_layers_lead_to_the_output():
    for net, x in (
        (fully_connected(16, [5, 4], 3), torch.rand(7, 1, 4, 4)),
        (convolutional(1, [3, 4], 2, 1), torch.rand(7, 1, 8, 8)),
    ):
        found = list(through(net.eval(), x))
        assert len(found) == 1 + len(hidden_stages(net))
        assert torch.equal(found[0], x)
        whole = outputs(net, x)
        with torch.inference_mode():
            assert torch.allclose(net.cpu()[-1](found[-1]), whole, atol=1e-6)


@settings(max_examples=12)
@given(
    depth=st.integers(1, 4),
    halvings=st.integers(0, 3),
    row=st.floats(0, 0.99),
    column=st.floats(0, 0.99),
    seed=st.integers(0, 9),
)
def test_a_unit_sees_its_field_and_nothing_else(depth, halvings, row, column, seed):
    torch.manual_seed(seed)
    stages = list(convolutional(1, [3] * depth, 2, halvings).eval())[:depth]
    pictures = torch.rand(60, 1, 16, 16, requires_grad=True)
    maps = pictures
    for stage in stages:
        maps = (
            stage[0](maps) if len(stage) == 3 else stage[3](stage[0](maps))
        )  # no ReLU, which may hide all
    place = int(row * maps.shape[2]), int(column * maps.shape[3])
    maps[:, :, place[0], place[1]].sum().backward()
    where = field(stages, place)
    seen = torch.zeros(16, 16, dtype=torch.bool)
    seen[max(where[0].start, 0) : where[0].stop, max(where[1].start, 0) : where[1].stop] = True
    moved = pictures.grad.abs().sum((0, 1)) > 0
    assert not moved[~seen].any()
    assert moved[seen].float().mean() > 0.8  # a maximum passes only one of its places on


def test_what_lies_over_the_border_of_a_crop_is_filled():
    picture = torch.rand(2, 5, 4)
    found = crop(picture, (slice(-1, 3), slice(2, 6)), fill=9.0)
    for i, row in enumerate(range(-1, 3)):
        for j, column in enumerate(range(2, 6)):
            inside = 0 <= row < 5 and 0 <= column < 4
            assert torch.equal(
                found[:, i, j], picture[:, row, column] if inside else torch.full((2,), 9.0)
            )


def test_units_for_one_class_and_units_for_all():
    labels = torch.tensor([0, 0, 0, 1, 1, 1])
    one, both, dead = labels.float(), torch.tensor([3.0, 2, 0, 3, 2, 0]), torch.zeros(6)
    assert alike_at_top(torch.stack([one, dead], 1), labels, 2) == 1.0
    assert alike_at_top(torch.stack([one, both], 1), labels, 2) == 0.75
