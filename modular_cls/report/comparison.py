"""Runs of several methods seen through one composite.

The cells method x number kept, in a sensible order.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property

from modular_cls.report.results import ALL, FinishedRun, keep_order
from modular_cls.report.statistics import Estimate, mean_interval

_ACCURACY = "balanced_accuracy"


class Comparison:
    """The runs of one composite.

    Args:
        composite: Name of the composite.
        runs: Final runs; those without this composite are left out.

    Attributes:
        keeps: Labels of the numbers kept, ascending, `all` last.
        methods: The reference first, then by mean balanced accuracy at the smallest number kept.
        modulars: The modular methods, in that order.
        flats: The flat methods, in that order.
        reference: The method that the others are measured against: `modular`, else the first
            modular one; None if there is none.
    """

    def __init__(self, composite: str, runs: Sequence[FinishedRun]) -> None:
        self.composite = composite
        self.runs = [r for r in runs if composite in r.composites]
        self.keeps = sorted({r.keep for r in self.runs}, key=keep_order)
        self._cells: dict[tuple[str, str], list[FinishedRun]] = defaultdict(list)
        for run in sorted(self.runs, key=lambda r: r.seed):
            self._cells[run.method, run.keep].append(run)
        kinds = {r.method: r.model for r in self.runs}
        modular = [m for m, kind in kinds.items() if kind == "ModularClassifier"]
        self.reference = "modular" if "modular" in kinds else next(iter(modular), None)
        self.methods = sorted(kinds, key=self._rank)
        self.modulars = [m for m in self.methods if m in modular]
        self.flats = [
            m for m in self.methods if kinds[m] == "FlatClassifier" and m != self.reference
        ]

    @cached_property
    def numbers(self) -> list[int]:
        """The numbers kept that are numbers, ascending."""
        return [int(k) for k in self.keeps if k.isdigit()]

    @property
    def rare_images(self) -> list[int]:
        """Numbers of rare test images: one, unless runs were tested on different images."""
        return sorted({n for r in self.runs if (n := r.value(self.composite, "rare_support"))})

    @property
    def same_test(self) -> bool:
        """Whether all runs were tested on equally many images of each class."""
        return len({str(s) for r in self.runs if (s := r.value(self.composite, "support"))}) <= 1

    def cell(self, method: str, keep: str) -> list[FinishedRun]:
        """The runs of a method at a number kept, by seed."""
        return self._cells.get((method, keep), [])

    def scores(self, method: str, keep: str, score: str) -> dict[int, float]:
        """Seed -> score, of the runs in which it is defined."""
        found = {
            r.seed: r.value(self.composite, score)
            for r in self.cell(method, keep)
            if not r.undefined
        }
        return {seed: float(value) for seed, value in found.items() if value is not None}

    def estimate(self, method: str, keep: str, score: str) -> Estimate:
        """Mean over seeds with its interval."""
        return mean_interval(list(self.scores(method, keep, score).values()))

    def best(self, methods: Iterable[str], keep: str) -> str | None:
        """The method with the highest mean balanced accuracy at a number kept.

        None if none is defined.
        """
        means = {m: self.estimate(m, keep, _ACCURACY).mean for m in methods}
        return max(
            (m for m in means if not math.isnan(means[m])), key=means.__getitem__, default=None
        )

    @property
    def telling_keeps(self) -> list[str]:
        """The smallest number kept and a middle one, 5 where there is one, to show in detail."""
        middle = [str(n) for n in self.numbers[1:]]
        chosen = "5" if "5" in middle else next(iter(middle[(len(middle) - 1) // 2 :]), None)
        return list(dict.fromkeys(k for k in (self.keeps[0], chosen) if k))

    def _rank(self, method: str) -> tuple[bool, list[float], str]:
        means = [self.estimate(method, keep, _ACCURACY).mean for keep in self.keeps]
        return method != self.reference, [math.inf if math.isnan(m) else -m for m in means], method


def compare(runs: Sequence[FinishedRun]) -> list[Comparison]:
    """A comparison per composite that has rare classes; per composite if none has any."""
    names = dict.fromkeys(name for run in runs for name in run.composites)
    everything = [Comparison(name, runs) for name in names]
    return [c for c in everything if c.rare_images] or everything


def kept(keep: str) -> str:
    """How to word a number kept in a title."""
    return "nothing scarce" if keep == ALL else f"k = {keep}"
