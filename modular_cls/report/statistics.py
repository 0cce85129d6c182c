"""Statistics of few runs on some test images: means, differences, images to match; intervals.

Runs vary by their seed, and the same test images, which are a sample too, are put to all of them.
Both are in an interval: seeds and images are crossed random effects, whose variances add up (Owen,
Annals of Applied Statistics 2007). Each has its own quantile of Student's t, and their squares are
added (MOVER; Zou and Donner, Statistics in Medicine 2008), so that no interval is narrower than
that over seeds alone. Images vary within their joint class, so the quantile of their part is of
Satterthwaite's degrees of freedom (Biometrics Bulletin 1946). Pure functions.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

import numpy as np
from scipy.optimize import brentq
from scipy.special import stdtrit

_T = TypeVar("_T")
_STEPS = 50  # between two numbers of images
_LEAST = 1e-9  # no smaller p-value is told


@dataclass(frozen=True)
class Estimate:
    """A mean over runs.

    Attributes:
        mean: NaN where there is no run.
        half: Half the width of its 95 % interval; NaN for fewer than two runs, and where a class
            that counts has one test image only.
        count: Number of runs.
        p: Of the hypothesis that it is 0, two-sided; NaN without an interval, and where it is not 0
            but never varies.
    """

    mean: float
    half: float
    count: int
    p: float = math.nan

    @property
    def low(self) -> float:
        """Lower end of the interval; NaN for fewer than two runs."""
        return self.mean - self.half


@dataclass(frozen=True)
class Sample:
    """A score of some runs, one a seed, and what each test image adds to it.

    Attributes:
        seeds: Of the runs, ascending, different.
        values: The score of each, shape (seeds,).
        parts: What each image adds, shape (seeds, images): a score is the sum over groups of the
            mean of its images' parts. None where that is not known.
        groups: Which group each image is of, its joint class, shape (images,).
        images: What tells these test images from others.

    Example:
        >>> ours = Sample(seeds=(0, 1, 2), values=np.array([0.90, 0.92, 0.94]))
        >>> theirs = Sample(seeds=(0, 1), values=np.array([0.85, 0.87]))
        >>> lead = estimate(ours - theirs)  # of the seeds that both have
        >>> round(lead.mean, 3), lead.count
        (0.05, 2)
    """

    seeds: tuple[int, ...]
    values: np.ndarray
    parts: np.ndarray | None = None
    groups: np.ndarray | None = None
    images: str = ""

    def only(self, seeds: Sequence[int]) -> "Sample":
        """The runs of some seeds."""
        at = [self.seeds.index(seed) for seed in seeds]
        parts = None if self.parts is None else self.parts[at]
        return replace(self, seeds=tuple(seeds), values=self.values[at], parts=parts)

    def __sub__(self, other: "Sample") -> "Sample":
        """Differences, paired by the seeds that both have and, if they share them, by images."""
        both = sorted(set(self.seeds) & set(other.seeds))
        one, two = self.only(both), other.only(both)
        values = one.values - two.values
        if one.parts is None or two.parts is None or one.images != two.images:
            return Sample(one.seeds, values)
        return replace(one, values=values, parts=one.parts - two.parts)


def mean_sample(samples: Sequence[Sample]) -> Sample:
    """Mean score of the seeds that all have; by image too, where all have the same images."""
    seeds = sorted(set(samples[0].seeds).intersection(*(s.seeds for s in samples)))
    each = [s.only(seeds) for s in samples]
    first = each[0]
    values = np.mean([s.values for s in each], axis=0)
    parts = [s.parts for s in each if s.parts is not None and s.images == first.images]
    if len(parts) < len(each):
        return Sample(tuple(seeds), values)
    return replace(first, values=values, parts=np.mean(parts, axis=0))


def mean_interval(values: Sequence[float]) -> Estimate:
    """Mean of independent runs with its 95 % interval after Student's t: seeds only."""
    return estimate(Sample(tuple(range(len(values))), np.array(values, dtype=float)))


def paired_difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Estimate:
    """Mean of ours minus theirs, each seed -> score, over the seeds that both have: seeds only."""
    return estimate(_of_seeds(ours) - _of_seeds(theirs))


def _of_seeds(scores: Mapping[int, float]) -> Sample:
    seeds = tuple(sorted(scores))
    return Sample(seeds, np.array([scores[s] for s in seeds], dtype=float))


def estimate(sample: Sample) -> Estimate:
    """Mean with its 95 % interval, over seeds and, where their parts are known, test images."""
    count = len(sample.values)
    mean = float(np.mean(sample.values)) if count else math.nan
    if count < 2 or not math.isfinite(mean):
        return Estimate(mean, math.nan, count)
    parts = _variances(sample, sample)

    def half(level: float) -> float:
        return float(_half(sample, *parts, level))

    if math.isnan(half(0.05)):
        return Estimate(mean, math.nan, count)
    p = 1.0  # where the interval at that level ends at 0
    if mean and half(0.05) == 0:
        p = math.nan
    elif mean and half(_LEAST) < abs(mean):
        p = _LEAST
    elif mean:
        p = float(brentq(lambda level: half(level) - abs(mean), _LEAST, 1.0))
    return Estimate(mean, half(0.05), count, p)


