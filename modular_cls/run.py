"""One run: train a configuration into a run folder, load a run folder, evaluate it.

A run folder holds `config.yaml` (rerunnable as it stands), `metrics.json`, `predictions.csv` (test
images), `classes.json`, `log.csv` and `checkpoints/last.ckpt`, whose weights are those that were tested,
fitted biases included. Runs with additive composite heads also hold `scores.safetensors` (scores.py).
"""

import csv
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import yaml
from torch import Tensor

from modular_cls import criteria
from modular_cls.config import Config, Data
from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.data.dataset import AttributeDataset
from modular_cls.errors import ConfigError
from modular_cls.files import check_free, new_folder, replacing_file
from modular_cls.finish import Features
from modular_cls.fit import Ending, Fit, be_quiet, build_model, use_threads
from modular_cls.models.joint import JointClassifier
from modular_cls.models.modular import ModularClassifier
from modular_cls.parsing import load_config
from modular_cls.schema import Schema
from modular_cls.scores import AttributeScores, additive
from modular_cls.task import AttributeTask

MARKER = "metrics.json"
_CHECKPOINT = Path("checkpoints") / "last.ckpt"


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
        for needed in ("config.yaml", MARKER, _CHECKPOINT):
            if not (folder / needed).is_file():
                raise ConfigError(f"{folder} is not a finished run: it holds no {needed}")
        config = load_config(folder / "config.yaml")
        model = build_model(config, Schema.from_dict(config.schema), pretrained=False)
        state = torch.load(folder / _CHECKPOINT, map_location="cpu", weights_only=True)["state_dict"]
        model.load_state_dict({k.removeprefix("model."): v for k, v in state.items() if k.startswith("model.")})
        return cls(config, model.eval(), _read(folder / MARKER))


def train(config: Config, out: str | Path, overwrite: bool = False, progress: bool = True) -> Run:
    """Train one configuration and write its run folder.

    Args:
        config: What to run.
        out: The run folder.
        overwrite: Replace an earlier run; it stays until the new one is complete.
        progress: Show progress bars.

    Raises:
        ValueError: Before anything slow, if the configuration or the manifest does not fit; the
            message names the key or row, what came and what is accepted.
    """
    check_free(Path(out), overwrite, MARKER)
    fit = Fit(config, progress)
    ending = fit.ending(config)
    fit.announce()
    fit.run(progress)
    return complete(fit, ending, config, out, overwrite, progress)


def complete(
    fit: Fit, ending: Ending, config: Config, out: str | Path, overwrite: bool = False, progress: bool = True
) -> Run:
    """Finish a fitted model, test it and write the run folder.

    Args:
        fit: The fit, done; several runs may end it in different ways.
        ending: How this run ends it: `fit.ending(config)`.
        config: What to run; differs from the fit's in its ending only.
        out: The run folder.
        overwrite: Replace an earlier run; it stays until the new one is complete.
        progress: Show progress bars.
    """
    out, started = Path(out), time.monotonic()
    fit.model.load_state_dict(fit.weights)
    fit.model.set_priors(ending.priors)
    with new_folder(out, overwrite, MARKER) as folder:
        notes, cached = _finish(fit, ending)
        metrics = {
            **describe(config),
            "train_images": len(fit.data.manifest.split("train")),
            "train_list": fit.data.train_digest,
            "train_counts": {name: counts.tolist() for name, counts in fit.counts["train"].items()},
            "skipped_images": fit.data.skipped,
            "trainable_parameters": fit.parameters,
            "updates": config.training.updates,
            "seconds": None,
            "validation": evaluate(fit.task, fit.data, "validation", progress),
            "test": evaluate(fit.task, fit.data, "test", progress),
            "finish": fit.task.criterion.notes() | notes,
        }
        # Saved after the finish steps, so that the weights on disk are those that were tested.
        fit.trainer.save_checkpoint(folder / _CHECKPOINT, weights_only=False)
        (folder / "log.csv").write_text(fit.log, encoding="utf-8")
        write_predictions(folder / "predictions.csv", fit.data.datasets["test"], fit.task.predicted)
        write_classes(folder, fit.schema)
        if model := additive(fit.model):
            _keep_scores(folder, fit, model, cached)
        metrics["seconds"] = round(fit.seconds + time.monotonic() - started, 1)
        write_result(folder, config, metrics)
    return Run(config, fit.model.cpu().eval(), metrics)


def write_undefined(config: Config, out: Path, reason: str, overwrite: bool = False) -> None:
    """Write the folder of a run that has no meaning for its method: its metrics are null, with the reason."""
    with new_folder(out, overwrite, MARKER) as folder:
        write_result(folder, config, {**describe(config), "undefined": reason, "test": {}})


