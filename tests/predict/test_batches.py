"""The size of batches that is fastest."""

import pytest

from modular_cls.predict.batches import SIZES, BatchSizes


@pytest.mark.parametrize("best", SIZES)
def test_the_fastest_size_is_kept(best):
    sizes, items = BatchSizes(None), iter(range(10_000))
    seen, batches = [], []
    for batch in sizes.cut(items):
        batches.append(len(batch))
        seen += batch
        first = len(batches) == 1  # warms up
        sizes.took(len(batch) * (9.0 if first else 1.0 if sizes.size == best else 2.0), len(batch))
    assert seen == list(range(10_000))
    assert set(SIZES) == set(batches[: len(SIZES)])
    assert set(batches[2 * len(SIZES) : -1]) == {best}


def test_a_size_that_is_given_stays():
    sizes = BatchSizes(7)
    batches = []
    for batch in sizes.cut(iter(range(30))):
        batches.append(len(batch))
        sizes.took(1.0, 0)
    assert batches == [7, 7, 7, 7, 2]
