"""A run folder: what its files are called, how they are written, and how a finished run is loaded.

It holds `config.yaml` (rerunnable as it stands), `metrics.json`, `predictions.csv` (test images),
`classes.json`, `log.csv` and `checkpoints/last.safetensors`, the weights that were tested, fitted
biases included. Runs with additive composite heads also hold `scores.safetensors` (scores.py).
`metrics.json` is written last and knows the SHA-256 of the other files.
"""

import csv
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from torch import Tensor

from modular_cls.config import Config
from modular_cls.config.bases import read_yaml
from modular_cls.data.dataset import AttributeDataset
from modular_cls.errors import ConfigError
from modular_cls.files import new_folder, put_back, replacing_file
from modular_cls.models.backbone import Description
from modular_cls.models.build import build_model
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.parsing import read_config
from modular_cls.runs.backbone_file import FILE as BACKBONE
from modular_cls.runs.backbone_file import described_backbone, read_description
from modular_cls.runs.identity import identity
from modular_cls.runs.scores import FILE as SCORES
from modular_cls.runs.weights import (
    changed,
    digest,
    fill,
    not_finite,
    read_json,
    read_tensors,
    refuse,
    write_tensors,
)
from modular_cls.schema import Attribute, Composite, Schema

MARKER = "metrics.json"
CONFIG = "config.yaml"
WEIGHTS = "checkpoints/last.safetensors"


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        config: What was run.
        model: The trained model, in evaluation mode, on the CPU.
        metrics: The content of `metrics.json`.
        described: The network that the model stands on, whatever became of where it came from.
    """

    config: Config
    model: JointClassifier
    metrics: dict[str, Any]
    described: Description

    @classmethod
    def load(cls, folder: str | Path) -> "Run":
        """Load a run folder.

        Instantiates classes of this package and timm networks only, and unpickles nothing.

        Raises:
            ConfigError: If the folder is not a finished run, or a file of it is damaged.
        """
        folder = Path(folder)
        metrics = read_marker(folder)
        if reason := metrics.get("undefined"):
            raise ConfigError(f"{folder} holds no model: {reason}")
        if most := metrics.get("limited_to"):
            print(f"{folder} is a first look at {most} pictures, no result", file=sys.stderr)
        verify(folder, metrics, {WEIGHTS, BACKBONE} | ({SCORES} & metrics["sha256"].keys()))
        config = read_config(folder / CONFIG)
        described = read_description(folder)
        backbone = described_backbone(folder, config.backbone, described)
        schema = Schema.from_dict(config.schema)
        model = build_model(config, schema, backbone)
        weights = read_weights(folder)
        if backbone.frozen:  # its weights are known by their digest
            weights |= model.backbone_weights()
        fill(folder / WEIGHTS, model, weights)
        return cls(config, model.eval(), metrics, described)


def read_marker(folder: Path) -> dict[str, Any]:
    """Read the `metrics.json` of a run; raises ConfigError if there is none that one can trust."""
    put_back(folder)
    if not (folder / MARKER).is_file():
        raise ConfigError(f"{folder} is not a finished run: it holds no {MARKER}")
    metrics = read_json(folder / MARKER)
    kinds = {"method": str, "identity": str, "sha256": dict, "test": dict}
    if wrong := [key for key, kind in kinds.items() if not isinstance(metrics.get(key), kind)]:
        raise ConfigError(
            f"{folder / MARKER} is not that of a finished run of this version: {', '.join(wrong)} "
            "missing or of another type; train it again"
        )
    return metrics


def verify(folder: Path, metrics: Mapping[str, Any], names: Iterable[str] | None = None) -> None:
    """Check files of a run, its configuration always, against what its `metrics.json` knows.

    Args:
        folder: The run.
        metrics: What `read_marker` returns.
        names: Which files; default all that the run was written with.

    Raises:
        ConfigError: Naming each file that is missing or changed.
    """
    known = metrics["sha256"]
    problems = [
        wrong
        for name in (known if names is None else names)
        if (wrong := changed(folder, name, known, MARKER))
    ]
    refuse(folder, problems)
    if identity(read_yaml(folder / CONFIG)) != metrics["identity"]:
        raise ConfigError(
            f"{folder / CONFIG} is not the configuration of this run any more, of which {MARKER} "
            "holds a digest; only where its pictures are and how fast it computes may be changed "
            "in it"
        )


def write_weights(folder: Path, state: Mapping[str, Tensor]) -> None:
    """Write the weights of a finished run, by their names in its model.

    Raises:
        ConfigError: If they are not finite: that is no finished run.
    """
    refuse("weights that are not finite", not_finite(state))
    write_tensors(folder / WEIGHTS, state)


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Read the weights of a run; `fill` checks them as it puts them into the model.

    Raises:
        ConfigError: If the file is missing or corrupt.
    """
    return read_tensors(folder / WEIGHTS)[0]


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
        "edges": config.training.edges,
        **({} if config.data.limit is None else {"limited_to": config.data.limit}),
    }


def write_result(folder: Path, config: Config, metrics: dict[str, Any]) -> None:
    """Write `config.yaml` and, last, `metrics.json` with the digests of all other files."""
    text = yaml.safe_dump(config.to_dict(), sort_keys=False, allow_unicode=True)
    (folder / CONFIG).write_text(text, encoding="utf-8")
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    known = {
        "identity": identity(yaml.safe_load(text)),
        "sha256": {name: digest(folder / name) for name in files if name not in (MARKER, CONFIG)},
    }
    write_metrics(folder / MARKER, metrics | known)


def write_undefined(
    config: Config, out: Path, reason: str, overwrite: bool = False, **facts: Any
) -> None:
    """Write the folder of a run that has no meaning for its method.

    Its metrics are null, with the reason; `facts` stand beside what its configuration says.
    """
    with new_folder(out, overwrite, MARKER) as folder:
        write_result(folder, config, {**describe(config), **facts, "undefined": reason, "test": {}})


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


def column_given(composite: Composite, attribute: Attribute) -> str:
    """Name of what is predicted of a composite when one of its attributes is set to the truth."""
    return f"{composite.name}:given:{attribute.name}"


def write_predictions(
    path: Path, dataset: AttributeDataset, predicted: Mapping[str, Tensor]
) -> None:
    """Write the class and the predicted class of each test image, for every output.

    And of each composite what is predicted with an attribute set to the truth (`given`).
    """
    schema = dataset.manifest.schema
    columns: dict[str, Any] = {"path": dataset.manifest.paths}
    for o in schema.outputs:
        names = [*o.class_names, ""]  # -1, unknown, is the last
        columns[o.name] = [names[z] for z in dataset.targets[o.name].tolist()]
        columns[f"{o.name}:predicted"] = [names[z] for z in predicted[o.name].tolist()]
    for c in schema.composites:
        names = [*c.class_names, ""]
        for name in (column_given(c, a) for a in c.attributes):
            columns[name] = [names[z] for z in predicted[name].tolist()]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
