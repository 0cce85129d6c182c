"""Metrics of a model on a split of any manifest with its schema."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from modular_cls import criteria
from modular_cls.config import Data
from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.features.extract import extract_features
from modular_cls.finish import Features
from modular_cls.models.frozen_weights import digest_of
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.runs.folder import Run
from modular_cls.training.interventions import answers
from modular_cls.training.metrics import build_metrics
from modular_cls.training.task import AttributeTask, joined
from modular_cls.training.trainer import ConfinedTrainer, MeasuringBar, be_quiet, use_threads

_ROWS = 4096  # of features that are scored at once


def evaluate_features(
    model: JointClassifier, images: Features, scarce: list[dict[str, str]]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Metrics of a model on features of images by output, and its `answers`."""
    meters = build_metrics(model.schema, scarce)
    logs = log_probabilities(model, images.features)
    for name, meter in meters.items():
        meter.update(logs[name], images.targets[name])
    results = {name: meter.compute() for name, meter in meters.items()}
    return results, answers(model.schema, logs, images.targets)


@torch.no_grad()
def log_probabilities(model: JointClassifier, features: Tensor) -> dict[str, Tensor]:
    """Log probabilities of every output from features (N, F), each of shape (N, classes)."""
    parts = [model.log_probabilities(model.score(rows)) for rows in features.split(_ROWS)]
    return joined(parts)


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
    whole = replace(data, scarcity=None, hold_out=0.0, limit=None, per_class=None)
    module = AttributeDataModule(schema, whole, run.config.seed, splits=(split,))
    if run.model.frozen:
        rows, network = module.datasets[split], run.model.backbone
        features = extract_features(
            rows.manifest, rows.pixels, network, digest_of(network), f"Features, {split}"
        )
        return evaluate_features(run.model, Features(features, rows.targets), scarce)[0]
    module.decode()
    counts = {j.name: torch.ones(j.size) for j in schema.joints}
    criterion = criteria.JointLikelihood(run.model.learned, counts, tau=0.0)
    return evaluate(AttributeTask(run.model, criterion, run.config.training, scarce), module, split)


def evaluate(
    task: AttributeTask, data: AttributeDataModule, split: str, progress: bool = True
) -> dict[str, Any]:
    """Metrics of a task's model on a split, on one device.

    Spread over several, images would be padded.
    """
    with tempfile.TemporaryDirectory(prefix="modular_cls.") as folder:
        tester = ConfinedTrainer(
            Path(folder),
            accelerator=task.training_config.accelerator,
            devices=1,
            precision=task.training_config.precision,
            logger=False,
            enable_progress_bar=progress,
            callbacks=[MeasuringBar(split)] if progress else [],
        )
        tester.test(task, data.split_dataloader(split), verbose=False)
    return task.results["test"]
