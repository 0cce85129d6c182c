"""`intervals.csv`, `match.csv`: every mean, difference and number of images of the page."""

import csv
import math
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from modular_cls.files import replacing_file
from modular_cls.report.comparison import Comparison
from modular_cls.report.contrasts import images_needed, match_text
from modular_cls.report.statistics import Sample, estimate, holm
from modular_cls.runs.score_table import SCORES

COLUMNS = (
    "composite",
    "method",
    "minus",
    "keep",
    "score",
    "seeds",
    "over",
    "mean",
    "half",
    "p",
    "p_holm",
)
OVER = {True: "seeds and images", False: "seeds"}
MATCH_COLUMNS = ("composite", "method", "score", "images", "text")

_Cell = tuple[str, str, str, str]  # method, minus, keep, score


def write_intervals(path: Path, comparisons: Sequence[Comparison]) -> None:
    """Write one row per composite, cell and score, then per rival of the reference (`minus`).

    `keep` is also a gap, as `all-0`: a method with most images minus itself with fewest. `p_holm`
    is `p` adjusted for the several numbers kept.
    """
    rows = [row for comparison in comparisons for row in _rows(comparison)]
    _write(path, COLUMNS, rows)


def write_matches(path: Path, comparisons: Sequence[Comparison]) -> None:
    """Write how many rare images each flat method needs to match the reference without any."""
    rows = [
        [c.composite, method, score, images_needed(c, method, score), match_text(c, method, score)]
        for c in comparisons
        for method in c.flats
        for score in SCORES
    ]
    _write(path, MATCH_COLUMNS, rows)


def _write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with replacing_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _rows(comparison: Comparison) -> Iterator[list[object]]:
    samples = dict(_samples(comparison))
    found = {cell: estimate(sample) for cell, sample in samples.items()}
    adjusted = _adjusted({cell: result.p for cell, result in found.items()})
    for cell, result in found.items():
        over = OVER[samples[cell].parts is not None]
        numbers = (_rounded(n) for n in (result.mean, result.half, result.p, adjusted[cell]))
        yield [comparison.composite, *cell, result.count, over, *numbers]


def _samples(comparison: Comparison) -> Iterator[tuple[_Cell, Sample]]:
    """What there is: means, differences to the reference, and gaps between numbers kept."""
    ours, keeps = comparison.reference, comparison.keeps
    for keep, method, score in product(keeps, comparison.methods, SCORES):
        sample = comparison.sample(method, keep, score)
        if sample.seeds:
            yield (method, "", keep, score), sample
        if ours is not None and method != ours:
            difference = comparison.sample(ours, keep, score) - sample
            if difference.seeds:
                yield (ours, method, keep, score), difference
    if len(keeps) > 1:
        for method, score in product(comparison.methods, SCORES):
            most, least = (comparison.sample(method, k, score) for k in (keeps[-1], keeps[0]))
            if (gap := most - least).seeds:
                yield (method, "", f"{keeps[-1]}-{keeps[0]}", score), gap


def _adjusted(p: dict[_Cell, float]) -> dict[_Cell, float]:
    """By Holm, across the numbers kept of each difference; NaN where there is no difference."""
    families: dict[tuple[str, str, str], list[_Cell]] = {}
    for method, minus, keep, score in p:
        if minus:
            families.setdefault((method, minus, score), []).append((method, minus, keep, score))
    adjusted = dict.fromkeys(p, math.nan)
    for cells in families.values():
        adjusted |= dict(zip(cells, holm([p[cell] for cell in cells]), strict=True))
    return adjusted


def _rounded(number: float) -> str:
    return "" if math.isnan(number) else f"{number:.6g}"
