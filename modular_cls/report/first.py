"""What to look at first: a few sentences on one composite, before all tables."""

import math
from collections.abc import Iterator, Sequence

from modular_cls.report.comparison import Comparison, kept
from modular_cls.report.contrasts import Contrast, contrasts
from modular_cls.report.results import FinishedRun
from modular_cls.report.wording import in_points, with_interval
from modular_cls.runs.score_table import percent

FIRST = "## What to look at first"
_FEW_IMAGES = 50  # of the rare classes, of which one moves their recall by 2 points or more
_OFF = 0.05  # a calibration error that is worth a word
_LEVEL = 0.01  # a difference in balanced accuracy without interval that says nothing


def first_lines(comparison: Comparison) -> list[str]:
    """What came out where least is kept, what is weakest there, and what to be wary of."""
    for keep in comparison.keeps:  # the first at which it has a score
        method = comparison.reference or comparison.best(comparison.methods, keep)
        if method and comparison.scores(method, keep, "balanced_accuracy"):
            break
    else:
        return []
    runs = [run for run in comparison.cell(method, keep) if not run.undefined]
    said = [
        *_outcome(comparison, method, keep),
        *_weakest(comparison, runs),
        *_calibration(comparison, runs),
        *_caution(comparison, len(runs)),
    ]
    return [f"- {sentence}" for sentence in said]


def _outcome(comparison: Comparison, method: str, keep: str) -> Iterator[str]:
    score = with_interval(comparison.estimate(method, keep, "balanced_accuracy"))
    line = f"{comparison.composite}, {kept(keep)}: **{method}** has {score} balanced accuracy"
    others = comparison.flats if comparison.reference else []
    leads = [c for c in contrasts(comparison, others) if c.keep == keep]
    if not leads:
        yield f"{line}."
        return
    best = leads[0]
    difference = best.differences["balanced_accuracy"]
    which = "the best flat method" if len(others) > 1 else "the only flat method here"
    against = f"{in_points(difference)} points against {best.rival}, {which}"
    yield f"{line}, {against}: {_verdict(best)}."


def _verdict(contrast: Contrast) -> str:
    """Ahead or behind, where the interval is on one side of zero, or nobody can tell."""
    mean, half = contrast.lead, contrast.differences["balanced_accuracy"].half
    if math.isnan(half) or half == 0:
        why = "of one seed" if contrast.pairs == 1 else "without an interval"
        return "level" if abs(mean) < _LEVEL else f"{_side(mean)}, {why}"
    return _side(mean) if abs(mean) > half else "the interval holds zero, so nobody is ahead"


def _side(mean: float) -> str:
    return "ahead" if mean > 0 else "behind"


def _weakest(comparison: Comparison, runs: Sequence[FinishedRun]) -> Iterator[str]:
    """The joint class found least often, and what it is taken for."""
    recalls: dict[str, list[float]] = {}
    for run in runs:
        for name, recall in (run.value(comparison.composite, "recall") or {}).items():
            recalls.setdefault(name, []).extend([] if recall is None else [float(recall)])
    means = {name: sum(values) / len(values) for name, values in recalls.items() if values}
    if means:
        name = min(means, key=means.__getitem__)
        yield f"Its weakest joint class there is {name}: found in {percent(means[name])}."


def _calibration(comparison: Comparison, runs: Sequence[FinishedRun]) -> Iterator[str]:
    errors = [e for r in runs if (e := r.value(comparison.composite, "ece")) is not None]
    if errors and (off := sum(errors) / len(errors)) > _OFF:
        points = f"{100 * off:.0f} points"
        yield f"Its probabilities are off by {points} on average (calibration error)."


def _caution(comparison: Comparison, seeds: int) -> Iterator[str]:
    if seeds == 1:
        yield "One seed: no interval, so small differences may be chance."
    if untested := comparison.untested:
        classes = comparison.runs[0].schema.output(comparison.composite).class_names
        told = f"{len(classes) - len(untested)} of {len(classes)} joint classes"
        names = ", ".join(untested)
        yield f"No test image of {names}: balanced accuracy is the mean over {told}."
    few = [n for n in comparison.rare_images if n < _FEW_IMAGES]
    if few:
        step = f"{100 / min(few):.0f} points"
        yield f"{min(few)} rare test images only: each moves rare-class recall by {step}."
    if not comparison.same_test:
        yield "The runs were tested on different images: their scores do not compare."
    elif not comparison.same_list:
        yield "The runs list different test images: scores compare only if they are the same."
