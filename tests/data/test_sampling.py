import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.data.sampling import BalancedSampler, UpdateSampler

ROWS = st.lists(st.integers(2, 80), min_size=1, max_size=30, unique=True).map(sorted).map(np.array)


@given(ROWS, st.integers(0, 9))
def test_each_epoch_is_a_permutation(rows, seed):
    sampler = UpdateSampler(rows, 3 * len(rows) + len(rows) // 2, seed)
    drawn = list(sampler)
    assert len(drawn) == len(sampler)
    assert drawn == list(sampler)
    for epoch in range(3):
        block = drawn[epoch * len(rows) : (epoch + 1) * len(rows)]
        assert {e for e, _ in block} == {epoch}
        assert sorted(p for _, p in block) == list(range(len(rows)))
    assert all(e == 3 for e, _ in drawn[3 * len(rows) :])


@given(ROWS, st.integers(0, 9), st.data())
def test_common_rows_keep_their_order(rows, seed, data):
    fewer = rows[sorted(data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=1)))]
    full = [(e, rows[p]) for e, p in UpdateSampler(rows, 2 * len(rows), seed)]
    part = [(e, fewer[p]) for e, p in UpdateSampler(fewer, 2 * len(fewer), seed)]
    assert part == [(e, row) for e, row in full if row in fewer]


def test_epochs_and_seeds_are_ordered_differently():
    rows = np.arange(50) + 2
    orders = [[p for _, p in UpdateSampler(rows, 100, seed)] for seed in (0, 1)]
    blocks = {tuple(order[i : i + 50]) for order in orders for i in (0, 50)}
    assert len(blocks) == 4
    assert tuple(range(50)) not in blocks


def test_balanced_draws_show_every_class_equally_often_and_augment_anew():
    targets = np.array([0] * 900 + [1] * 90 + [2] * 3 + [-1] * 50)
    drawn = list(BalancedSampler(targets, 6000, 0))
    share = np.bincount(targets[[p for _, p in drawn]], minlength=3) / 6000
    assert np.abs(share - 1 / 3).max() < 0.03
    assert targets[[p for _, p in drawn]].min() == 0  # not fully labelled ones are never drawn
    assert len({e for e, _ in drawn}) == 6000
    assert drawn == list(BalancedSampler(targets, 6000, 0))
    assert drawn != list(BalancedSampler(targets, 6000, 1))
