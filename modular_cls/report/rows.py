"""`results.csv`: what the page is made from, one row a run."""

import csv
from pathlib import Path
from typing import Any

from modular_cls.files import replacing_file
from modular_cls.report.results import CALIBRATION, FinishedRun, keep_order
from modular_cls.report.sorting import Runs
from modular_cls.runs.score_table import SCORES

_TESTED = (*SCORES, CALIBRATION)
_COUNTS = ("trainable_parameters", "train_images", "updates")
_COLUMNS = (
    "composite",
    "method",
    "keep",
    "seed",
    *sorted(SCORES),
    CALIBRATION,
    "rare_test_images",
    "validation_balanced_accuracy",
    *_COUNTS,
    "learning_rate",
    "knob",
    "ridge",
    "seconds",
    "undefined",
    "empty",
)


def write_results(path: Path, runs: Runs) -> None:
    """Write one row per run and composite.

    Trials have no test scores, they are judged by the validation split; `empty` names the empty
    class where it is not the rare one.
    """
    rows = [_row(run, composite) for run in runs.final for composite in run.composites]
    rows += [
        _row(run, composite) | {"empty": ", ".join(sorted(run.rare_classes(composite)))}
        for run in runs.turns
        for composite in run.composites
    ]
    hidden = dict.fromkeys(_TESTED, "") | {"undefined": "a trial: not measured on the test split"}
    rows += [_row(run, composite) | hidden for run in runs.trials for composite in run.composites]
    rows.sort(key=_place)
    with replacing_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    """Sorts rows of `results.csv`."""
    keep = keep_order(row["keep"])
    return row["composite"], row["empty"], keep, row["method"], row["seed"]


def _row(run: FinishedRun, composite: str) -> dict[str, Any]:
    return {
        "composite": composite,
        "method": run.method,
        "keep": run.keep,
        "empty": "",
        "seed": run.seed,
        **{score: None if run.undefined else run.value(composite, score) for score in _TESTED},
        "rare_test_images": run.value(composite, "rare_support"),
        **{name: run.metrics.get(name) for name in (*_COUNTS, "seconds")},
        "validation_balanced_accuracy": run.value(composite, "balanced_accuracy", "validation"),
        "learning_rate": run.learning_rate,
        "knob": "; ".join(f"{k} = {v}" for k, v in (run.metrics.get("knob") or {}).items()),
        "ridge": run.ridge,
        "undefined": run.undefined,
    }
