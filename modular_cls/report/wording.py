"""Numbers and tables as text."""

import math
from collections.abc import Iterable, Sequence

from modular_cls.report.statistics import Estimate
from modular_cls.runs.score_table import MISSING, percent


def with_interval(estimate: Estimate) -> str:
    """A mean in percent with its 95 % interval, where there is one."""
    if math.isnan(estimate.half):
        return percent(estimate.mean)
    return f"{100 * estimate.mean:.1f} ± {100 * estimate.half:.1f} %"


def in_points(estimate: Estimate) -> str:
    """A difference in percentage points with its 95 % interval, where there is one."""
    if math.isnan(estimate.mean):
        return MISSING
    half = "" if math.isnan(estimate.half) else f" ± {100 * estimate.half:.1f}"
    return f"{round(100 * estimate.mean, 1) + 0.0:+.1f}{half}"  # no -0.0


def p_value(p: float) -> str:
    """A p-value; a dash where there is none."""
    if math.isnan(p):
        return MISSING
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines of a Markdown table, a blank one after it."""
    lines = [_line(header), "|" + "---|" * len(header), *map(_line, rows)]
    return [*lines, ""]


def listed(values: Iterable[object]) -> str:
    """Different values once each, in order, with commas; a dash where there is none."""
    return ", ".join(dict.fromkeys(str(v) for v in values if v is not None)) or MISSING


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(c).replace("|", "\\|").replace("\n", " ") for c in cells) + " |"
