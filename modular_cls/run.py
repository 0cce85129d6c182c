"""One run: train a configuration into a run folder, load a run folder, evaluate it.

A run folder holds `config.yaml` (rerunnable as it stands), `metrics.json`, `classes.json`, `log.csv`
and `checkpoints/last.ckpt`, whose weights are those that were tested, fitted biases included.
"""

import json
import logging
import os
import sys
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import yaml
from pytorch_lightning.callbacks import RichProgressBar
from pytorch_lightning.loggers import CSVLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]
from torch import Tensor

from modular_cls import criteria, finish, models
from modular_cls.config import Config, Data
from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.errors import ConfigError, ManifestError
from modular_cls.files import check_free, new_folder, replacing_file
from modular_cls.finish import Features, FinishStep
from modular_cls.models.joint import JointClassifier
from modular_cls.parsing import load_config
from modular_cls.parts import build_part
from modular_cls.priors import target_priors
from modular_cls.schema import Schema
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
        for needed in ("config.yaml", MARKER, _CHECKPOINT):
            if not (folder / needed).is_file():
                raise ConfigError(f"{folder} is not a finished run: it holds no {needed}")
        config = load_config(folder / "config.yaml")
        model = build_model(config, Schema.from_dict(config.schema), pretrained=False)
        state = torch.load(folder / _CHECKPOINT, map_location="cpu", weights_only=True)["state_dict"]
        model.load_state_dict({k.removeprefix("model."): v for k, v in state.items() if k.startswith("model.")})
        return cls(config, model.eval(), json.loads((folder / MARKER).read_text(encoding="utf-8")))


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
    out, started = Path(out), time.monotonic()
    check_free(out, overwrite, MARKER)
    _quiet()
    _use_threads(config)
    pl.seed_everything(config.seed, workers=True, verbose=False)
    schema = Schema.from_dict(config.schema)
    data = AttributeDataModule(schema, config.data, config.seed, config.training.updates, config.training.devices)
    counts = {j.name: torch.from_numpy(data.datasets["train"].manifest.counts(j)) for j in schema.joints}
    for joint, count in counts.items():
        if not count.sum():
            raise ManifestError(config.data.manifest, [f"no training image has all labels of {joint}"])
    model = build_model(config, schema)
    steps: list[FinishStep] = [build_part(p, finish, "finish")() for p in config.finish]
    for step in steps:
        step.check(model)
    criterion = build_part(config.criterion, criteria, "criterion")(schema=schema, counts=counts)
    priors = target_priors(model, counts, config.prediction)
    model.set_priors(priors)
    scarce = [dict(s.joint_class) for s in config.data.scarcities]
    task = AttributeTask(model, criterion, config.training, scarce)
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    _announce(config, data, counts, model, parameters)
    with new_folder(out, overwrite, MARKER) as folder:
        trainer = _trainer(config, folder, progress)
        data.decode(progress)
        trainer.fit(task, data)
        _leave_group(trainer)
        notes = finish_model(model, steps, data)
        metrics = {
            "method": config.method,
            "seed": config.seed,
            "keep": _keep(config.data),
            "train_images": len(data.datasets["train"]),
            "trainable_parameters": parameters,
            "updates": config.training.updates,
            "seconds": None,
            "test": evaluate(task, data, "test", progress),
            "finish": notes,
        }
        # Saved after the finish steps, so that the weights on disk are those that were tested.
        trainer.save_checkpoint(folder / _CHECKPOINT, weights_only=False)
        metrics["seconds"] = round(time.monotonic() - started, 1)
        _write_run(folder, config, schema, metrics)
    return Run(config, model.cpu().eval(), metrics)


def evaluate_run(run: Run, data: Data, split: str = "test") -> dict[str, Any]:
    """Metrics of a run on the pictures of any manifest with its schema.

    Args:
        run: The run.
        data: The pictures; scarcity says which classes count as rare, no image is left out.
        split: Which split of the manifest.

    Returns:
        Metrics by output, as in `metrics.json`.
    """
    _quiet()
    _use_threads(run.config)
    schema = run.model.schema
    scarce = [dict(s.joint_class) for s in data.scarcities]
    module = AttributeDataModule(schema, replace(data, scarcity=None), run.config.seed, splits=(split,))
    module.decode()
    counts = {j.name: torch.ones(j.size) for j in schema.joints}
    criterion = criteria.JointLikelihood(schema, counts, tau=0.0)
    return evaluate(AttributeTask(run.model, criterion, run.config.training, scarce), module, split)


