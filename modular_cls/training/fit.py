"""Configuration -> everything built and checked, then a model fitted in memory.

What can be wrong is told before anything slow.
"""

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from modular_cls import criteria
from modular_cls.config import Config
from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.data.labels import check_together
from modular_cls.data.manifest import SPLITS
from modular_cls.errors import UndefinedError
from modular_cls.features.extract import extract_features
from modular_cls.finish import Features
from modular_cls.finish.step import Counts
from modular_cls.jobs import signals
from modular_cls.models.backbone import describe_backbone, told_size
from modular_cls.models.build import build_model
from modular_cls.models.contract import check_contract
from modular_cls.models.frozen_weights import digest_of
from modular_cls.parts import build_part
from modular_cls.schema import Schema
from modular_cls.training.announce import (
    announce_augmentation,
    announce_images,
    announce_reach,
    announce_repeated,
    announce_scale,
    announce_shapes,
    announce_spaces,
)
from modular_cls.training.average import Average
from modular_cls.training.best import Best
from modular_cls.training.checkpoint import Checkpoints
from modular_cls.training.ending import Ending, build_ending, taught_classes
from modular_cls.training.evaluate import evaluate
from modular_cls.training.finite import Guard, check_finite
from modular_cls.training.history import as_csv, logged
from modular_cls.training.randomness import State
from modular_cls.training.rehearsal import rehearse, try_blank
from modular_cls.training.saver import Saver
from modular_cls.training.solved import head_problems, solve_heads
from modular_cls.training.task import AttributeTask
from modular_cls.training.terms import training_terms
from modular_cls.training.trainer import (
    be_quiet,
    check_trainer,
    is_first_process,
    leave_early,
    leave_group,
    make_trainer,
    use_threads,
)


