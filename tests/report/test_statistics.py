"""Intervals against formulas by hand, and against what they promise: coverage, by simulation."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from modular_cls.report.statistics import (
    Sample,
    estimate,
    holm,
    images_to_match,
    match_interval,
    mean_interval,
    paired_difference,
)

fractions = st.floats(0, 1)
KEEPS = [0, 1, 2, 5, 20, 100]
NOMINAL, SLACK = 0.95, 0.02  # near two standard errors of a share of 400


def seeds_only(values):
    return Sample(tuple(range(len(values))), np.array(values, dtype=float))


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


@given(st.lists(fractions, min_size=3, max_size=9))
def test_the_p_value_is_that_of_a_t_test(values):
    found = mean_interval(values)
    if np.std(values) > 1e-6:
        expected = stats.ttest_1samp(values, 0).pvalue
        assert found.p == pytest.approx(max(expected, 1e-9), rel=1e-4, abs=2e-9)


def study(rng, seeds=5, images=60, spread=0.3, hard=2.0, level=2.5, rival=None, ease=None):
    """Right or wrong, of four classes: runs and images that are better or worse than others.

    Returns the sample of balanced accuracy; with `rival`, of the difference to a rival who is
    better by so much (log odds) on the same images and seeds. `ease`: of the images, if known.
    """
    groups = np.repeat(np.arange(4), images)
    ability = rng.normal(0, spread, (seeds, 4))[:, groups]
    ease = rng.normal(0, hard, 4 * images) if ease is None else ease

    def sample(more):
        chance = 1 / (1 + np.exp(-(level + more + ability + ease)))
        parts = (rng.random(chance.shape) < chance) / 4
        values = sum(parts[:, groups == z].mean(1) for z in range(4))
        return Sample(tuple(range(seeds)), values, parts, groups, "test")

    return sample(0.0) if rival is None else sample(0.0) - sample(rival)


def true_mean(spread, hard, level):
    draws = np.random.default_rng(1).normal(level, math.hypot(spread, hard), 400_000)
    return float((1 / (1 + np.exp(-draws))).mean())


@pytest.mark.parametrize(
    ("seeds", "images", "spread", "hard", "level"),
    [(5, 60, 0.3, 2.0, 2.5), (3, 60, 0.3, 2.0, 2.5), (20, 40, 0.5, 1.0, 1.5), (5, 500, 0.5, 1.5, 2.5)],
)  # fmt: skip
def test_the_interval_covers_seeds_and_images(seeds, images, spread, hard, level):
    """That over seeds alone covers 81 to 85 % where the test set is small, and runs are alike."""
    rng, truth, covered, narrow = np.random.default_rng(0), true_mean(spread, hard, level), [], []
    for _ in range(400):
        sample = study(rng, seeds, images, spread, hard, level)
        found, alone = estimate(sample), mean_interval(sample.values)
        assert found.half >= alone.half - 1e-12
        covered.append(abs(found.mean - truth) <= found.half)
        narrow.append(abs(found.mean - truth) <= alone.half)
    assert np.mean(covered) >= NOMINAL - SLACK
    if images <= 60 and seeds > 3:
        assert np.mean(narrow) < NOMINAL - SLACK


def test_the_interval_of_a_difference_covers_and_gains_from_the_same_images():
    rng = np.random.default_rng(0)
    truth = true_mean(0.3, 2.0, 2.5) - true_mean(0.3, 2.0, 3.0)
    covered, halves, apart = [], [], []
    for _ in range(400):
        found = estimate(study(rng, rival=0.5))
        covered.append(abs(found.mean - truth) <= found.half)
        halves.append(found.half)
        apart.append(estimate(study(rng)).half)
    assert np.mean(covered) >= NOMINAL - SLACK
    assert np.mean(halves) < np.mean(apart)


def test_the_interval_of_a_recall_covers_though_its_class_has_few_images():
    """With the degrees of freedom of all images, not of that class's, it covers 93 %."""
    rng, truth, covered = np.random.default_rng(0), true_mean(0.3, 2.0, 2.5), []
    groups = np.repeat(np.arange(4), [200, 200, 200, 10])
    for _ in range(400):
        ease = rng.normal(0, 2.0, len(groups))
        ability = rng.normal(0, 0.3, (5, 4))[:, groups]
        right = rng.random(ability.shape) < 1 / (1 + np.exp(-(2.5 + ability + ease)))
        parts = np.where(groups == 3, right, 0.0)
        values = parts[:, groups == 3].mean(1)
        found = estimate(Sample(tuple(range(5)), values, parts, groups, "test"))
        covered.append(abs(found.mean - truth) <= found.half)
    assert np.mean(covered) >= NOMINAL - SLACK


