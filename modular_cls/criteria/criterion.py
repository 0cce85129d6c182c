"""What every criterion is: from scores by name and targets by name to one number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modular_cls.errors import UndefinedError, shortened
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.schema import Composite, Schema

Scores = Mapping[str, Tensor]


@dataclass(frozen=True)
class Objective:
    """A cross-entropy that a criterion is made of, where that is convex in the scores.

    Attributes:
        output: Of which attribute or joint space.
        tau: Strength of the log prior of training that is added to the scores.
        weights: Of the classes, shape (classes,); None for all alike.
    """

    output: Composite
    tau: float = 0.0
    weights: Tensor | None = None


class Criterion(nn.Module):
    """Maps `(scores, targets)`, both by name, to a scalar loss.

    Attributes:
        progress: Share of the training that is done, from 0 to 1; set before each update.
        partly_labelled: What becomes of images that lack some label.
        label_smoothing: Share of each label that goes to all classes alike, in training.
        only_trained: Which of its arguments solved heads would not see, in words; blank for none.
    """

    partly_labelled: str = "left out by this criterion over joint classes"

    def check(self, model: JointClassifier) -> None:
        """Before training, refuse a model whose scores it does not fit.

        Raises:
            ConfigError: With what it needs.
        """

    def taught_by_parts(self, joint: str) -> Tensor | None:
        """Mask of the joint classes that partly labelled images may teach, shape (classes,).

        None for none.
        """
        return None

    def label_groups(self, joint: str) -> Any:
        """What partly labelled images may be (`LabelGroups`); None where none are learned from."""
        return None

    def objectives(self) -> list[Objective]:
        """The cross-entropies whose sum it is, for heads that are solved on frozen features.

        Raises:
            UndefinedError: If it is no such sum.
        """
        raise UndefinedError(
            f"{type(self).__name__} is no fixed convex objective of frozen features"
        )

    progress: float = 0.0
    label_smoothing: float = 0.0
    only_trained: str = ""

    def smooth_labels(self, share: float) -> None:
        """Smooth labels, in the criteria that it is made of too."""
        for part in self.modules():
            if isinstance(part, Criterion):
                part.label_smoothing = share

    @property
    def smoothing(self) -> float:
        """Share of each label that goes to all classes alike now."""
        return self.label_smoothing if self.training else 0.0

    def notes(self) -> dict[str, float]:
        """What is worth reporting after training."""
        return {}


def log_share(counts: Tensor) -> Tensor:
    """Log of each class's share of the images, shape (classes,); -inf where there are none."""
    return counts.float().log() - counts.sum().float().log()


def refuse_empty(
    what: str, schema: Schema, counts: Mapping[str, Tensor], images: str = "training images"
) -> None:
    """Raise UndefinedError if `what` needs images of every joint class and some have none."""
    for joint in schema.joints:
        empty = [
            n
            for n, count in zip(joint.class_names, counts[joint.name].tolist(), strict=True)
            if not count
        ]
        if empty:
            raise UndefinedError(f"{what} is not defined without {images} of {shortened(empty)}")


def masked(
    logits: Tensor, target: Tensor, weight: Tensor | None = None, smoothing: float = 0.0
) -> Tensor:
    """Mean cross-entropy over known targets, weighted by class if asked.

    0 where nothing is known.
    """
    total = total_loss(logits, target, weight, smoothing)
    known = target >= 0
    if weight is None:
        return total / known.sum().clamp(min=1)
    return total / weight[target[known]].sum().clamp(min=1e-12)


def total_loss(
    logits: Tensor, target: Tensor, weight: Tensor | None = None, smoothing: float = 0.0
) -> Tensor:
    """Sum of cross-entropies over known targets, each times the weight of its class."""
    if not smoothing:
        return F.cross_entropy(logits, target, weight, ignore_index=-1, reduction="sum")
    each = F.cross_entropy(logits, target, ignore_index=-1, reduction="none")
    known = target >= 0
    mixed = (1 - smoothing) * each[known] + smoothing * evenly(logits[known])
    return (mixed if weight is None else weight[target[known]] * mixed).sum()


def evenly(logits: Tensor) -> Tensor:
    """Cross-entropy of the possible classes, all alike, shape (B,): what smoothing mixes in."""
    possible = logits.isfinite()
    logs = logits.log_softmax(1).masked_fill(~possible, 0.0)
    return -logs.sum(1) / possible.sum(1)


def over_processes(total: Tensor) -> Tensor:
    """Sum over the processes that train together, where there are several."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.all_reduce(total)
    return total