def write_metrics(path: Path, metrics: dict[str, Any]) -> None:
    """Write metrics as JSON; an earlier file stays until the new one is complete."""
    with replacing_file(path) as partial:
        partial.write_text(json.dumps(metrics, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def build_model(config: Config, schema: Schema, pretrained: bool | None = None) -> JointClassifier:
    """Build the untrained model of a configuration; `pretrained` overrides the backbone's setting."""
    backbone = config.backbone if pretrained is None else replace(config.backbone, pretrained=pretrained)
    model: JointClassifier = build_part(config.model, models, "model")(schema=schema, backbone=backbone)
    return model


def evaluate(task: AttributeTask, data: AttributeDataModule, split: str, progress: bool = True) -> dict[str, Any]:
    """Metrics of a task's model on a split, on one device: spread over several, images would be padded."""
    tester = pl.Trainer(
        accelerator=task.training_config.accelerator, devices=1, precision=task.training_config.precision,
        logger=False, enable_checkpointing=False, enable_model_summary=False, enable_progress_bar=progress,
    )  # fmt: skip
    tester.test(task, data.split_dataloader(split), verbose=False)
    return task.results["test"]


@torch.no_grad()
def finish_model(model: JointClassifier, steps: list[FinishStep], data: AttributeDataModule) -> dict[str, float]:
    """Run the finish steps on cached features of the training images; returns their notes."""
    if not steps:
        return {}
    model.eval()
    device = next(model.parameters()).device
    batches = data.split_dataloader("train")
    features = torch.cat([model.extract(batch["image"].to(device)).float() for batch in batches])
    targets = {name: t.to(device) for name, t in data.datasets["train"].targets.items()}
    notes: dict[str, float] = {}
    for step in steps:
        with torch.enable_grad():
            notes |= step(model, Features(features, targets))
    return notes


def _announce(
    config: Config, data: AttributeDataModule, counts: dict[str, Tensor], model: JointClassifier, parameters: int
) -> None:
    """Say, before training, what is trained on and which empty joint classes can be reached."""
    train_rows = data.datasets["train"].manifest
    partial = int((train_rows.labels < 0).any(axis=1).sum())
    print(f"{config.method}: {parameters:,} parameters, {len(train_rows):,} training images, seed {config.seed}")
    if partial:
        print(f"  {partial:,} of them lack some label; a criterion over joint classes learns from the others only")
    for joint in model.schema.joints:
        seen = counts[joint.name] > 0
        reach = model.reachable(joint, seen)
        composed = [n for n, s, r in zip(joint.class_names, seen, reach, strict=True) if r and not s]
        lost = [n for n, r in zip(joint.class_names, reach, strict=True) if not r]
        if composed:
            print(f"  without training images, reachable by composition: {', '.join(composed)}")
        if lost:
            how = "predicted all the same" if config.prediction.unreachable else "never predicted"
            print(f"  without training images, out of this method's reach, {how}: {', '.join(lost)}")


def _trainer(config: Config, folder: Path, progress: bool) -> pl.Trainer:
    training = config.training
    every = training.validate_every
    try:
        return pl.Trainer(
            max_epochs=1,
            max_steps=training.updates,
            accelerator=training.accelerator,
            devices=training.devices,
            strategy=training.strategy,
            precision=training.precision,
            val_check_interval=min(every, training.updates) if every else None,
            limit_val_batches=1.0 if every else 0,
            num_sanity_val_steps=0,
            log_every_n_steps=min(10, training.updates),
            logger=CSVLogger(folder, name="", version=""),
            enable_checkpointing=False,
            enable_model_summary=False,
            deterministic="warn",
            callbacks=[_OnePass()] if progress else [],
            enable_progress_bar=progress,
        )
    except (MisconfigurationException, ValueError) as error:
        raise ConfigError(f"training: Lightning cannot do this on this machine: {error}") from None


class _OnePass(RichProgressBar):
    """Lightning's progress bar, without the count of epochs: one pass is the whole training."""

    def _get_train_description(self, current_epoch: int) -> str:
        return "Training"


def _leave_group(trainer: pl.Trainer) -> None:
    """After training on several devices the first process goes on alone: finish steps and tests need one."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
    if not trainer.is_global_zero:
        sys.exit(0)


def _write_run(folder: Path, config: Config, schema: Schema, metrics: dict[str, Any]) -> None:
    (folder / "config.yaml").write_text(
        yaml.safe_dump(config.to_dict(), sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    classes = {c.name: list(c.class_names) for c in schema.outputs}
    (folder / "classes.json").write_text(json.dumps(classes, indent=1, ensure_ascii=False), encoding="utf-8")
    (folder / "metrics.csv").rename(folder / "log.csv")
    (folder / "hparams.yaml").unlink(missing_ok=True)
    write_metrics(folder / MARKER, metrics)


def _keep(data: Data) -> int | list[int | None] | None:
    keeps = [s.keep for s in data.scarcities]
    return keeps if len(keeps) > 1 else (keeps[0] if keeps else None)


def _use_threads(config: Config) -> None:
    # More threads than free cores make small networks many times slower, not faster.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(config.training.threads or max(1, cores - config.data.workers))


def _quiet() -> None:
    for name in ("pytorch_lightning.utilities.rank_zero", "pytorch_lightning.accelerators.cuda"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (".*does not have many workers.*", ".*LeafSpec.*", ".*isinstance.treespec.*"):
        warnings.filterwarnings("ignore", message=message)
