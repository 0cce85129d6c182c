"""Run folders -> finished runs."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from modular_cls.config import Config
from modular_cls.errors import ConfigError
from modular_cls.parsing import parse_files
from modular_cls.schema import Schema

ALL = "all"  # kept, where nothing was taken away
CALIBRATION = "ece"
_METRICS = "metrics.json"
_NEEDED = ("method", "seed", "keep", "test")


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
            sorted({tuple(sorted(s.joint_class.items())) for s in self.config.data.scarcities})
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


def keep_order(keep: str) -> tuple[float, str]:
    """Sorts numbers kept: numbers, then lists, then `all`."""
    if keep.isdigit():
        return float(keep), ""
    return math.inf, "~" if keep == ALL else keep


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
