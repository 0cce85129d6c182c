"""Trials: runs by which a learning rate and a knob are chosen; validation scores only."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modular_cls.report.results import FinishedRun
from modular_cls.report.statistics import Estimate, mean_interval
from modular_cls.report.wording import listed, table, with_interval
from modular_cls.runs.score_table import MISSING, NAMES, SCORES

RATE = "learning rate"
_ACCURACY = "balanced_accuracy"


@dataclass(frozen=True)
class Trial:
    """A learning rate and a value of the knob, tried with one or more seeds.

    Attributes:
        rate: None on a frozen backbone.
        knob: Its key; blank for a method without one.
        value: What it stood at.
        runs: One a seed, and a class made scarce.
    """

    rate: float | None
    knob: str
    value: Any
    runs: tuple[FinishedRun, ...]

    def score(self, name: str = _ACCURACY) -> Estimate:
        """Of the validation split, mean over composites with rare classes; NaN if one diverged.

        A seed's score is the mean over the classes made scarce in turn; the interval is over seeds.
        """
        if any(run.undefined for run in self.runs):
            return mean_interval([])
        by_seed: dict[int, list[float]] = defaultdict(list)
        for run in self.runs:
            by_seed[run.seed].append(_score(run, name))
        return mean_interval([float(np.mean(scores)) for scores in by_seed.values()])

    @property
    def place(self) -> tuple[float, float]:
        """Sorts trials: by rate, then by value, what a method does by itself first."""
        return self.rate or 0.0, -math.inf if self.value is None else float(self.value)


def trials_of(runs: Sequence[FinishedRun]) -> dict[str, list[Trial]]:
    """The trials of each method, by rate and value."""
    groups: dict[tuple[str, float | None, str, Any], list[FinishedRun]] = defaultdict(list)
    for run in sorted(runs, key=lambda r: (r.method, r.seed)):
        key, value = next(iter((run.metrics.get("knob") or {}).items()), ("", None))
        groups[run.method, run.learning_rate, key, value].append(run)
    methods: dict[str, list[Trial]] = defaultdict(list)
    for (method, rate, key, value), members in groups.items():
        methods[method].append(Trial(rate, key, value, tuple(members)))
    return {method: sorted(each, key=lambda t: t.place) for method, each in methods.items()}


def best_trial(trials: Sequence[Trial]) -> Trial | None:
    """The trial with the best mean balanced accuracy; of equals the middle one; None of none."""
    means = [round(t.score().mean, 9) for t in trials]  # equal but for the order of adding up
    most = max((m for m in means if not math.isnan(m)), default=None)
    equals = [t for t, m in zip(trials, means, strict=True) if m == most]
    return equals[(len(equals) - 1) // 2] if equals else None


def edges(best: Trial, trials: Sequence[Trial]) -> list[str]:
    """Which of rate and knob lie at the end of what was tried: a better one may lie outside."""
    rates = [t.rate for t in trials if t.rate is not None]
    beside = [t.value for t in trials if t.rate == best.rate and t.value is not None]
    ends = []
    if len(set(rates)) > 1 and best.rate in (min(rates), max(rates)):
        ends.append(RATE)
    if len(beside) > 1 and best.value in (min(beside), max(beside)):
        ends.append(best.knob)
    return ends


def tuning_lines(runs: Sequence[FinishedRun]) -> list[str]:
    """The section on trials: what was tried for each method, what was chosen, and where."""
    methods = trials_of(runs)
    scarce = "; ".join(dict.fromkeys(_named(run) for run in runs))
    lines = [
        "## Choice of learning rates and knobs",
        "",
        f"Made scarce: {scarce}. Scores are of the validation split, where the rare class of the "
        "study has no images; nothing was measured on the test split. The best mean balanced "
        "accuracy is chosen, of equals the middle one.",
        "",
    ]
    chosen = []
    for method, trials in methods.items():
        best = best_trial(trials)
        at = MISSING if best is None else listed(edges(best, trials))
        rate, value = (MISSING, MISSING) if best is None else _written(best)
        score = MISSING if best is None else with_interval(best.score())
        chosen.append([method, trials[0].knob or "none", len(trials), rate, value, at, score])
    header = ["method", "knob", "trials", RATE, "value", "at the edge", NAMES[_ACCURACY]]
    return [*lines, *table(header, chosen), *_every_trial(methods)]


def _every_trial(methods: dict[str, list[Trial]]) -> list[str]:
    rows = []
    for method, trials in methods.items():
        best = best_trial(trials)
        for trial in trials:
            scores = [with_interval(trial.score(s)) for s in SCORES]
            failed = listed(run.undefined or None for run in trial.runs)
            mark = "chosen" if trial is best else failed if failed != MISSING else ""
            seeds = len({run.seed for run in trial.runs})
            judges = len(trial.runs) // seeds
            rows.append([method, *_written(trial), seeds, judges, *scores, mark])
    return table(["method", RATE, "knob", "seeds", "classes in turn", *NAMES.values(), ""], rows)


def _written(trial: Trial) -> tuple[str, str]:
    rate = MISSING if trial.rate is None else f"{trial.rate:g}"
    value = "its own" if trial.knob and trial.value is None else trial.value
    return rate, MISSING if value is None else str(value)


def _score(run: FinishedRun, name: str) -> float:
    with_rare = [c for c in run.composites if run.value(c, "rare_support", "validation")]
    scores = [run.value(c, name, "validation") for c in with_rare]
    known = [s for s in scores if s is not None and not math.isnan(s)]
    return float(np.mean(known)) if known else math.nan


def _named(run: FinishedRun) -> str:
    first = run.config.data.scarcities[0]
    values = ", ".join(first.joint_class.values())
    return f"{values} ({first.keep} training images)"
