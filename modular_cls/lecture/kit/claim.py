"""One claim of the lecture, measured into a folder: tables, figures, and what follows from them."""

import importlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import ModuleType

import pandas as pd

from modular_cls import __version__
from modular_cls.errors import ConfigError, unknown
from modular_cls.files import check_free, replacing_file
from modular_cls.jobs.executors import Inline, Processes
from modular_cls.lecture.kit.lab import Lab, Size
from modular_cls.lecture.kit.statement import Judged, judge, overall
from modular_cls.lecture.kit.training import device
from modular_cls.report.statistics import Estimate, mean_interval
from modular_cls.report.wording import table
from modular_cls.runs.metrics import MISSING

CLAIMS = ("depth", "data", "circuits", "layers", "speech", "pixels", "mimic")
MARKER = "lab.json"
_RESOLUTION = 150


def measure_claim(
    name: str,
    size: Size,
    out: Path,
    data: Path = Path("data"),
    processes: int | None = 1,
    overwrite: bool = False,
    command: str | None = None,
    executor: Executor | None = None,
) -> str:
    """Measure one claim.

    What an earlier call measured with the same size and data is not measured again.

    Args:
        name: One of `CLAIMS`.
        size: `quick` or `full`.
        out: Folder for `README.md`, its tables and figures, and `cells/`, which holds what was
            measured.
        data: Folder of the data sets that are not drawn.
        processes: How many measure beside each other, where no executor is given; None: one per
            core, and a single one where there is an accelerator, for they would share its memory.
        overwrite: Forget what an earlier call measured.
        command: What was typed, printed on the page.
        executor: Where to measure; its workers must see the same files.

    Returns:
        The text of `README.md`.

    Raises:
        ConfigError: If there is no such claim, a data set or a library is missing, or `out` holds
            measurements of another claim, size or data.
        OutputExistsError: If `out` holds something else.
    """
    claim = _module(name)
    if processes is None:
        processes = 1 if device().type != "cpu" else os.cpu_count() or 1
    if processes < 1:
        raise ConfigError(f"processes is {processes}; it must be at least 1")
    _prepare(
        out,
        {"claim": name, "size": size, "data": claim.needs(data), "version": __version__},
        overwrite,
    )
    alone = executor is None and processes == 1
    with _place(executor, processes) as place:
        lab = Lab(size, out, data, place, None if alone else 1)
        tables = claim.compute(lab)
        figures = claim.draw(lab, tables)
    for file, found in tables.items():
        with replacing_file(out / f"{file}.csv") as partial:
            found.to_csv(partial, index=False, float_format="%.6g")
    for file, figure in figures.items():
        with replacing_file(out / f"{file}.png") as partial:
            figure.savefig(partial, format="png", dpi=_RESOLUTION)
    text = _page(claim, tables, list(figures), command)
    with replacing_file(out / "README.md") as partial:
        partial.write_text(text, encoding="utf-8")
    return text


def verdicts(name: str, folder: Path) -> tuple[list[Judged], str]:
    """A claim's statements judged from the tables in a folder, and the verdict on the whole."""
    claim = _module(name)
    tables = {s.table: pd.read_csv(folder / f"{s.table}.csv") for s in claim.STATEMENTS}
    judged = [judge(s, tables) for s in claim.STATEMENTS]
    return judged, overall(judged)


def _place(executor: Executor | None, processes: int) -> AbstractContextManager[Executor]:
    """An executor that was given goes on living; one of ours ends with the claim."""
    if executor is not None:
        return nullcontext(executor)
    return Inline() if processes == 1 else Processes(processes)


def _module(name: str) -> ModuleType:
    if name not in CLAIMS:
        raise ConfigError(unknown("claim", name, CLAIMS))
    try:
        return importlib.import_module(f"modular_cls.lecture.{name}")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"claim {name} needs {error.name}: pip install 'modular-cls[lecture]'"
        ) from None


def _prepare(out: Path, facts: Mapping[str, object], overwrite: bool) -> None:
    """Make the folder, or see that what is there belongs to the same measurement."""
    marker = out / MARKER
    check_free(out, True, MARKER)
    if marker.is_file() and not overwrite:
        earlier = json.loads(marker.read_text(encoding="utf-8"))
        if differing := [k for k, v in facts.items() if earlier.get(k) != v]:
            told = ", ".join(f"{k} {earlier.get(k)!r}, not {facts[k]!r}" for k in differing)
            raise ConfigError(
                f"{out} holds measurements with {told}; give another --out, or --overwrite"
            )
    if overwrite:
        shutil.rmtree(out / "cells", ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    with replacing_file(marker) as partial:
        partial.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def _page(
    claim: ModuleType,
    tables: Mapping[str, pd.DataFrame],
    figures: Sequence[str],
    command: str | None,
) -> str:
    about = (claim.__doc__ or "").strip()
    judged = [judge(s, tables) for s in claim.STATEMENTS]
    lines = [f"# {about}", ""]
    lines += [f"Made by `{command}`.", ""] if command else []
    lines += [f"**Verdict: {overall(judged)}.**", ""]
    lines += table(
        ["statement", "difference (above 0: as stated)", "verdict"],
        (_judged_row(j, claim.MEASURES) for j in judged),
    )
    for figure in figures:
        lines += [f"![{figure}]({figure}.png)", ""]
    for name, found in tables.items():
        lines += [f"## {name}", "", *_summary(found, claim.MEASURES)]
    return "\n".join(lines)


def _judged_row(judged: Judged, measures: Mapping[str, str]) -> list[str]:
    """What is drawn at random has a mean with its interval.

    What is not goes from its least to its largest.
    """
    form = measures[judged.statement.column]
    exact = judged.statement.pair != "seed" and judged.difference.count
    told = (
        " to ".join(_number(end, form) for end in judged.ends)
        if exact
        else _told(judged.difference, form)
    )
    return [judged.statement.says, f"{told} points" if form == "%" else told, judged.verdict]


def _summary(found: pd.DataFrame, measures: Mapping[str, str]) -> list[str]:
    """A table with the mean of every measure and its interval over seeds, for each setting."""
    measured = [c for c in found if c in measures]
    settings = [c for c in found if c not in measures and c != "seed"]
    groups = found.groupby(settings, sort=False, dropna=False) if settings else [((), found)]
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
