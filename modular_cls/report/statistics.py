"""Statistics of few runs: means with intervals, differences paired by seed, images to match.

Pure functions.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

_RESAMPLES = 1000
FEWEST_TO_RESAMPLE = 5  # three seeds have ten resamples, an interval far too narrow


@dataclass(frozen=True)
class Estimate:
    """A mean over runs.

    Attributes:
        mean: NaN where there is no run.
        half: Half the width of its 95 % interval; NaN for fewer than two runs.
        count: Number of runs.
    """

    mean: float
    half: float
    count: int

    @property
    def low(self) -> float:
        """Lower end of the interval; NaN for fewer than two runs."""
        return self.mean - self.half


def mean_interval(values: Sequence[float]) -> Estimate:
    """Mean of independent runs with its 95 % interval after Student's t."""
    count = len(values)
    mean = float(np.mean(values)) if count else math.nan
    if count < 2:
        return Estimate(mean, math.nan, count)
    quantile = float(stdtrit(count - 1, 0.975))
    return Estimate(mean, quantile * float(np.std(values, ddof=1)) / math.sqrt(count), count)


def paired_difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Estimate:
    """Mean of ours minus theirs over the seeds that both have.

    Each argument maps a seed to a score.
    """
    return mean_interval(
        [ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())]
    )


def images_to_match(keeps: Sequence[int], curve: Sequence[float], target: float) -> float:
    """Number of images from which a learning curve reaches a target.

    Between the numbers measured the curve is taken as straight over log(1 + k).

    Args:
        keeps: Numbers of images, ascending.
        curve: Score at each of them.
        target: Score to reach.

    Returns:
        Where the curve first reaches the target: `keeps[0]` if it starts there, infinity if it
        never does.
    """
    first = next((i for i, score in enumerate(curve) if score >= target), None)
    if first is None:
        return math.inf
    if first == 0:
        return float(keeps[0])
    before, after = curve[first - 1], curve[first]
    x = np.log1p([keeps[first - 1], keeps[first]])
    return float(np.expm1(x[0] + (target - before) / (after - before) * (x[1] - x[0])))


def match_interval(
    keeps: Sequence[int], curves: np.ndarray, targets: np.ndarray
) -> tuple[float, float]:
    """95 % bootstrap interval of `images_to_match`.

    Seeds are drawn anew, each with its curve and its target.

    Args:
        keeps: Numbers of images, ascending.
        curves: Scores of shape (seeds, keeps).
        targets: Scores to reach, shape (seeds,).

    Returns:
        Lower and upper end, infinity where the target is not reached; NaN for fewer than five
        seeds.
    """
    seeds = len(targets)
    if seeds < FEWEST_TO_RESAMPLE:
        return math.nan, math.nan
    draws = np.random.default_rng(0).integers(seeds, size=(_RESAMPLES, seeds))
    found = [
        images_to_match(keeps, curves[draw].mean(0).tolist(), float(targets[draw].mean()))
        for draw in draws
    ]
    # A quantile between a number and infinity would be neither, so one of the values found is
    # taken.
    low, high = np.quantile(found, [0.025, 0.975], method="inverted_cdf")
    return float(low), float(high)
