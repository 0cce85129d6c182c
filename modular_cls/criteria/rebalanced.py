"""Criteria under which rare joint classes count for more than their share."""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from modular_cls.criteria.criterion import (
    Criterion,
    Objective,
    Scores,
    evenly,
    masked,
    over_processes,
    refuse_empty,
    total_loss,
)
from modular_cls.errors import ConfigError, require
from modular_cls.models.by_space import BySpace
from modular_cls.models.flat import FlatClassifier
from modular_cls.models.heads import Cosine
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.schema import Schema


class _OverClasses(Criterion):
    """A criterion with one number per joint class, not defined where a class has no images."""

    def __init__(
        self, schema: Schema, counts: Mapping[str, Tensor], of_counts: Callable[[Tensor], Tensor]
    ) -> None:
        super().__init__()
        refuse_empty(type(self).__name__, schema, counts)
        each = {joint.name: of_counts(counts[joint.name].float()) for joint in schema.joints}
        self.of_class = BySpace(self, "of_class", each)

    def forward(self, scores: Scores, targets: Scores) -> Tensor:
        losses = [self._loss(scores[n], targets[n], each) for n, each in self.of_class.items()]
        return torch.stack(losses).sum()

    def _loss(self, logits: Tensor, target: Tensor, of_class: Tensor) -> Tensor:
        raise NotImplementedError


class WeightedLikelihood(_OverClasses):
    """Cross-entropy with class weights `N / (K n_z)`, whose mean over the training images is 1.

    Args:
        schema: Attributes and composites.
        counts: Number of training images of each class, by joint space, shape (classes,).

    Raises:
        UndefinedError: If a joint class has no training images.
    """

    def __init__(self, schema: Schema, counts: Mapping[str, Tensor]) -> None:
        super().__init__(schema, counts, lambda n: n.sum() / (len(n) * n))
        self.joints = schema.joints

    def objectives(self) -> list[Objective]:
        """One for each joint space, its classes weighted."""
        return [Objective(joint, weights=self.of_class[joint.name]) for joint in self.joints]

    def _loss(self, logits: Tensor, target: Tensor, of_class: Tensor) -> Tensor:
        # The mean over images, not over weights: dividing by a small batch's own weights would
        # cancel them.
        each = total_loss(logits, target, of_class, self.smoothing)
        return each / (target >= 0).sum().clamp(min=1)


class LabelDistributionMargin(_OverClasses):
    """LDAM-DRW: rarer classes get larger margins, and late in training larger weights.

    (Cao et al., NeurIPS 2019)

    Scores must be `scale * cos(w_z, h)` (FlatClassifier with `cosine_scale`). The true class's
    score has `scale * margin_z` taken off, `margin_z ∝ n_z^(-1/4)`; in the last part of the
    training each image also weighs `(1 - beta) / (1 - beta^n_z)`, the deferred re-weighting.

    Args:
        schema: Attributes and composites.
        counts: Number of training images of each class, by joint space, shape (classes,).
        max_margin: Margin of the rarest class, as a cosine.
        scale: Scale of the scores.
        defer: Share of the training after which weights apply.
        beta: Of the weights (Cui et al., CVPR 2019).

    Raises:
        UndefinedError: If a joint class has no training images.
    """

    def __init__(
        self,
        schema: Schema,
        counts: Mapping[str, Tensor],
        *,
        max_margin: float = 0.5,
        scale: float = 30.0,
        defer: float = 0.8,
        beta: float = 0.9999,
    ) -> None:
        super().__init__(schema, counts, lambda n: n)
        where = "criterion (LabelDistributionMargin):"
        require(0 <= max_margin <= 2, f"{where} max_margin", max_margin, "a cosine, from 0 to 2")
        require(0 < scale < math.inf, f"{where} scale", scale, "above 0")
        require(0 <= defer <= 1, f"{where} defer", defer, "a share, from 0 to 1")
        require(0 <= beta < 1, f"{where} beta", beta, "at least 0 and below 1")
        self.max_margin, self.scale, self.defer, self.beta = max_margin, scale, defer, beta

    def check(self, model: JointClassifier) -> None:
        """Needs cosine heads of its scale."""
        heads = list(model.joint_heads) if isinstance(model, FlatClassifier) else []
        scales = {head.scale if isinstance(head, Cosine) else None for head in heads}
        if scales != {self.scale}:
            need = f"needs model FlatClassifier with cosine_scale {self.scale:g}, its own scale"
            raise ConfigError(f"criterion LabelDistributionMargin {need}")

    def _loss(self, logits: Tensor, target: Tensor, of_class: Tensor) -> Tensor:
        margin = of_class**-0.25
        margin = self.max_margin * margin / margin.max()
        true = F.one_hot(target.clamp(min=0), len(margin)) * self.scale * margin
        weight = (
            (1 - self.beta) / (1 - self.beta**of_class) if self.progress >= self.defer else None
        )
        return masked(logits - true, target, weight, self.smoothing)


class GroupDRO(Criterion):
    """The worst joint class counts most.

    `q_z ∝ q_z exp(eta l_z)`, loss `sum q_z l_z` (Sagawa et al., ICLR 2020).

    Groups are the joint classes seen in training; one that a batch lacks adds nothing. Meant to go
    with strong weight decay and with batches that hold every group (`data.sampling: balanced`), as
    its authors train it.

    Args:
        schema: Attributes and composites.
        counts: Number of training images of each class, by joint space, shape (classes,).
        eta: Step size of the group weights.
    """

    def __init__(self, schema: Schema, counts: Mapping[str, Tensor], *, eta: float = 0.01) -> None:
        super().__init__()
        require(0 <= eta < math.inf, "criterion (GroupDRO): eta", eta, "at least 0")
        self.eta = eta
        seen = {joint.name: (counts[joint.name] > 0).float() for joint in schema.joints}
        self.q = BySpace(self, "q", {name: each / each.sum() for name, each in seen.items()})

    def forward(self, scores: Scores, targets: Scores) -> Tensor:
        """The weighted sum of the groups' mean losses, summed over joint spaces.

        Moves `q` in training.
        """
        losses = [self._loss(scores[name], targets[name], q) for name, q in self.q.items()]
        return torch.stack(losses).sum()

    def _loss(self, logits: Tensor, target: Tensor, q: Tensor) -> Tensor:
        each = F.cross_entropy(logits, target, ignore_index=-1, reduction="none")
        if self.smoothing:
            each = (1 - self.smoothing) * each + self.smoothing * evenly(logits)
        member = F.one_hot(target.clamp(min=0), len(q)) * (target >= 0)[:, None]
        total, size = (each[:, None] * member).sum(0), member.sum(0)
        group = total / size.clamp(min=1)
        if self.training:
            # Clones, for sums over processes are in place and this loss needs its own numbers.
            images = over_processes(size.clone()).clamp(min=1)
            everywhere = over_processes(total.detach().clone()) / images
            moved = q * (self.eta * everywhere).exp()
            q.copy_(moved / moved.sum())
        return (q * group).sum()
