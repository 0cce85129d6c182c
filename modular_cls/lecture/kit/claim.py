"""One claim of the lecture, measured into a folder: tables, figures, and what follows from them."""

import json
import os
import shutil
from collections.abc import Collection, Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from modular_cls import __version__
from modular_cls.errors import ConfigError
from modular_cls.files import check_free, replacing_file
from modular_cls.jobs.executors import Inline, Processes
from modular_cls.lecture.kit.claim_page import page
from modular_cls.lecture.kit.lab import Lab, Size
from modular_cls.lecture.kit.learning import device
from modular_cls.lecture.kit.part import CLAIMS, Claim, Part, load_claim
from modular_cls.lecture.kit.statement import Judged, judge, overall

__all__ = ["CLAIMS", "MARKER", "measure_claim", "verdicts"]

MARKER = "lab.json"
_RESOLUTION = 150
_LOOK: Any = {"font.size": 12, "legend.fontsize": 11}  # to be read from the last row


def measure_claim(
    name: str,
    size: Size,
    out: Path,
    data: Path = Path("data"),
    processes: int | None = 1,
    overwrite: bool = False,
    command: str | None = None,
    executor: Executor | None = None,
    only: Collection[str] | None = None,
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
        only: Names of the parts to measure; tables and figures of the others stay as they are in
            `out`. None: all parts; an empty collection: none, the tables are judged again.

    Returns:
        The text of `README.md`.

    Raises:
        ConfigError: If there is no such claim or part, a data set or a library is missing, or `out`
            holds measurements of another claim, size or data.
        OutputExistsError: If `out` holds something else.
    """
    claim = load_claim(name)
    chosen = claim.chosen(only)
    if processes is None:
        processes = 1 if device().type != "cpu" else os.cpu_count() or 1
    if processes < 1:
        raise ConfigError(f"processes is {processes}; it must be at least 1")
    if overwrite and only is not None:
        raise ConfigError("all parts are forgotten with --overwrite, so it cannot go with --only")
    facts = {"claim": name, "size": size, "data": claim.needs(data), "version": __version__}
    marker = _prepare(out, facts, overwrite)
    alone = executor is None and processes == 1
    with _place(executor, processes) as place:
        lab = Lab(size, out, data, place, None if alone else 1)
        for part in chosen:
            marker["parts"][part.name] = _measure_part(part, lab)
            _write(out / MARKER, json.dumps(marker, indent=1) + "\n")
    text = page(claim, _tables(claim, marker["parts"], out), marker["parts"], out, command)
    _write(out / "README.md", text)
    return text


def verdicts(name: str, folder: Path) -> tuple[list[Judged], str]:
    """A claim's statements judged from the tables in a folder, and the verdict on the whole."""
    claim = load_claim(name)
    marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    tables = _tables(claim, marker["parts"], folder)
    judged = [judge(s, tables) for s in claim.statements]
    return judged, overall(judged)


def _measure_part(part: Part, lab: Lab) -> list[str]:
    """Write the tables and figures of one part; the names of the figures."""
    tables = part.compute(lab)
    with mpl.rc_context(_LOOK):
        figures = part.draw(lab, tables)
    for name, table in tables.items():
        with replacing_file(lab.folder / f"{name}.csv") as partial:
            table.to_csv(partial, index=False, float_format="%.6g")
    for name, figure in figures.items():
        save_figure(figure, lab.folder / name)
    return list(figures)


def save_figure(figure: Figure, path: Path) -> None:
    """Write `path`.png and `path`.svg, the same bytes for the same figure."""
    with replacing_file(path.with_suffix(".png")) as partial:
        figure.savefig(partial, format="png", dpi=_RESOLUTION)
    settings: Any = {"svg.hashsalt": path.name, "svg.fonttype": "none"}
    with mpl.rc_context(settings), replacing_file(path.with_suffix(".svg")) as partial:
        figure.savefig(partial, format="svg", dpi=_RESOLUTION, metadata={"Date": None})


def _tables(claim: Claim, measured: Collection[str], folder: Path) -> dict[str, pd.DataFrame]:
    """As they are written, so that the page and a later judgement see the same numbers."""
    names = [t for part in claim.parts if part.name in measured for t in part.tables]
    return {name: pd.read_csv(folder / f"{name}.csv") for name in names}


def _place(executor: Executor | None, processes: int) -> AbstractContextManager[Executor]:
    """An executor that was given goes on living; one of ours ends with the claim."""
    if executor is not None:
        return nullcontext(executor)
    return Inline() if processes == 1 else Processes(processes)


def _prepare(out: Path, facts: Mapping[str, object], overwrite: bool) -> dict[str, Any]:
    """Make the folder, or see that what is there belongs to the same measurement.

    Returns:
        What is written in its marker: the facts, and `parts`, the figures of each part that is
        measured.
    """
    marker = out / MARKER
    check_free(out, True, MARKER)
    parts: dict[str, list[str]] = {}
    if marker.is_file() and not overwrite:
        earlier = json.loads(marker.read_text(encoding="utf-8"))
        if differing := [k for k, v in facts.items() if earlier.get(k) != v]:
            differences = ", ".join(f"{k} {earlier.get(k)!r}, not {facts[k]!r}" for k in differing)
            raise ConfigError(
                f"{out} holds measurements with {differences}; give another --out, or --overwrite"
            )
        parts = earlier.get("parts", {})
    if overwrite:
        shutil.rmtree(out / "cells", ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    record = {**facts, "parts": parts}
    _write(marker, json.dumps(record, indent=1) + "\n")
    return record


def _write(path: Path, text: str) -> None:
    with replacing_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