def holm(p: Sequence[float]) -> list[float]:
    """P-values adjusted for being several (Holm, 1979); NaN stays and does not count."""
    known = sorted((value, i) for i, value in enumerate(p) if not math.isnan(value))
    adjusted, least = [math.nan] * len(p), 0.0
    for place, (value, i) in enumerate(known):
        least = max(least, min(1.0, (len(known) - place) * value))
        adjusted[i] = least
    return adjusted


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
    keeps: Sequence[int], curve: Sequence[Sample], target: Sample
) -> tuple[float, float]:
    """95 % interval of `images_to_match`.

    The numbers of images at which the gap between curve and target, paired by seed, could be 0: a
    test inverted, as Fieller's theorem does for ratios, so that it covers with few seeds too.

    Args:
        keeps: Numbers of images, ascending.
        curve: Scores at each of them, of the same seeds.
        target: Scores to reach.

    Returns:
        Lower and upper end, infinity where the target is not reached; NaN without intervals.
    """
    gaps = [sample - target for sample in curve]
    if len(gaps[0].seeds) < 2:
        return math.nan, math.nan
    bounds = np.concatenate([_bounds(a, b) for a, b in _neighbours(gaps)], axis=1)
    if np.isnan(bounds).any():
        return math.nan, math.nan
    ends = _neighbours(np.log1p(keeps).tolist())
    numbers = np.expm1(np.concatenate([np.linspace(a, b, _STEPS + 1) for a, b in ends]))
    could, short = np.flatnonzero(bounds[1] >= 0), np.flatnonzero(bounds[0] < 0)
    low = float(numbers[could[0]]) if len(could) else math.inf
    if not len(short):
        return low, float(keeps[0])
    return low, math.inf if short[-1] + 1 >= len(numbers) else float(numbers[short[-1] + 1])


def _neighbours(values: Sequence[_T]) -> list[tuple[_T, _T]]:
    return [*pairwise(values)] or [(values[0], values[0])]


def _bounds(one: Sample, other: Sample) -> np.ndarray:
    """Ends of the interval on the way from one sample to another, shape (2, steps + 1)."""
    share = np.linspace(0, 1, _STEPS + 1)
    mean = (1 - share) * one.values.mean() + share * other.values.mean()
    known = one.parts is not None and other.parts is not None and one.images == other.images
    pair = (one, other) if known else (replace(one, parts=None), replace(other, parts=None))
    # Var(a), Cov(a, b) and Var(b), each over seeds and over the images of each class.
    each = [_variances(pair[i], pair[j]) for i, j in ((0, 0), (0, 1), (1, 1))]
    weights = np.stack([(1 - share) ** 2, 2 * share * (1 - share), share**2])
    over_seeds, over_images = (np.array(part).T @ weights for part in zip(*each, strict=True))
    half = _half(pair[0], over_seeds, over_images)
    return np.stack([mean - half, mean + half])


def _variances(one: Sample, other: Sample) -> tuple[float, np.ndarray]:
    """Covariance of two samples' means over seeds, and over the images of each class (classes,).

    What an image does to one seed alone is in the covariance over seeds and in that over images; it
    counts once, and is taken out of the latter, which may fall below 0.
    """
    seeds = len(one.values)
    over_seeds = float(np.cov(one.values, other.values)[0, 1]) / seeds
    if one.parts is None or other.parts is None or one.groups is None:
        return over_seeds, np.zeros(0)
    over_images = []
    for group in np.unique(one.groups):
        a, b = (s.parts[:, one.groups == group] for s in (one, other))  # type: ignore[index]
        size = a.shape[1]
        if size < 2:  # one image says nothing of how images of its class differ
            over_images.append(math.nan if a.any() or b.any() else 0.0)
            continue
        rests = [x - x.mean(0) - x.mean(1, keepdims=True) + x.mean() for x in (a, b)]
        interaction = float((rests[0] * rests[1]).sum()) / ((seeds - 1) * (size - 1) * seeds)
        over_images.append((float(np.cov(a.mean(0), b.mean(0))[0, 1]) - interaction) / size)
    return over_seeds, np.array(over_images)


def _half(
    sample: Sample,
    over_seeds: float | np.ndarray,
    over_images: np.ndarray,
    level: float = 0.05,
) -> np.ndarray:
    """Half the width of an interval that leaves out a share `level`.

    Args:
        sample: Whose seeds and images are counted.
        over_seeds: Variance over seeds, shape (...).
        over_images: Variance over the images of each class, shape (classes, ...).
        level: The share.
    """
    seeds_part = stdtrit(len(sample.seeds) - 1, 1 - level / 2) ** 2 * np.maximum(over_seeds, 0)
    if not len(over_images):
        return np.sqrt(seeds_part)
    sizes = np.unique(sample.groups, return_counts=True)[1]  # type: ignore[call-overload]
    known = np.maximum(over_images, 0)  # NaN stays
    spread = (known.T**2 / np.maximum(sizes - 1, 1)).T.sum(0)
    freedom = np.maximum(known.sum(0) ** 2 / np.where(spread == 0, 1, spread), 1)
    images_part = stdtrit(freedom, 1 - level / 2) ** 2 * np.maximum(over_images.sum(0), 0)
    return np.sqrt(seeds_part + images_part)
