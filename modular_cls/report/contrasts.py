"""The reference against the strongest others: paired differences, and images to match."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from modular_cls.report.comparison import Comparison
from modular_cls.report.statistics import (
    Estimate,
    Sample,
    holm,
    images_to_match,
    match_interval,
)
from modular_cls.runs.score_table import MISSING, SCORES

# The criterion, in balanced accuracy: level within a point, surely within three; and ahead by ten
# where at most one image is kept. Fewer than five seeds have no interval to speak of.
LEAST_PAIRS = 5
LEAST_MEAN, LEAST_LOW, LEAD, LEAD_UP_TO = -0.01, -0.03, 0.10, 1
_ROUNDING = 1e-9  # a difference of exactly one point must not fail by its last bit


@dataclass(frozen=True)
class Contrast:
    """The reference minus a rival at one number kept.

    Attributes:
        keep: The number kept.
        rival: The best of the others there.
        differences: Score -> mean difference over the seeds that both have.
        closer: Rivals that the reference leads by less, but on too few seeds to be judged by.
        p: Of no difference in balanced accuracy, adjusted for the numbers kept (Holm).
    """

    keep: str
    rival: str
    differences: dict[str, Estimate]
    closer: tuple[str, ...] = ()
    p: float = math.nan

    @property
    def lead(self) -> float:
        """Mean difference in balanced accuracy."""
        return self.differences["balanced_accuracy"].mean

    @property
    def pairs(self) -> int:
        """Seeds that both have."""
        return self.differences["balanced_accuracy"].count

    def verdict(self, lead: bool) -> str:
        """Whether the criterion holds: yes, no or too few seeds.

        Args:
            lead: Ask for the lead of 10 points where at most one image is kept, too.
        """
        accuracy = self.differences["balanced_accuracy"]
        if accuracy.count < LEAST_PAIRS:
            return "too few seeds"
        holds = accuracy.mean >= LEAST_MEAN - _ROUNDING and accuracy.low >= LEAST_LOW - _ROUNDING
        if lead and self.keep.isdigit() and int(self.keep) <= LEAD_UP_TO:
            holds = holds and accuracy.mean >= LEAD - _ROUNDING
        return "yes" if holds else "no"


def contrasts(comparison: Comparison, rivals: Sequence[str]) -> list[Contrast]:
    """The reference minus the best of `rivals`, at each number kept where both are defined.

    The best is the one that the reference leads least, over the seeds that both have: of those with
    enough pairs for a verdict, if there are any, so that one lucky run does not take their place.
    """
    chosen = []
    for keep in comparison.keeps:
        each = [_contrast(comparison, rival, keep) for rival in rivals]
        each = [c for c in each if c.pairs]
        if enough := [c for c in each if c.pairs >= LEAST_PAIRS] or each:
            best = min(enough, key=lambda c: c.lead)
            closer = tuple(c.rival for c in each if c.lead < best.lead)
            chosen.append(replace(best, closer=closer))
    adjusted = holm([c.differences["balanced_accuracy"].p for c in chosen])
    return [replace(c, p=p) for c, p in zip(chosen, adjusted, strict=True)]


def _contrast(comparison: Comparison, rival: str, keep: str) -> Contrast:
    ours = comparison.reference or ""
    return Contrast(keep, rival, {s: comparison.difference(ours, rival, keep, s) for s in SCORES})


def images_needed(comparison: Comparison, method: str, score: str) -> float:
    """Images that a method needs to reach the reference at k = 0; NaN where that is not known."""
    keeps, curve, target = _to_match(comparison, method, score)
    if not keeps:
        return math.nan
    means = [float(sample.values.mean()) for sample in curve]
    return images_to_match(keeps, means, float(target.values.mean()))


def match_text(comparison: Comparison, method: str, score: str) -> str:
    """`images_needed` with a 95 % interval, as text."""
    keeps, curve, target = _to_match(comparison, method, score)
    if not keeps:
        return MISSING
    low, high = match_interval(keeps, curve, target)
    text = _images(images_needed(comparison, method, score), keeps)
    return text if math.isnan(low) else f"{text} ({_images(low, keeps)} to {_images(high, keeps)})"


def _to_match(
    comparison: Comparison, method: str, score: str
) -> tuple[list[int], list[Sample], Sample]:
    """Numbers kept, a method's scores there, and those of the reference at 0, of shared seeds.

    Nothing where one number was kept only: there is no curve that could reach the reference.
    """
    target = comparison.sample(comparison.reference or "", "0", score)
    samples = {n: comparison.sample(method, str(n), score) for n in comparison.numbers}
    curve = {n: sample for n, sample in samples.items() if sample.seeds}
    shared = {n: set(target.seeds) & set(sample.seeds) for n, sample in curve.items()}
    most = max(map(len, shared.values()), default=0)
    # A number kept with fewer seeds than the others goes, so that no seed has to.
    curve = {n: sample for n, sample in curve.items() if len(shared[n]) == most}
    seeds = sorted(set.intersection(*(shared[n] for n in curve))) if curve else []
    if not seeds or len(comparison.numbers) < 2:
        return [], [], target
    return list(curve), [sample.only(seeds) for sample in curve.values()], target.only(seeds)


def _images(number: float, keeps: Sequence[int]) -> str:
    if math.isinf(number):
        return f">{keeps[-1]}"
    if (
        number <= keeps[0] + _ROUNDING
    ):  # reached where its curve begins; what lies below was not measured
        return "0" if keeps[0] == 0 else f"≤{keeps[0]}"
    return f"{number:.1f}" if number < 10 else f"{number:.0f}"
