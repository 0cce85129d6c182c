"""A claim in parts that can fail.

Each says that one number is larger than another, and its interval decides.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from modular_cls.report.statistics import Estimate, mean_interval, paired_difference

Verdict = Literal[
    "holds", "does not hold", "undecided", "one seed, no verdict", "no data", "not measured"
]
Role = Literal["core", "control"]
Where = Mapping[str, object]

_ALOUD = {
    "holds": "holds for",
    "holds partly": "holds in part for",
    "does not hold here": "does not hold for",
    "undecided": "stays undecided for",
    "not measured in full": "is not measured yet for",
}


@dataclass(frozen=True)
class Statement:
    """One number is larger than another.

    Attributes:
        says: The statement in words.
        table: Name of the table.
        column: The number compared.
        more: Which rows have the larger number: `{column: value}`.
        less: Which rows have the smaller one.
        by: By how much at least; negative: it may even be smaller by that much.
        pair: Rows are compared where they agree on this column, averaged over all others. With
            `seed` the differences are a sample, and their 95 % interval decides; anything else (the
            number of bits, say) is not drawn at random, and the statement must be true of every
            one.
        at: Narrows `more` and `less` alike. A `range` stands for any number in it.
        role: `core`: the claim says so itself, and its verdict follows from these alone. `control`:
            what the claim presupposes, what would speak against it, or what tells how it comes
            about.
        on: What a core statement was tried on, in words that follow "holds for"; statements with
            the same words are told together.
    """

    says: str
    table: str
    column: str
    more: Where
    less: Where
    by: float = 0.0
    pair: str = "seed"
    at: Where = field(default_factory=dict)
    role: Role = field(kw_only=True)
    on: str = field(default="", kw_only=True)


@dataclass(frozen=True)
class Judged:
    """A statement and what follows.

    Attributes:
        statement: What is claimed.
        difference: Mean of `more` minus `less`.
        ends: Least and largest of these differences.
        verdict: What the interval, or every single difference, says.
    """

    statement: Statement
    difference: Estimate
    ends: tuple[float, float]
    verdict: Verdict


def judge(statement: Statement, tables: Mapping[str, pd.DataFrame]) -> Judged:
    """Decide on a statement by the 95 % interval of the paired differences.

    Raises:
        KeyError: If no pair of rows fits; a statement of ours is then wrong. Where nothing at all
            fits `at`, a set that is not at hand, there is no data; where its table is missing, it
            is not measured.
    """
    table = tables.get(statement.table)
    if table is None:
        return Judged(statement, mean_interval([]), (math.nan, math.nan), "not measured")
    if statement.at and not len(_rows(table, statement.at)):
        return Judged(statement, mean_interval([]), (math.nan, math.nan), "no data")
    more, less = (
        _by_pair(table, {**statement.at, **w}, statement) for w in (statement.more, statement.less)
    )
    pairs = sorted(more.keys() & less.keys())
    if not pairs:
        raise KeyError(
            f"no rows of {statement.table} to compare {dict(statement.more)} with "
            f"{dict(statement.less)}"
        )
    each = [more[p] - less[p] for p in pairs]
    difference, ends = paired_difference(more, less), (min(each), max(each))
    return Judged(statement, difference, ends, _verdict(statement, difference, ends))


def overall(judged: Sequence[Judged]) -> str:
    """The verdict on a whole claim: core statements count, those without data do not."""
    verdicts = {j.verdict for j in judged if j.statement.role == "core"} - {"no data"}
    if not verdicts:
        return "no data"
    if "not measured" in verdicts:
        return "not measured in full"
    if "one seed, no verdict" in verdicts:
        return "one seed, no verdict"
    if len(verdicts) == 1 or "holds" not in verdicts:
        only = min(verdicts)  # "does not hold" stands before "undecided"
        return "does not hold here" if only == "does not hold" else only
    return "holds partly"


def sentence(claim: str, judged: Sequence[Judged]) -> str:
    """The verdict to be read aloud: for what the claim holds, for what not, for what is open.

    Args:
        claim: Its title.
        judged: Its statements; what the core ones were tried `on` is told in their order.
    """
    whole = overall(judged)
    verdicts = {on: overall(group) for on, group in _groups(judged).items()}
    if whole not in _ALOUD:
        return f"“{claim}”: {whole}."
    parts = []
    for one, words in _ALOUD.items():
        if places := [on for on, verdict in verdicts.items() if verdict == one]:
            parts.append(f"{words} {_listed(places)}")
    return f"“{claim}” {'; it '.join(parts)}."


def _groups(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        if one.statement.role == "core" and one.verdict != "no data":
            groups.setdefault(one.statement.on, []).append(one)
    return groups


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _verdict(statement: Statement, difference: Estimate, ends: tuple[float, float]) -> Verdict:
    if statement.pair != "seed":
        return "holds" if ends[0] > statement.by else "does not hold"
    if difference.count == 1:
        return "one seed, no verdict"
    if difference.low > statement.by:
        return "holds"
    return "does not hold" if difference.mean + difference.half < statement.by else "undecided"


def _by_pair(table: pd.DataFrame, where: Where, statement: Statement) -> dict[int, float]:
    means = (
        _rows(table, where)
        .dropna(subset=[statement.column])
        .groupby(statement.pair)[statement.column]
        .mean()
    )
    return {int(key): float(value) for key, value in means.items()}  # type: ignore[call-overload]


def _rows(table: pd.DataFrame, where: Where) -> pd.DataFrame:
    for column, value in where.items():
        table = table[
            table[column].isin(value) if isinstance(value, range) else table[column] == value
        ]
    return table