def test_a_class_of_one_image_supports_no_interval():
    values, groups = np.array([0.9, 0.8, 0.7]), np.array([0, 0, 1])
    parts = np.array([[0.4, 0.5, 0.45], [0.3, 0.5, 0.4], [0.3, 0.3, 0.4]])
    one = Sample((0, 1, 2), values, parts, groups, "test")
    assert estimate(one).mean == pytest.approx(0.8)
    assert math.isnan(estimate(one).half)
    assert math.isnan(estimate(one).p)
    assert all(map(math.isnan, match_interval([0, 5], [one, one], one - one)))
    other = Sample((0, 1, 2), values, np.where(groups == 1, 0.0, parts), groups, "test")
    assert estimate(other).half > 0  # that class does not count


def test_what_never_varies_has_no_p_value():
    found = mean_interval([0.01, 0.01])
    assert (found.mean, found.half) == (0.01, 0)
    assert math.isnan(found.p)


def test_samples_of_other_images_are_compared_over_seeds_only():
    one, two = study(np.random.default_rng(0)), study(np.random.default_rng(1))
    other = Sample(two.seeds, two.values, two.parts, two.groups, "other")
    assert (one - two).parts is not None
    assert (one - other).parts is None
    both = (one - two).only((1, 3))
    assert both.seeds == (1, 3)
    np.testing.assert_array_equal(both.parts, (one.parts - two.parts)[[1, 3]])


@given(st.lists(st.one_of(fractions, st.just(math.nan)), max_size=8))
def test_holm_is_that_of_the_book(p):
    """Slow reference: step down as long as the next smallest is below its level."""
    known = sorted(v for v in p if not math.isnan(v))
    for level in (0.01, 0.05, 0.3):
        rejected = 0
        while rejected < len(known) and known[rejected] * (len(known) - rejected) <= level:
            rejected += 1
        assert sum(v <= level for v in holm(p)) == rejected
    assert [math.isnan(v) for v in holm(p)] == [math.isnan(v) for v in p]


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


CURVES = [
    ([0.70, 0.72, 0.78, 0.85, 0.92, 0.95], 0.90),
    ([0.72, 0.73, 0.73, 0.74, 0.80, 0.93], 0.90),
    ([0.70, 0.80, 0.82, 0.85, 0.90, 0.95], 0.97),
    ([0.92, 0.92, 0.93, 0.94, 0.95, 0.96], 0.90),
]


@pytest.mark.parametrize(("curve", "target"), CURVES)
@pytest.mark.parametrize("seeds", [3, 5])
def test_the_interval_of_images_to_match_covers(curve, target, seeds):
    """A bootstrap of five seeds covers 84 % here."""
    rng, truth, covered = np.random.default_rng(0), images_to_match(KEEPS, curve, target), []
    for _ in range(300):
        shared = rng.normal(0, 0.01, (seeds, 1))
        values = np.array(curve) + shared + rng.normal(0, 0.02, (seeds, len(KEEPS)))
        goal = seeds_only(target + shared[:, 0] + rng.normal(0, 0.02, seeds))
        low, high = match_interval(KEEPS, [seeds_only(v) for v in values.T], goal)
        covered.append(low <= truth <= high)
    assert np.mean(covered) >= NOMINAL - SLACK


def test_the_interval_of_images_to_match_covers_test_images_too():
    """Few seeds and few test images, which serve every number kept."""
    rng, keeps, levels, goal = np.random.default_rng(0), [0, 5, 20], [0.5, 1.5, 2.5], 1.9
    means = [true_mean(0.3, 2.0, level) for level in levels]
    truth = images_to_match(keeps, means, true_mean(0.3, 2.0, goal))
    covered = []
    for _ in range(200):
        ease = rng.normal(0, 2.0, 120)
        curve, target = (
            [study(rng, images=30, level=level, ease=ease) for level in each]
            for each in (levels, [goal])
        )
        low, high = match_interval(keeps, curve, target[0])
        covered.append(low <= truth <= high)
    assert np.mean(covered) >= NOMINAL - SLACK


def test_images_that_differ_widen_the_interval_of_images_to_match():
    rng = np.random.default_rng(0)
    curve = [study(rng, level=level) for level in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)]
    goal = study(rng, level=1.8)
    low, high = match_interval(KEEPS, curve, goal)
    alone = match_interval(KEEPS, [seeds_only(s.values) for s in curve], seeds_only(goal.values))
    assert low <= alone[0] <= alone[1] <= high


def test_the_interval_of_images_to_match_by_hand():
    curve = [seeds_only([score] * 5) for score in (0.0, 0.2, 0.3, 0.5, 0.8, 0.9)]
    low, high = match_interval(KEEPS, curve, seeds_only([0.6] * 5))
    exact = images_to_match(KEEPS, [s.values[0] for s in curve], 0.6)
    assert low == pytest.approx(exact, rel=0.06)  # a step between two numbers measured
    assert high == pytest.approx(exact, rel=0.06)
    assert match_interval(KEEPS, curve, seeds_only([0.95] * 5)) == (math.inf, math.inf)
    assert match_interval(KEEPS[:1], curve[:1], seeds_only([-0.1] * 5)) == (0, 0)
    assert all(
        map(math.isnan, match_interval(KEEPS, [s.only([0]) for s in curve], seeds_only([0.5])))
    )
