"""Runs of several methods seen through one composite.

The cells method x number kept, in a sensible order.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from modular_cls.report.answers import Answers, read_answers
from modular_cls.report.results import ALL, FinishedRun, keep_order
from modular_cls.report.statistics import Estimate, Sample, estimate
from modular_cls.runs.score_table import SCORES, TABLE

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
        self._answers: dict[Path, Answers | None] = {}
        self._samples: dict[tuple[str, str, str], Sample] = {}
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

    @property
    def untested(self) -> list[str]:
        """Joint classes without a test image in any run that was tested."""
        supports = [s for r in self.runs if (s := r.value(self.composite, "support"))]
        names = supports[0] if supports else ()
        return [name for name in names if not any(s.get(name) for s in supports)]

    @property
    def same_list(self) -> bool:
        """Whether all runs that kept their answers list the same test images."""
        answers = [self._read(run) for run in self.runs if not run.undefined]
        return len({a.images for a in answers if a is not None}) <= 1

    def cell(self, method: str, keep: str) -> list[FinishedRun]:
        """The runs of a method at a number kept, by seed."""
        return self._cells.get((method, keep), [])

    def scores(self, method: str, keep: str, score: str) -> dict[int, float]:
        """Seed -> score, of the runs in which it is defined."""
        values = {
            r.seed: r.value(self.composite, score)
            for r in self.cell(method, keep)
            if not r.undefined
        }
        return {seed: float(value) for seed, value in values.items() if value is not None}

    def sample(self, method: str, keep: str, score: str) -> Sample:
        """The score of each run in which it is defined, and what each test image adds to it.

        Args:
            method: The method.
            keep: The number kept.
            score: A name of SCORES, or that of a joint class, for its recall.
        """
        key = (method, keep, score)
        if key in self._samples:
            return self._samples[key]
        sample = self._sample(method, keep, score)
        if score in SCORES:  # asked for again and again
            self._samples[key] = sample
        return sample

    def _sample(self, method: str, keep: str, score: str) -> Sample:
        scored = [(r, value) for r in self.cell(method, keep)
                  if not r.undefined and (value := self._value(r, score)) is not None]  # fmt: skip
        seeds = tuple(r.seed for r, _ in scored)
        values = np.array([value for _, value in scored], dtype=float)
        answers = [answer for r, _ in scored if (answer := self._read(r)) is not None]
        if len(answers) < len(scored) or len({a.images for a in answers}) != 1:
            return Sample(seeds, values)
        weights = [self._weights(r, score) for r, _ in scored]
        parts = [a.part(w) for a, w in zip(answers, weights, strict=True)]
        return Sample(seeds, values, np.stack(parts), answers[0].true, answers[0].images)

    def estimate(self, method: str, keep: str, score: str) -> Estimate:
        """Mean over seeds with its interval, over seeds and test images."""
        return estimate(self.sample(method, keep, score))

    def over_seeds(self, method: str, keep: str, name: str) -> Estimate:
        """Mean over seeds of any metric, with its interval over them."""
        scores = self.scores(method, keep, name)
        return estimate(Sample(tuple(scores), np.array(list(scores.values()), dtype=float)))

    def difference(self, method: str, other: str, keep: str, score: str) -> Estimate:
        """Mean of one method minus another, paired by seed and image, with its interval."""
        return estimate(self.sample(method, keep, score) - self.sample(other, keep, score))

    def _value(self, run: FinishedRun, score: str) -> float | None:
        if score in SCORES:
            return run.value(self.composite, score)
        return (run.value(self.composite, "recall") or {}).get(score)

    def _weights(self, run: FinishedRun, score: str) -> np.ndarray:
        """How a score is a sum of recalls: the weight of each joint class in it."""
        recall = run.value(self.composite, "recall")
        known = {c: r for c, r in recall.items() if r is not None}
        rare = run.rare_classes(self.composite)
        chosen = TABLE[score].classes(known, rare) if score in TABLE else {score}
        return np.array([(c in chosen) / len(chosen) for c in recall])

    def _read(self, run: FinishedRun) -> Answers | None:
        if run.folder not in self._answers:
            self._answers[run.folder] = read_answers(run, self.composite)
        return self._answers[run.folder]

    def best(self, methods: Iterable[str], keep: str) -> str | None:
        """The method with the highest mean balanced accuracy at a number kept.

        None if none is defined.
        """
        means = {m: self.estimate(m, keep, _ACCURACY).mean for m in methods}
        return max(
            (m for m in means if not math.isnan(means[m])), key=means.__getitem__, default=None
        )

    @cached_property
    def over(self) -> str:
        """What intervals are over, in words: test images too where the answers to them are kept."""
        cells = ((m, k) for m in self.methods for k in self.keeps)
        samples = (self.sample(m, k, _ACCURACY) for m, k in cells)
        known = {s.parts is not None for s in samples if s.seeds}
        if len(known) == 2:
            return "over seeds, in some cells over test images too: intervals.csv says in which"
        return "over seeds and test images" if known == {True} else "over seeds only"

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
