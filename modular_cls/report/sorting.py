"""Runs by what they are for: to compare, to choose rates and knobs by, with another class empty."""

from collections.abc import Sequence
from dataclasses import dataclass

from modular_cls.errors import ConfigError
from modular_cls.report.results import FinishedRun

EMPTY = "_empty_"  # in the name of a study's run folder: k = 0 with another class the empty one


@dataclass(frozen=True)
class Runs:
    """Runs by what they are for.

    Attributes:
        final: To compare; all of one rare class.
        trials: By which rates and knobs are chosen.
        turns: k = 0 with another joint class the empty one.
    """

    final: list[FinishedRun]
    trials: list[FinishedRun]
    turns: list[FinishedRun]


def sort_runs(runs: Sequence[FinishedRun]) -> Runs:
    """Tell runs apart by what they are for.

    Raises:
        ConfigError: If two runs to compare are of one method, number kept and seed, so that seeds
            do not pair; or runs make different classes scarce.
    """
    tested = [r for r in runs if not r.trial]
    usual = _rare_class(tested)
    turns = [r for r in tested if r.keep == "0" and r.scarce != usual]
    final = [r for r in tested if r not in turns]
    for group, what in ((final, "kept"), (turns, "empty in turn, kept")):
        seen: dict[tuple[object, ...], FinishedRun] = {}
        for run in group:
            scarce = run.scarce if group is turns else None
            first = seen.setdefault((run.method, run.keep, run.seed, scarce), run)
            if first is not run:
                raise ConfigError(
                    f"{first.folder} and {run.folder} both hold method {run.method!r}, {what} "
                    f"{run.keep}, seed {run.seed}; give one another `method` name, or report them "
                    "apart"
                )
    return Runs(final, [r for r in runs if r.trial], turns)


def _rare_class(runs: Sequence[FinishedRun]) -> tuple[tuple[tuple[str, str], ...], ...]:
    """The class that a comparison is about: of the runs that are no turn."""
    named = [r for r in runs if EMPTY not in r.folder.name]
    telling = [r for r in named if r.keep != "0"] or named or runs
    first = {r.scarce: r for r in reversed(telling) if r.scarce}
    if len(first) > 1:
        (one, a), (two, b), *_ = first.items()
        here, there = (f"{r.folder} ({_words(scarce)})" for r, scarce in ((a, one), (b, two)))
        raise ConfigError(f"{here} and {there} make other classes scarce; report them apart")
    return next(iter(first), ())


def _words(scarce: tuple[tuple[tuple[str, str], ...], ...]) -> str:
    return "; ".join(", ".join(f"{name} {value}" for name, value in each) for each in scarce)
