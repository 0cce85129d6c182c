"""The page of a claim: its verdict, its statements, then each part with figures and tables."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from modular_cls.lecture.kit.part import Claim, Part
from modular_cls.lecture.kit.statement import Judged, judge, overall, sentence
from modular_cls.report.statistics import Estimate, mean_interval
from modular_cls.report.wording import table
from modular_cls.runs.score_table import MISSING

Tables = Mapping[str, pd.DataFrame]


def page(
    claim: Claim,
    tables: Tables,
    shown: Mapping[str, Sequence[str]],
    folder: Path,
    command: str | None,
) -> str:
    """The text of `README.md`.

    Args:
        claim: What it is about.
        tables: By name, of every part that is measured.
        shown: Names of the figures of each of these parts.
        folder: Where the figures are.
        command: What was typed.
    """
    judged = [judge(s, tables) for s in claim.statements]
    lines = [f"# {claim.about}", ""]
    lines += [f"Made by `{command}`.", ""] if command else []
    lines += [f"**Verdict: {overall(judged)}.** {sentence(claim.title, judged)}", ""]
    lines += [
        "The verdict follows from the core statements, those that the claim itself makes; a "
        "control is what it presupposes, what would speak against it, or how it comes about.",
        "",
    ]
    lines += table(
        ["statement", "role", "difference (above 0: as stated)", "verdict"],
        (_judged_row(j, claim.measures) for j in judged),
    )
    for part in claim.parts:
        if part.name in shown:
            lines += _part(claim, part, tables, [folder / figure for figure in shown[part.name]])
    return "\n".join(lines)


def _part(claim: Claim, part: Part, tables: Tables, figures: Iterable[Path]) -> list[str]:
    lines = [f"## {part.about}", ""] if len(claim.parts) > 1 else []
    for figure in figures:
        lines += [f"![{figure.name}]({figure.name}.png)", ""]
        if figure.with_suffix(".svg").is_file():
            lines += [f"([SVG]({figure.name}.svg))", ""]
    for name in part.tables:
        if name in tables:
            lines += [f"### {name}", "", *_summary(tables[name], claim.measures)]
    return lines


def _judged_row(judged: Judged, measures: Mapping[str, str]) -> list[str]:
    """What is drawn at random has a mean with its interval.

    What is not goes from its least to its largest.
    """
    form = measures[judged.statement.column]
    exact = judged.statement.pair != "seed" and judged.difference.count
    words = (
        " to ".join(_number(end, form) for end in judged.ends)
        if exact
        else _told(judged.difference, form)
    )
    words = f"{words} points" if form == "%" else words
    return [judged.statement.says, judged.statement.role, words, judged.verdict]


def _summary(measurements: pd.DataFrame, measures: Mapping[str, str]) -> list[str]:
    """A table with the mean of every measure and its interval over seeds, for each setting."""
    measured = [c for c in measurements if c in measures]
    settings = [c for c in measurements if c not in measures and c != "seed"]
    groups = (
        measurements.groupby(settings, sort=False, dropna=False)
        if settings
        else [((), measurements)]
    )
    rows = []
    for setting, group in groups:
        values = setting if isinstance(setting, tuple) else (setting,)
        estimates = {str(c): mean_interval(_per_seed(group, str(c))) for c in measured}
        rows.append([*map(_plain, values), *(_told(e, measures[c]) for c, e in estimates.items())])
    heads = [f"{c}, %" if measures[str(c)] == "%" else str(c) for c in measured]
    return table([*map(str, settings), *heads], rows)


def _per_seed(group: pd.DataFrame, column: str) -> list[float]:
    known = group.dropna(subset=[column])
    return (
        (known.groupby("seed")[column].mean() if "seed" in known else known[column])
        .astype(float)
        .tolist()
    )


def _told(estimate: Estimate, form: str) -> str:
    """A mean with its interval."""
    if estimate.count == 0:
        return MISSING
    mean = _number(estimate.mean, form)
    return mean if not estimate.half > 0 else f"{mean} ± {_number(estimate.half, form)}"


def _number(value: float, form: str) -> str:
    """`%` as percent, anything else as `format` takes it."""
    return format(100 * value, ".1f") if form == "%" else format(value, form)


def _plain(value: object) -> str:
    return MISSING if pd.isna(value) else str(value)  # type: ignore[call-overload]
