"""Run folders -> finished runs, and `results.csv`, which holds what the page is made from."""

import csv
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from modular_cls.config import Config
from modular_cls.errors import ConfigError
from modular_cls.files import replacing_file
from modular_cls.parsing import parse_files
from modular_cls.runs.score_table import SCORES
from modular_cls.schema import Schema

ALL = "all"  # kept, where nothing was taken away
CALIBRATION = "ece"
_TESTED = (*SCORES, CALIBRATION)
_METRICS = "metrics.json"
_NEEDED = ("method", "seed", "keep", "test")
_COUNTS = ("trainable_parameters", "train_images", "updates")
_COLUMNS = (
    "composite",
    "method",
    "keep",
    "seed",
    *sorted(SCORES),
    CALIBRATION,
    "rare_test_images",
    *_COUNTS,
    "learning_rate",
    "ridge",
    "seconds",
    "undefined",
    "empty",
)


@dataclass(frozen=True)
class FinishedRun:
    """What a run folder says of itself.

    Attributes:
        folder: The run folder.
        metrics: The content of its `metrics.json`.
    """

    folder: Path
    metrics: dict[str, Any]

    @property
    def method(self) -> str:
        """Name of the method."""
        return str(self.metrics["method"])

    @property
    def seed(self) -> int:
        """The seed, which pairs runs of different methods."""
        return int(self.metrics["seed"])

    @property
    def keep(self) -> str:
        """Images kept of the rare class as a label.

        A number (of each, if there are several), `all`, or a list.
        """
        keep = self.metrics["keep"]
        if isinstance(keep, list) and len(set(keep)) == 1:
            keep = keep[0]
        return ALL if keep is None else str(keep)

    @property
    def undefined(self) -> str:
        """Why the method does not exist at this number of images; blank where it does."""
        return str(self.metrics.get("undefined") or "")

    @cached_property
    def config(self) -> Config:
        """The configuration; raises ConfigError if the folder holds none."""
        if not (self.folder / "config.yaml").is_file():
            raise ConfigError(
                f"{self.folder} holds no config.yaml; a run folder has the one it was trained with"
            )
        return parse_files(self.folder / "config.yaml")

    @cached_property
    def schema(self) -> Schema:
        """The schema of the configuration."""
        return Schema.from_dict(self.config.schema)

    @property
    def model(self) -> str:
        """Class of the model: ModularClassifier or FlatClassifier."""
        return str(self.metrics.get("model") or self.config.model["name"])

    @property
    def learning_rate(self) -> float | None:
        """Peak learning rate; None where heads were solved."""
        if self.frozen:
            return None
        return float(self.metrics.get("learning_rate") or self.config.training.learning_rate)

    @property
    def scarce(self) -> tuple[tuple[tuple[str, str], ...], ...]:
        """Which joint classes are made scarce, whatever their order."""
        return tuple(
            sorted(tuple(sorted(s.joint_class.items())) for s in self.config.data.scarcities)
        )

    @property
    def trial(self) -> bool:
        """Whether it is one of the runs by which a rate or knob is chosen, not one to compare."""
        return not self.config.data.test

    @property
    def frozen(self) -> bool:
        """Whether heads were solved on a frozen backbone."""
        return self.config.backbone.frozen

    def rare_classes(self, composite: str) -> set[str]:
        """Names of the joint classes made scarce, in a composite."""
        joint = self.schema.output(composite)
        scarce = (self.schema.scarce_values(s.joint_class) for s in self.config.data.scarcities)
        return {joint.class_names[z] for values in scarce for z in joint.contains(values)}

    @property
    def ridge(self) -> float | None:
        """The ridge chosen for its heads, where they were solved."""
        return self.metrics.get("ridge")

    @property
    def composites(self) -> list[str]:
        """Names of the composites; without any, of the attributes.

        An undefined run has no metrics to read them from.
        """
        scored = [
            name for name, values in self.metrics["test"].items() if "rare_class_recall" in values
        ]
        if scored:
            return scored
        return [output.name for output in self.schema.composites or self.schema.outputs]

    def value(self, composite: str, name: str, split: str = "test") -> Any:
        """One metric of a composite; None where it is unknown or not a number."""
        value = (self.metrics.get(split) or {}).get(composite, {}).get(name)
        return None if isinstance(value, float) and math.isnan(value) else value


def read_runs(places: Sequence[Path]) -> list[FinishedRun]:
    """Read run folders, or the run folders in folders; each folder counts once.

    Raises:
        ConfigError: If a place holds no finished run, or a `metrics.json` cannot be read.
    """
    runs: dict[Path, FinishedRun] = {}
    for place in places:
        files = (
            [place / _METRICS]
            if (place / _METRICS).is_file()
            else sorted(place.glob(f"[!.]*/{_METRICS}"))
        )
        if not files:
            raise ConfigError(
                f"{place} holds no finished run (no {_METRICS}, neither in folders in it)"
            )
        for file in files:
            if file.parent.resolve() not in runs:
                runs[file.parent.resolve()] = FinishedRun(file.parent, _read_metrics(file))
    return list(runs.values())


@dataclass(frozen=True)
class Runs:
    """Runs by what they are for.

    Attributes:
        final: To compare; all of one rare class, unless others than k = 0 differ too.
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
            do not pair.
    """
    tested = [r for r in runs if not r.trial]
    usual = Counter(r.scarce for r in tested).most_common(1)
    turns = [r for r in tested if r.keep == "0" and r.scarce != usual[0][0]]
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


def write_results(path: Path, runs: Runs) -> None:
    """Write one row per run and composite.

    Trials have no test scores; `empty` names the empty class where it is not the rare one.
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


def keep_order(keep: str) -> tuple[float, str]:
    """Sorts numbers kept: numbers, then lists, then `all`."""
    if keep.isdigit():
        return float(keep), ""
    return math.inf, "~" if keep == ALL else keep


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
        "learning_rate": run.learning_rate,
        "ridge": run.ridge,
        "undefined": run.undefined,
    }


def _read_metrics(file: Path) -> dict[str, Any]:
    try:
        metrics = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:  # JSON's and Unicode's errors are ValueErrors
        raise ConfigError(
            f"{file} cannot be read: {error}; train this run again, or remove its folder"
        ) from None
    missing = [key for key in _NEEDED if not isinstance(metrics, dict) or key not in metrics]
    if missing or not isinstance(metrics["test"], dict):
        what = (
            f"it has no {', '.join(missing)}"
            if missing
            else "its `test` is not a mapping of outputs"
        )
        raise ConfigError(
            f"{file} is not the metrics of a run: {what}; train this run again, or remove its "
            "folder"
        )
    if most := metrics.get("limited_to"):
        raise ConfigError(
            f"{file.parent} is a first look at {most} pictures (data.limit), no result to report; "
            "train it without --limit"
        )
    return dict(metrics)
