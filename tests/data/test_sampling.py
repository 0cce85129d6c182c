"""In which order rows are drawn, by one process and by several."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.data.sampling import BalancedSampler, SharedBatches, SharedSampler, UpdateSampler

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


@given(
    st.integers(1, 40), st.integers(1, 6), st.integers(1, 4), st.integers(1, 4), st.integers(0, 5)
)
def test_of_each_batch_each_process_has_its_share(images, updates, processes, share, start):
    """And a training that goes on has what is left, whichever way images are drawn."""
    import numpy as np

    batch, start = processes * share, min(start, updates)
    targets = np.arange(images) % 3
    for sampler, what in ((UpdateSampler, np.arange(images)), (BalancedSampler, targets)):
        whole = list(sampler(what, updates * batch, seed=3))
        left = sampler(what, updates * batch, seed=3, start=start * batch)
        assert list(left) == whole[start * batch :]
        each = [list(SharedSampler(left, batch, p, processes)) for p in range(processes)]
        for i in range(updates - start):
            parts = [mine[i * share : (i + 1) * share] for mine in each]
            together = [item for part in parts for item in part]
            assert together == whole[(start + i) * batch : (start + i + 1) * batch]
        assert len(SharedSampler(left, batch, 0, processes)) == updates * share


@given(st.integers(1, 60), st.integers(1, 8), st.integers(1, 5))
def test_batches_that_are_looked_at_once(images, batch, processes):
    if images < processes:
        return
    each = [list(SharedBatches(images, batch, p, processes)) for p in range(processes)]
    assert len({len(mine) for mine in each}) == 1
    # One more where there are too few images for another batch of every process.
    assert all(0 < len(part) <= batch + 1 for mine in each for part in mine)
    assert sorted(i for mine in each for part in mine for i in part) == list(range(images))
    assert len(each[0]) <= -(-images // (processes * batch))  # no more batches than it takes
