"""A run folder: what its files are called, how they are written, and how a finished run is loaded.

It holds `config.yaml` (rerunnable as it stands), `metrics.json`, `predictions.csv` (test images),
`classes.json`, `log.csv` and `checkpoints/last.ckpt`, whose weights are those that were tested,
fitted biases included. Runs with additive composite heads also hold `scores.safetensors`
(scores.py).
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from modular_cls.config import Config
from modular_cls.data.dataset import AttributeDataset
from modular_cls.errors import ConfigError
from modular_cls.files import new_folder, replacing_file
from modular_cls.models.build import build_model
from modular_cls.models.joint import JointClassifier
from modular_cls.parsing import load_config
from modular_cls.schema import Schema

MARKER = "metrics.json"
CHECKPOINT = Path("checkpoints") / "last.ckpt"


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        config: What was run.
        model: The trained model, in evaluation mode, on the CPU.
        metrics: The content of `metrics.json`.
    """

    config: Config
    model: JointClassifier
    metrics: dict[str, Any]

    @classmethod
    def load(cls, folder: str | Path) -> "Run":
        """Load a run folder. Instantiates classes of this package and timm networks only.

        Raises:
            ConfigError: If the folder is not a finished run.
        """
        folder = Path(folder)
        if (folder / MARKER).is_file() and (reason := _read(folder / MARKER).get("undefined")):
            raise ConfigError(f"{folder} holds no model: {reason}")
        for needed in ("config.yaml", MARKER, CHECKPOINT):
            if not (folder / needed).is_file():
                raise ConfigError(f"{folder} is not a finished run: it holds no {needed}")
        config = load_config(folder / "config.yaml")
        model = build_model(config, Schema.from_dict(config.schema), pretrained=False)
        state = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)["state_dict"]
        model.load_state_dict(
            {k.removeprefix("model."): v for k, v in state.items() if k.startswith("model.")}
        )
        return cls(config, model.eval(), _read(folder / MARKER))


def describe(config: Config) -> dict[str, Any]:
    """What `metrics.json` says of a configuration."""
    keeps = [s.keep for s in config.data.scarcities]
    return {
        "method": config.method,
        "model": config.model["name"],
        "seed": config.seed,
        "keep": keeps if len(keeps) > 1 else (keeps[0] if keeps else None),
        "learning_rate": config.training.learning_rate,
        "trials": config.training.trials,
    }


def write_result(folder: Path, config: Config, metrics: dict[str, Any]) -> None:
    """Write `config.yaml` and, last, `metrics.json`."""
    (folder / "config.yaml").write_text(
        yaml.safe_dump(config.to_dict(), sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    write_metrics(folder / MARKER, metrics)


def write_undefined(config: Config, out: Path, reason: str, overwrite: bool = False) -> None:
    """Write the folder of a run that has no meaning for its method.

    Its metrics are null, with the reason.
    """
    with new_folder(out, overwrite, MARKER) as folder:
        write_result(folder, config, {**describe(config), "undefined": reason, "test": {}})


def write_metrics(path: Path, metrics: dict[str, Any]) -> None:
    """Write metrics as JSON; an earlier file stays until the new one is complete."""
    with replacing_file(path) as partial:
        partial.write_text(
            json.dumps(metrics, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def write_classes(folder: Path, schema: Schema) -> None:
    """Write `classes.json`: classes by output, in the order of their probabilities."""
    classes = {c.name: list(c.class_names) for c in schema.outputs}
    (folder / "classes.json").write_text(
        json.dumps(classes, indent=1, ensure_ascii=False), encoding="utf-8"
    )


def write_predictions(
    path: Path, dataset: AttributeDataset, predicted: Mapping[str, Tensor]
) -> None:
    """Write the class and the predicted class of each test image, for every output."""
    outputs = dataset.manifest.schema.outputs
    names = {o.name: [*o.class_names, ""] for o in outputs}  # -1, unknown, is the last
    columns: list[Any] = [dataset.manifest.paths]
    for o in outputs:
        columns.append([names[o.name][z] for z in dataset.targets[o.name].tolist()])
        columns.append([names[o.name][z] for z in predicted[o.name].tolist()])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["path", *(column for o in outputs for column in (o.name, f"{o.name}:predicted"))]
        )
        writer.writerows(zip(*columns, strict=True))


def _read(path: Path) -> dict[str, Any]:
    try:
        metrics: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} is corrupt: {error}") from None
    return metrics
