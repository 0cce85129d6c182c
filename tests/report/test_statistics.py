import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from modular_cls.report.statistics import (
    images_to_match,
    match_interval,
    mean_interval,
    paired_difference,
)

fractions = st.floats(0, 1)
KEEPS = [0, 1, 2, 5, 20, 100]


@given(st.lists(fractions, min_size=2, max_size=12))
def test_the_interval_is_students(values):
    found = mean_interval(values)
    spread = statistics.stdev(values) / math.sqrt(len(values))
    half = stats.t.ppf(0.975, len(values) - 1) * spread
    assert found.mean == pytest.approx(statistics.fmean(values))
    assert found.half == pytest.approx(half, abs=1e-9)
    assert found.low == pytest.approx(found.mean - half, abs=1e-9)
    assert found.count == len(values)


def test_one_run_has_no_interval_and_none_no_mean():
    assert mean_interval([0.5]).mean == 0.5
    assert math.isnan(mean_interval([0.5]).half)
    assert math.isnan(mean_interval([]).mean)


@given(st.dictionaries(st.integers(0, 6), fractions), st.dictionaries(st.integers(0, 6), fractions))
def test_differences_are_paired_by_seed(ours, theirs):
    pairs = []
    for seed in range(7):
        if seed in ours and seed in theirs:
            pairs.append(ours[seed] - theirs[seed])
    found, expected = paired_difference(ours, theirs), mean_interval(pairs)
    assert found.count == len(pairs)
    np.testing.assert_allclose([found.mean, found.half], [expected.mean, expected.half])


@given(st.lists(fractions, min_size=len(KEEPS), max_size=len(KEEPS)), fractions)
def test_images_to_match_is_where_the_curve_first_reaches_the_target(curve, target):
    """Slow reference: walk along the curve in small steps of log(1 + k)."""
    curve = sorted(curve)
    found = images_to_match(KEEPS, curve, target)
    steps = np.linspace(0, math.log1p(100), 20_001)
    reached = np.interp(steps, np.log1p(KEEPS), curve) >= target - 1e-12
    if not reached.any():
        assert found == math.inf
    else:
        first = np.expm1(steps[reached.argmax()])
        at = (
            np.interp(math.log1p(found), np.log1p(KEEPS), curve)
            if math.isfinite(found)
            else math.nan
        )
        assert found == pytest.approx(first, rel=2e-3, abs=1e-3) or at == pytest.approx(
            target, abs=1e-9
        )


@given(st.lists(fractions, min_size=len(KEEPS), max_size=len(KEEPS)), fractions, st.floats(0, 0.5))
def test_a_higher_target_needs_no_fewer_images(curve, target, more):
    assert (
        images_to_match(KEEPS, curve, target) <= images_to_match(KEEPS, curve, target + more) + 1e-9
    )


def test_images_to_match_by_hand():
    assert images_to_match([0, 5], [0.9, 0.9], 0.9) == 0
    assert images_to_match([1, 5], [0.9, 0.9], 0.9) == 1
    assert images_to_match([0, 5], [0.1, 0.8], 0.9) == math.inf
    assert images_to_match([0, 3], [0.0, 1.0], 0.5) == pytest.approx(1)  # half of log 4 is log 2
    assert images_to_match([0, 1, 3], [0.0, 0.8, 0.2], 0.8) == pytest.approx(
        1
    )  # the first time counts


def test_the_bootstrap_interval_holds_equal_seeds_together():
    curve = np.array([0.0, 0.2, 0.3, 0.5, 0.8, 0.9])
    low, high = match_interval(KEEPS, np.stack([curve] * 5), np.full(5, 0.6))
    assert low == high == pytest.approx(images_to_match(KEEPS, curve.tolist(), 0.6))
    low, high = match_interval(
        KEEPS,
        np.stack([curve, curve + 0.1, curve - 0.1, curve, curve]),
        np.array([0.8, 0.8, 0.95, 0.85, 0.85]),
    )
    assert low <= images_to_match(KEEPS, curve.tolist(), 0.85) <= high
    assert all(map(math.isnan, match_interval(KEEPS, np.stack([curve] * 4), np.full(4, 0.5))))
    never = match_interval(KEEPS, np.stack([curve] * 5), np.full(5, 0.95))
    assert never == (math.inf, math.inf)
