"""The LightningModule: one step shared by training, validation and test, for every method."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor

from modular_cls.config import Training
from modular_cls.criteria import Criterion
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.training.interventions import answers
from modular_cls.training.metrics import OutputMetrics, build_metrics


class AttributeTask(pl.LightningModule):
    """Trains and tests a model.

    Args:
        model: What maps images to scores by name.
        criterion: What maps scores and targets to the loss.
        training: Optimiser and schedule.
        scarce: The joint classes made scarce, as `{attribute: value}`, for rare-class recall.

    Attributes:
        results: Metrics of the last validation or test, by stage and output.
        predicted: Classes predicted in the last test, by output, shape (N,), in the order of the
            images; and those with an attribute set to the truth (see `answers`).
    """

    def __init__(
        self,
        model: JointClassifier,
        criterion: Criterion,
        training: Training,
        scarce: list[dict[str, str]],
    ) -> None:
        super().__init__()
        self.model, self.criterion, self.training_config = model, criterion, training
        self.meters = torch.nn.ModuleList(build_metrics(model.schema, scarce).values())
        self.results: dict[str, dict[str, Any]] = {}
        self.predicted: dict[str, Tensor] = {}
        self._batches: list[dict[str, Tensor]] = []

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Images `(B, 3, H, W)` -> `{output: (B, classes)}` log probabilities."""
        return self.model.log_probabilities(self.model(image))

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """The loss of a batch."""
        self.criterion.progress = self.global_step / self.training_config.updates
        if self.training_config.mixup:
            return self._mixed_step(batch)
        return self._step(batch, "train")

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Loss and metrics of a batch."""
        self._step(batch, "validation")

    def test_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Loss and metrics of a batch."""
        self._step(batch, "test")

    def on_validation_epoch_end(self) -> None:
        """Compute the metrics of the validation split."""
        self._finish("validation")

    def on_test_epoch_start(self) -> None:
        """Forget the predictions of an earlier test."""
        self._batches = []

    def on_test_epoch_end(self) -> None:
        """Compute the metrics of the test split, and join the predictions of its batches."""
        self._finish("test")
        self.predicted = joined(self._batches)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW; weight decay on matrices and kernels only; the schedule runs over all updates."""
        config = self.training_config
        groups = [
            {"params": params, "lr": rate, "weight_decay": decay}
            for parameters, rate in self._parameters_and_rates()
            for params, decay in (
                ([p for p in parameters if p.ndim > 1], config.weight_decay),
                ([p for p in parameters if p.ndim <= 1], 0.0),
            )
        ]
        # Fused: one pass over a parameter in place of a dozen; a quarter of the time on a CPU.
        # It would undo the scale of gradients itself, after Lightning has clipped them.
        fused = config.gradient_clip is None or "mixed" not in config.precision
        optimiser = torch.optim.AdamW(groups, lr=config.learning_rate, fused=fused)
        schedule: torch.optim.lr_scheduler.LRScheduler
        if config.schedule == "one_cycle":
            rates = [float(group["lr"]) for group in optimiser.param_groups]
            schedule = torch.optim.lr_scheduler.OneCycleLR(
                optimiser, rates, total_steps=config.updates + 1
            )
        else:
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.updates)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _parameters_and_rates(self) -> list[tuple[list[torch.nn.Parameter], float]]:
        """What is trained, and how fast at most; a pretrained network apart from its heads."""
        named = [(n, p) for n, p in self.named_parameters() if p.requires_grad]
        rate = self.training_config.learning_rate
        if not self.model.pretrained:
            return [([p for _, p in named], rate)]
        network = [p for n, p in named if n.startswith("model.backbone.")]
        heads = [p for n, p in named if not n.startswith("model.backbone.")]
        return [(heads, rate), (network, rate * self.training_config.backbone_rate)]

    def _step(self, batch: dict[str, Any], stage: str) -> Tensor:
        scores, target = self.model(batch["image"]), batch["target"]
        loss = self.criterion(scores, target)
        training = stage == "train"
        self.log(
            f"{stage}/loss",
            loss,
            prog_bar=training,
            batch_size=len(batch["image"]),
            sync_dist=not training,
        )
        if not training:
            predicted = self.model.log_probabilities(scores)
            for meter in self._each_meter():
                meter.update(predicted[meter.output.name], target[meter.output.name])
            if stage == "test":
                self._batches.append(answers(self.model.schema, predicted, target))
        return loss

    def _mixed_step(self, batch: dict[str, Any]) -> Tensor:
        """The loss of a batch mixed with itself, turned by one: its order is random already."""
        alpha = self.training_config.mixup
        share = float(torch.distributions.Beta(alpha, alpha).sample())
        image, target = batch["image"], batch["target"]
        other = {name: values.roll(1, 0) for name, values in target.items()}
        scores = self.model(share * image + (1 - share) * image.roll(1, 0))
        loss = share * self.criterion(scores, target) + (1 - share) * self.criterion(scores, other)
        self.log("train/loss", loss, prog_bar=True, batch_size=len(image))
        return loss

    def _finish(self, stage: str) -> None:
        self.results[stage] = {m.output.name: m.compute() for m in self._each_meter()}
        for name, values in self.results[stage].items():
            accuracy = values["balanced_accuracy"]
            self.log(f"{stage}/{name}", math.nan if accuracy is None else accuracy)
        for meter in self._each_meter():
            meter.reset()

    def _each_meter(self) -> list[OutputMetrics]:
        return cast(list[OutputMetrics], list(self.meters))


def joined(batches: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """What batches have by name, shape (n, ...) each, as one by name."""
    whole = {}
    for name in batches[0]:
        whole[name] = torch.cat([batch[name] for batch in batches])
    return whole