class Fit:
    """A model and its training, which runs that differ only in how they end can share.

    Args:
        config: What to fit; its finish steps and target prior are left to `ending`.
        progress: Show progress bars.
        checkpoints: Where the training is saved, and resumed from; None saves nothing.

    Attributes:
        data: The pictures.
        counts: Images of each joint class, by kind of images (train, held_out), then by joint
            space.
        taught: Mask of the joint classes that training images teach, partly labelled ones included,
            by joint space.
        task: The LightningModule, with the model in it.
        log: After `run`, the content of `log.csv`.
        updates: After `run`, how many were done.
        best: After `run`, the update whose weights were kept; None for the last one's.
        seconds: After `run`, what building and fitting took, interrupted parts included.

    Raises:
        ValueError: If the configuration or the manifest does not fit; the message names the key or
            row, what came and what is accepted.
        UndefinedError: If the method has no meaning with these numbers of images.
    """

    def __init__(
        self, config: Config, progress: bool = False, checkpoints: Checkpoints | None = None
    ) -> None:
        self._started, self.checkpoints = time.monotonic(), checkpoints
        be_quiet()
        use_threads(config, 0 if config.backbone.frozen else config.data.workers)
        check_finite(config)
        rehearse(config)
        pl.seed_everything(config.seed, workers=True, verbose=False)
        self.config, self.schema = config, Schema.from_dict(config.schema)
        training, size = config.training, config.data.height_width
        self.backbone = told_size(config.backbone, size)
        self.model = build_model(replace(config, backbone=self.backbone), self.schema)
        check_contract(self.backbone, self.model.backbone, self.model.width, size)
        self.described = describe_backbone(self.backbone, self.model.backbone)
        self.data = AttributeDataModule(
            self.schema,
            self.resolved(config).data,
            config.seed,
            training.updates,
            training.devices,
            SPLITS if config.data.test else ("train", "validation"),
            progress=progress,
            needed=("train", "validation") if training.validate_every else ("train",),
        )
        kinds = [kind for kind in ("train", "held_out") if kind in self.data.datasets]
        self.counts: dict[str, Counts] = {kind: _counts(self.data, kind) for kind in kinds}
        check_together(self.data.datasets["train"].manifest, self.schema, config.data.manifest)
        criterion = build_part(config.criterion, criteria, criteria.Criterion, "criterion")(
            schema=self.model.learned, counts=self.counts["train"], observed=self._observed()
        )
        criterion.smooth_labels(training.label_smoothing)
        criterion.check(self.model)
        self.taught = taught_classes(criterion, self.counts["train"])
        try_blank(self.model, criterion, self.data.datasets["train"].targets, size)
        if not config.backbone.frozen:
            check_trainer(config)
        scarce = [dict(s.joint_class) for s in config.data.scarcities]
        self.task = AttributeTask(self.model, criterion, training, scarce)
        self.log, self.seconds, self.updates = "", 0.0, 0
        self.best: int | None = None

    def ending(self, config: Config) -> Ending:
        """Build and check how a run ends; `config` may differ from this fit's in its ending only.

        Raises:
            ConfigError: If a finish step does not fit the model, or the prior not the schema.
            UndefinedError: If a finish step has no meaning with these numbers of images.
        """
        return build_ending(self.model, self.counts, self.taught, config.finish, config.prediction)

    def share_features(self, earlier: "Fit") -> None:
        """Nothing: what a network in training makes of a picture does not last."""

    def begin(self, resume: bool) -> None:
        """Try where checkpoints go, before anything slow; see `Checkpoints.begin`."""
        if self.checkpoints is not None and is_first_process():
            fitted = [p for p in self.model.parameters() if p.requires_grad]
            size = 3 * sum(p.numel() * p.element_size() for p in fitted)  # two moments each
            terms = training_terms(self.config, self.data.manifest)
            self.checkpoints.begin(terms, resume, size)

    def run(self, progress: bool = True) -> None:
        """Decode the pictures and train to the last update; progress bars if asked for.

        Goes on from the newest checkpoint, if there is one.

        Raises:
            DivergedError: If loss, gradients or weights are not finite any more.
            Interrupted: If a signal came; what is saved is told.
        """
        self.data.decode(progress)
        self.data.find_repeated()
        announce_repeated(self.data)
        newest = self.checkpoints.newest() if self.checkpoints is not None else None
        path, state = newest or (None, {})
        self._started -= state.get("seconds", 0.0)
        if path is not None:
            print(f"  going on from update {state['update']} of {self.config.training.updates}")
        elif self.config.backbone.pretrained:
            self._probe(progress)
        try:
            with tempfile.TemporaryDirectory(prefix="modular_cls.") as folder:
                self._train(Path(folder), path, state, progress)
        finally:
            signals.drop()
        self.model.float()  # bf16-true and 64-true leave their type behind
        self.weights = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.seconds = self._elapsed()

    def resolved(self, config: Config) -> Config:
        """The configuration, its scale of pixels that of the weights unless it says one."""
        data, known = config.data, self.described
        mean, std = data.mean or known.mean, data.std or known.std
        filled = replace(data, mean=mean or data.scale[0], std=std or data.scale[1])
        return replace(config, data=filled)

    def facts(self) -> dict[str, Any]:
        """What `metrics.json` says of how long was trained, beside the configuration."""
        best = {} if self.best is None else {"best_update": self.best}
        return {"updates": self.updates} | best

    def restore(self) -> None:
        """Put the model back to where the fit left it, before a finish step changes it."""
        self.model.load_state_dict(self.weights)

    @torch.no_grad()
    def features(self, kind: str) -> Features:
        """Backbone outputs of images of a kind (train, held_out ...), unaugmented."""
        device, done = self.trainer.strategy.root_device, 0
        self.model.eval().to(device)  # Lightning has put the model back on the CPU
        images = len(self.data.datasets[kind])
        features = torch.empty(images, self.model.width, device=device)
        for batch in self.data.split_dataloader(kind):
            extracted = self.model.extract(batch["image"].to(device))
            features[done : done + len(extracted)] = extracted
            done += len(extracted)
        targets = self.data.datasets[kind].targets
        return Features(features, {name: t.to(device) for name, t in targets.items()})

    def evaluate(self, split: str, progress: bool) -> dict[str, Any]:
        """Metrics of the model on a split, by output; `task.predicted` then holds the classes."""
        return evaluate(self.task, self.data, split, progress)

    def saved_weights(self) -> dict[str, Tensor]:
        """The weights that belong into a run folder, by name."""
        return self.model.state_dict()

    @property
    def test_images_in_training(self) -> int | None:
        """How many test images are training images by content; None where that is not known."""
        return None if self.data.repeated is None else int(self.data.repeated.sum())

    @property
    def parameters(self) -> int:
        """Trainable parameters."""
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)

    def announce(self) -> None:
        """Say, before training, what is trained on and which empty joint classes can be reached."""
        config, rows = self.config, self.data.datasets["train"].manifest
        partial = int((rows.labels < 0).any(axis=1).sum())
        announce_images(config, self.data, self.parameters)
        announce_scale(self.data.data, self.described)
        announce_shapes(self.data)
        announce_augmentation(config, self.schema)
        if partial:
            balanced = config.data.sampling == "balanced"
            never = "never drawn by data.sampling: balanced"
            fate = never if balanced else self.task.criterion.partly_labelled
            print(f"  {partial:,} of them lack some label: {fate}")
        announce_spaces(self.schema)
        announce_reach(self.model, self.counts["train"], self.taught, config.prediction.unreachable)

    def _observed(self) -> dict[str, Tensor] | None:
        """Training images by what is known of them, for criteria that learn from parts."""
        rows = self.data.datasets["train"].manifest
        if self.config.data.sampling == "balanced":  # never draws an image that lacks a label
            return None
        return {j.name: torch.from_numpy(rows.observed(j)) for j in self.schema.joints}

    def _probe(self, progress: bool) -> None:
        """Solve the heads of a pretrained network first, where they are a convex problem."""
        rows, pixels = self.data.datasets["train"].manifest, self.data.datasets["train"].pixels
        network, balanced = self.model.backbone.eval(), self.config.data.sampling == "balanced"
        try:
            head_problems(self.model, self.task.criterion)
        except UndefinedError as error:
            print(f"  heads start at random: {error}")
            return
        title = "Features, train" if progress else ""
        features = extract_features(rows, pixels, network, digest_of(network), title)
        train = Features(features, self.data.datasets["train"].targets)
        how, seed = self.config.heads, self.config.seed
        solve_heads(self.model, self.task.criterion, train, how, seed, balanced)

    def _train(self, folder: Path, path: Path | None, state: State, progress: bool) -> None:
        training = self.config.training
        saver = Saver(self.checkpoints, training.save_every, self._elapsed)
        best = Best(training.patience) if training.patience is not None else None
        # In this order: the best is what was validated, and the average stands there until then.
        average = Average(training.ema) if training.ema else None
        guard = Guard(self.config.data.manifest)
        callbacks = [each for each in (best, average, guard, saver) if each is not None]
        self.trainer = make_trainer(self.config, folder, progress, callbacks)
        if state.get("complete"):
            self.task.load_state_dict(state["state_dict"])
            history, self.updates = state["rows"], state["update"]
            if best is not None:
                best.load_state_dict(state["callbacks"][best.state_key])
        else:
            self.data.start = state.get("update", 0)
            self.model.train()  # Lightning leaves modules in the mode that it finds
            try:
                self.trainer.fit(self.task, self.data, ckpt_path=path, weights_only=True)
            except BaseException as error:
                leave_early(self.trainer, error)
                raise
            leave_group(self.trainer)
            history, self.updates = logged(self.trainer).rows, self.trainer.global_step
        self.best = None if best is None else best.update
        self.log = as_csv(history)

    def _elapsed(self) -> float:
        return time.monotonic() - self._started


def _counts(data: AttributeDataModule, kind: str) -> dict[str, Tensor]:
    manifest = data.datasets[kind].manifest
    return {j.name: torch.from_numpy(manifest.counts(j)) for j in manifest.schema.joints}
