"""`intervals.csv`: every mean and paired difference of the page with its interval."""

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from modular_cls.files import replacing_file
from modular_cls.report.comparison import Comparison
from modular_cls.report.statistics import Sample, estimate
from modular_cls.runs.score_table import SCORES

COLUMNS = ("composite", "method", "minus", "keep", "score", "seeds", "over", "mean", "half", "p")
OVER = {True: "seeds and images", False: "seeds"}


def write_intervals(path: Path, comparisons: Sequence[Comparison]) -> None:
    """Write one row per composite, cell and score, then per rival of the reference (`minus`)."""
    rows = [row for comparison in comparisons for row in _rows(comparison)]
    with replacing_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def _rows(comparison: Comparison) -> Iterator[list[object]]:
    ours = comparison.reference
    for keep in comparison.keeps:
        for method in comparison.methods:
            for score in SCORES:
                yield from _row(comparison, (method, "", keep, score))
                if ours is not None and method != ours:
                    yield from _row(comparison, (ours, method, keep, score))


def _row(comparison: Comparison, cell: tuple[str, str, str, str]) -> Iterator[list[object]]:
    method, minus, keep, score = cell
    sample: Sample = comparison.sample(method, keep, score)
    sample = sample - comparison.sample(minus, keep, score) if minus else sample
    if sample.seeds:
        result = estimate(sample)
        numbers = (_rounded(n) for n in (result.mean, result.half, result.p))
        over = OVER[sample.parts is not None]
        yield [comparison.composite, *cell, result.count, over, *numbers]


def _rounded(number: float) -> str:
    return "" if math.isnan(number) else f"{number:.6g}"
