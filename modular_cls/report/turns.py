"""Every joint class in turn the empty one: what methods make of k = 0, whichever class that is."""

import math
from collections.abc import Sequence

from modular_cls.report.comparison import Comparison
from modular_cls.report.contrasts import contrasts
from modular_cls.report.results import FinishedRun
from modular_cls.report.statistics import Sample, estimate, mean_sample
from modular_cls.report.wording import in_points, table, with_interval
from modular_cls.runs.score_table import MISSING, percent

_SCORES = "balanced_accuracy", "rare_class_recall"


def turn_lines(comparisons: Sequence[Comparison], turns: Sequence[FinishedRun]) -> list[str]:
    """The section: per composite a table of methods against the class that is empty.

    Args:
        comparisons: The runs of the rare class; those at k = 0 are the first column.
        turns: Those with another class empty.
    """
    lines = [
        "## Every joint class in turn the empty one",
        "",
        "k = 0. Balanced accuracy with its 95 % interval / recall of the empty class. The best "
        "flat method is chosen for each class after the fact, and for the mean by its own mean.",
        "",
    ]
    for comparison in comparisons:
        lines += _composite_lines(comparison, turns)
    return lines


def _composite_lines(comparison: Comparison, turns: Sequence[FinishedRun]) -> list[str]:
    each = _by_empty_class(comparison, turns)
    if not each:
        return []
    present = {method for c in each.values() for method in c.methods}
    methods = [m for m in comparison.methods if m in present]
    rows = [
        [method, *(_cell(c, method) for c in each.values()), _mean_cell(each, method)]
        for method in methods
    ]
    flats = [m for m in methods if m in comparison.flats]
    if comparison.reference in methods and flats:
        gaps = [_gap(c) for c in each.values()]
        best = max(flats, key=lambda m: _known(estimate(_mean(each, m, _SCORES[0])).mean))
        one, other = (_mean(each, m, _SCORES[0]) for m in (comparison.reference or "", best))
        gaps.append(f"{in_points(estimate(one - other))} ({best})")
        rows.append([f"{comparison.reference} minus the best flat", *gaps])
    return [f"### {comparison.composite}", "", *table(["method", *each, "mean"], rows)]


def _by_empty_class(comparison: Comparison, turns: Sequence[FinishedRun]) -> dict[str, Comparison]:
    """A comparison at k = 0 by empty class: the usual one first, then in the schema's order."""
    name = comparison.composite
    order = comparison.runs[0].schema.output(name).class_names
    by_class: dict[tuple[str, ...], list[FinishedRun]] = {}
    for run in (r for r in turns if name in r.composites):
        empty = tuple(c for c in order if c in run.rare_classes(name))
        by_class.setdefault(empty, []).append(run)
    usual = [r for r in comparison.runs if r.keep == "0"]
    groups = [usual] if usual else []
    groups += [by_class[e] for e in sorted(by_class, key=lambda e: list(map(order.index, e)))]
    return {_empty_classes(runs[0], name): Comparison(name, runs) for runs in groups}


def _empty_classes(run: FinishedRun, composite: str) -> str:
    rare = run.rare_classes(composite)
    return ", ".join(c for c in run.schema.output(composite).class_names if c in rare)


def _cell(comparison: Comparison, method: str) -> str:
    accuracy, recall = (comparison.estimate(method, "0", score) for score in _SCORES)
    return f"{with_interval(accuracy)} / {percent(recall.mean)}" if accuracy.count else MISSING


def _mean_cell(each: dict[str, Comparison], method: str) -> str:
    accuracy, recall = (estimate(_mean(each, method, score)) for score in _SCORES)
    return f"{with_interval(accuracy)} / {percent(recall.mean)}" if accuracy.count else MISSING


def _mean(each: dict[str, Comparison], method: str, score: str) -> Sample:
    """Mean over the classes, of the seeds that have all."""
    return mean_sample([c.sample(method, "0", score) for c in each.values()])


def _gap(comparison: Comparison) -> str:
    leads = contrasts(comparison, comparison.flats)
    if not leads:
        return MISSING
    return f"{in_points(leads[0].differences[_SCORES[0]])} ({leads[0].rival})"


def _known(mean: float) -> float:
    return -math.inf if math.isnan(mean) else mean
