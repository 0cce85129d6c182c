"""The page that compares finished runs: `report.md`, its figures and two tables (CSV)."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from modular_cls.files import replacing_file
from modular_cls.report.comparison import Comparison, compare, kept
from modular_cls.report.figures import confusions, contact_sheet, curves, recalls
from modular_cls.report.first import FIRST, first_lines
from modular_cls.report.html import write_html
from modular_cls.report.identical_terms import audit_lines
from modular_cls.report.intervals import write_intervals, write_matches
from modular_cls.report.misses import gather_predictions, most_missed, read_pictures
from modular_cls.report.results import FinishedRun, read_runs
from modular_cls.report.rows import write_results
from modular_cls.report.sections import (
    calibration_lines,
    contrast_lines,
    match_lines,
    miss_lines,
    score_lines,
    undefined_lines,
)
from modular_cls.report.sheets import make_sheet
from modular_cls.report.sorting import sort_runs
from modular_cls.report.trials import tuning_lines
from modular_cls.report.turns import turn_lines
from modular_cls.report.wording import listed
from modular_cls.runs.score_table import MISSING

_FEW_METHODS = 4


def write_report(places: Sequence[Path], out: Path, command: str | None = None) -> str:
    """Compare finished runs on one page.

    Args:
        places: Run folders, or folders that hold run folders.
        out: Where `report.md`, its figures, `report.html`, `results.csv`, `intervals.csv` and
            `match.csv` are written.
        command: What was typed to make it, printed at the top.

    Returns:
        The text of `report.md`.

    Raises:
        ConfigError: If a place holds no finished run, a run cannot be read, or two are of one cell.
    """
    runs = sort_runs(read_runs(places))
    comparisons = compare(runs.final)
    lines = ["# Runs compared", ""]
    lines += [f"Made by `{command}`.", ""] if command else []
    if first := [line for comparison in comparisons for line in first_lines(comparison)]:
        lines += [FIRST, "", *first, ""]
    for number, comparison in enumerate(comparisons, start=1):
        lines += _composite_lines(comparison, out, "" if number == 1 else f"_{number}")
    lines += _others_lines(comparisons, runs.final)
    lines += turn_lines(comparisons, runs.turns) if runs.turns else []
    lines += audit_lines(runs.final) if runs.final else []
    lines += tuning_lines(runs.trials) if runs.trials else []
    lines += undefined_lines(comparisons)
    write_results(out / "results.csv", runs)
    write_intervals(out / "intervals.csv", comparisons)
    write_matches(out / "match.csv", comparisons)
    page = "\n".join(lines)
    with replacing_file(out / "report.md") as partial:
        partial.write_text(page, encoding="utf-8")
    sheets = [sheet for comparison in comparisons if (sheet := make_sheet(comparison))]
    write_html(out / "report.html", page, sheets)
    return page


def _composite_lines(comparison: Comparison, out: Path, suffix: str) -> list[str]:
    """All sections on one composite; its figures are written beside."""
    lines = [
        f"## {comparison.composite}",
        "",
        _introduction(comparison),
        "",
        *score_lines(comparison),
    ]
    lines += _figure_lines(comparison, out, suffix)
    lines += contrast_lines(comparison)
    lines += match_lines(comparison)
    if figure := confusions(comparison):
        about = (
            "Confusion matrices, summed over seeds, in percent of the test images of each class:"
        )
        lines += ["### Confusion", "", about, "", _save(figure, out / f"confusion{suffix}.png"), ""]
    lines += calibration_lines(comparison)
    return [*lines, *miss_lines(comparison), *_sheet_lines(comparison, out / f"misses{suffix}.png")]


def _others_lines(comparisons: Sequence[Comparison], runs: Sequence[FinishedRun]) -> list[str]:
    """Composites that are not on the page."""
    shown = {comparison.composite for comparison in comparisons}
    others = listed(name for run in runs for name in run.composites if name not in shown)
    if others == MISSING:
        return []
    return [f"Not shown, for they hold no rare class: {others} (results.csv has them).", ""]


def _introduction(comparison: Comparison) -> str:
    text = f"Test split; mean over seeds with its 95 % interval, {comparison.over}."
    text += (
        " Close to 0 and 100 % intervals are too narrow. Worst-class recall is the mean of each "
    )
    text += "run's own lowest recall, which lies below that of any one class."
    if not comparison.same_test:
        text += " **The runs were tested on different images, so their scores do not compare.**"
    untested = sum(not run.metrics["test"] and not run.undefined for run in comparison.runs)
    if untested:
        text += (
            f" **No test split: {untested} of {len(comparison.runs)} runs have no scores here.**"
        )
    return text


def _figure_lines(comparison: Comparison, out: Path, suffix: str) -> list[str]:
    if not any(run.value(comparison.composite, "recall") for run in comparison.runs):
        return []
    main = out / f"report{suffix}.png"
    if len(comparison.keeps) == 1:
        return [_save(recalls(comparison), main), ""]
    lines = [_save(curves(comparison), main), ""]
    if len(comparison.methods) <= _FEW_METHODS:
        lines += [_save(recalls(comparison), out / f"recall{suffix}.png"), ""]
    return lines


def _sheet_lines(comparison: Comparison, path: Path) -> list[str]:
    """The rare images that the reference misses most often where least is kept."""
    runs = comparison.cell(comparison.reference or "", comparison.keeps[0])
    predictions = gather_predictions(runs, comparison.composite)
    images = most_missed(predictions)
    where = f"{comparison.reference} at {kept(comparison.keeps[0])} ({len(predictions)} runs)"
    if not images:
        return [f"No rare test image is missed by {where}.", ""] if any(predictions) else []
    pictures = read_pictures(runs[0], images)
    if isinstance(pictures, str):
        return [f"The images missed by {where} are not shown: {' '.join(pictures.split())}", ""]
    about = (
        f"Missed most often by {where}; under each, the share of runs that missed it, and the "
        "class most named:"
    )
    return [about, "", _save(contact_sheet(images, pictures), path), ""]


def _save(figure: Figure, path: Path) -> str:
    """Write a figure; returns the line that shows it."""
    with replacing_file(path) as partial:
        figure.savefig(partial, dpi=150, format="png")
    return f"![{path.stem}]({path.name})"