def evaluate_run(run: Run, data: Data, split: str = "test") -> dict[str, Any]:
    """Metrics of a run on the pictures of any manifest with its schema.

    Args:
        run: The run.
        data: The pictures; scarcity says which classes count as rare, no image is left out.
        split: Which split of the manifest.

    Returns:
        Metrics by output, as in `metrics.json`.
    """
    be_quiet()
    use_threads(run.config)
    schema = run.model.schema
    scarce = [dict(s.joint_class) for s in data.scarcities]
    whole = replace(data, scarcity=None, hold_out=0.0)
    module = AttributeDataModule(schema, whole, run.config.seed, splits=(split,))
    module.decode()
    counts = {j.name: torch.ones(j.size) for j in schema.joints}
    criterion = criteria.JointLikelihood(schema, counts, tau=0.0)
    return evaluate(AttributeTask(run.model, criterion, run.config.training, scarce), module, split)


def evaluate(task: AttributeTask, data: AttributeDataModule, split: str, progress: bool = True) -> dict[str, Any]:
    """Metrics of a task's model on a split, on one device: spread over several, images would be padded."""
    tester = pl.Trainer(
        accelerator=task.training_config.accelerator, devices=1, precision=task.training_config.precision,
        logger=False, enable_checkpointing=False, enable_model_summary=False, enable_progress_bar=progress,
    )  # fmt: skip
    tester.test(task, data.split_dataloader(split), verbose=False)
    return task.results["test"]


def write_metrics(path: Path, metrics: dict[str, Any]) -> None:
    """Write metrics as JSON; an earlier file stays until the new one is complete."""
    with replacing_file(path) as partial:
        partial.write_text(json.dumps(metrics, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _finish(fit: Fit, ending: Ending) -> tuple[dict[str, float], dict[str, Features]]:
    """Run the finish steps on cached features of the images that they use; returns their notes and the features."""
    fit.model.eval().to(fit.trainer.strategy.root_device)  # Lightning has put the model back on the CPU
    notes: dict[str, float] = {}
    cached: dict[str, Features] = {}
    for step in ending.steps:
        for kind in set(step.uses) - set(cached):
            cached[kind] = _features(fit, kind)
        notes |= step(fit.model, cached)
    return notes, cached


@torch.no_grad()
def _features(fit: Fit, kind: str) -> Features:
    device, batches = fit.trainer.strategy.root_device, fit.data.split_dataloader(kind)
    fit.model.eval().to(device)
    features = torch.cat([fit.model.extract(batch["image"].to(device)).float() for batch in batches])
    return Features(features, {name: t.to(device) for name, t in fit.data.datasets[kind].targets.items()})


@torch.no_grad()
def _keep_scores(folder: Path, fit: Fit, model: ModularClassifier, cached: dict[str, Features]) -> None:
    train = cached.get("train") or _features(fit, "train")
    # Testing in bf16-true leaves its type behind.
    scores = model.to(train.features.device, torch.float32).attribute_scores(train.features)
    AttributeScores.draw(fit.schema, scores, train.targets, fit.config.seed).write(folder)


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


def write_classes(folder: Path, schema: Schema) -> None:
    """Write `classes.json`: the classes of each attribute and composite, in the order of their probabilities."""
    classes = {c.name: list(c.class_names) for c in schema.outputs}
    (folder / "classes.json").write_text(json.dumps(classes, indent=1, ensure_ascii=False), encoding="utf-8")


def write_predictions(path: Path, dataset: AttributeDataset, predicted: Mapping[str, Tensor]) -> None:
    """Write the class and the predicted class of each test image, for every output."""
    outputs = dataset.manifest.schema.outputs
    names = {o.name: [*o.class_names, ""] for o in outputs}  # -1, unknown, is the last
    columns: list[Any] = [dataset.manifest.paths]
    for o in outputs:
        columns.append([names[o.name][z] for z in dataset.targets[o.name].tolist()])
        columns.append([names[o.name][z] for z in predicted[o.name].tolist()])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", *(column for o in outputs for column in (o.name, f"{o.name}:predicted"))])
        writer.writerows(zip(*columns, strict=True))


def _read(path: Path) -> dict[str, Any]:
    try:
        metrics: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} is corrupt: {error}") from None
    return metrics


def write_result(folder: Path, config: Config, metrics: dict[str, Any]) -> None:
    """Write `config.yaml` and, last, `metrics.json`."""
    (folder / "config.yaml").write_text(
        yaml.safe_dump(config.to_dict(), sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    write_metrics(folder / MARKER, metrics)
