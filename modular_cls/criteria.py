"""What is minimised: from scores by name and targets by name to one number.

Each criterion is built with the schema and the number of training images of each joint class, adds
the training prior where its formula has one, and ignores unknown labels (-1).
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modular_cls.errors import UndefinedError
from modular_cls.schema import Schema

__all__ = [
    "AttributeLikelihood",
    "Criterion",
    "GroupDRO",
    "JointAndAttributes",
    "JointLikelihood",
    "LabelDistributionMargin",
    "WeightedLikelihood",
]

Scores = Mapping[str, Tensor]


class Criterion(nn.Module):
    """Maps `(scores, targets)`, both by name, to a scalar loss.

    Attributes:
        progress: Share of the training that is done, from 0 to 1; set before each update.
    """

    progress: float = 0.0


class JointLikelihood(Criterion):
    """Cross-entropy over joint classes of `score + tau log p(z)`.

    With tau = 1 the correlation of attributes in the training set is carried by `log p` and the
    scores stay free of it: for the modular model this is the training objective of Mahajan et al.
    (ICML 2025), for the flat one logit adjustment (Menon et al., ICLR 2021), with tau = 1 also known
    as balanced softmax. Joint classes without training images have `log p = -inf` and take no part.
    With tau = 0 it is plain cross-entropy.

    Args:
        schema: Attributes and composites.
        counts: Number of training images of each class, by joint space, shape (classes,).
        tau: Strength of the prior.
    """

    def __init__(self, schema: Schema, counts: Mapping[str, Tensor], tau: float = 1.0) -> None:
        super().__init__()
        self.names = [joint.name for joint in schema.joints]
        for i, name in enumerate(self.names):
            log_prior = tau * log_share(counts[name]) if tau else torch.zeros(len(counts[name]))
            self.register_buffer(f"log_prior_{i}", log_prior)

    def forward(self, scores: Scores, targets: Scores) -> Tensor:
        """Mean over the rows whose joint class is known, summed over joint spaces."""
        losses = [
            _masked(scores[name] + getattr(self, f"log_prior_{i}"), targets[name]) for i, name in enumerate(self.names)
        ]
        return torch.stack(losses).sum()


class AttributeLikelihood(Criterion):
    """Cross-entropy of each attribute head on its own: plain basic classifiers.

    Where attributes are correlated in training, each head learns the others as evidence (see
    `JointLikelihood` for the repair); this is the lecture's first design, kept as a baseline.

    Args:
        schema: Attributes and composites.
    """

    def __init__(self, schema: Schema) -> None:
        super().__init__()
        self.names = [a.name for a in schema.attributes]

    def forward(self, scores: Scores, targets: Scores) -> Tensor:
        """Mean over the rows where an attribute is known, summed over attributes."""
        if missing := [name for name in self.names if name not in scores]:
            raise ValueError(f"AttributeLikelihood needs a model with attribute heads; it has none for {missing}")
        return torch.stack([_masked(scores[name], targets[name]) for name in self.names]).sum()


class JointAndAttributes(Criterion):
    """`L_joint + weight * sum of L_attribute`, plain cross-entropies.

    On a flat model with auxiliary attribute heads it is multi-task learning; on a modular one with a
    learned composite head, the joint concept bottleneck (Koh et al., ICML 2020).

    Args:
        schema: Attributes and composites.
        counts: Number of training images of each class, by joint space, shape (classes,).
        weight: Lambda, the weight of the attributes.
    """

    def __init__(self, schema: Schema, counts: Mapping[str, Tensor], weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight
        self.joint = JointLikelihood(schema, counts, tau=0.0)
        self.attributes = AttributeLikelihood(schema)

    def forward(self, scores: Scores, targets: Scores) -> Tensor:
        """The weighted sum of both means."""
        loss: Tensor = self.joint(scores, targets) + self.weight * self.attributes(scores, targets)
        return loss


class _OverClasses(Criterion):
    """A criterion with one number per joint class, not defined where a class has no images."""

    def __init__(self, schema: Schema, counts: Mapping[str, Tensor], of_counts: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        refuse_empty(type(self).__name__, schema, counts)
        self.names = [joint.name for joint in schema.joints]
        for i, name in enumerate(self.names):
            self.register_buffer(f"of_class_{i}", of_counts(counts[name].float()))

    def forward(self, scores: Scores, targets: Scores) -> Tensor:
        losses = [self._loss(scores[n], targets[n], getattr(self, f"of_class_{i}")) for i, n in enumerate(self.names)]
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

    def _loss(self, logits: Tensor, target: Tensor, of_class: Tensor) -> Tensor:
        # The mean over images, not over weights: dividing by a small batch's own weights would cancel them.
        each = F.cross_entropy(logits, target, of_class, ignore_index=-1, reduction="sum")
        return each / (target >= 0).sum().clamp(min=1)


class LabelDistributionMargin(_OverClasses):
    """LDAM-DRW: rarer classes get larger margins, and late in training larger weights (Cao et al., NeurIPS 2019).

    Scores must be `scale * cos(w_z, h)` (FlatClassifier with `cosine_scale`). The true class's score
    has `scale * margin_z` taken off, `margin_z ∝ n_z^(-1/4)`; in the last part of the
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
        max_margin: float = 0.5,
        scale: float = 30.0,
        defer: float = 0.8,
        beta: float = 0.9999,
    ) -> None:
        super().__init__(schema, counts, lambda n: n)
        self.max_margin, self.scale, self.defer, self.beta = max_margin, scale, defer, beta

    def _loss(self, logits: Tensor, target: Tensor, of_class: Tensor) -> Tensor:
        margin = of_class**-0.25
        margin = self.max_margin * margin / margin.max()
        true = F.one_hot(target.clamp(min=0), len(margin)) * self.scale * margin
        weight = (1 - self.beta) / (1 - self.beta**of_class) if self.progress >= self.defer else None
        return _masked(logits - true, target, weight)


class GroupDRO(Criterion):
    """The worst joint class counts most: `q_z ∝ q_z exp(eta l_z)`, loss `sum q_z l_z` (Sagawa et al., ICLR 2020).

    Groups are the joint classes seen in training; one that a batch lacks adds nothing. Meant to go
    with strong weight decay and with batches that hold every group (`data.sampling: balanced`), as
    its authors train it.

    Args:
        schema: Attributes and composites.
        counts: Number of training images of each class, by joint space, shape (classes,).
        eta: Step size of the group weights.
    """

    def __init__(self, schema: Schema, counts: Mapping[str, Tensor], eta: float = 0.01) -> None:
        super().__init__()
        self.eta = eta
        self.names = [joint.name for joint in schema.joints]
        for i, name in enumerate(self.names):
            seen = (counts[name] > 0).float()
            self.register_buffer(f"q_{i}", seen / seen.sum())

    def forward(self, scores: Scores, targets: Scores) -> Tensor:
        """The weighted sum of the groups' mean losses, summed over joint spaces; moves `q` in training."""
        return torch.stack([self._loss(scores[n], targets[n], f"q_{i}") for i, n in enumerate(self.names)]).sum()

    def _loss(self, logits: Tensor, target: Tensor, name: str) -> Tensor:
        q: Tensor = getattr(self, name)
        each = F.cross_entropy(logits, target, ignore_index=-1, reduction="none")
        member = F.one_hot(target.clamp(min=0), len(q)) * (target >= 0)[:, None]
        group = (each[:, None] * member).sum(0) / member.sum(0).clamp(min=1)
        if self.training:
            q = q * (self.eta * group.detach()).exp()
            q = q / q.sum()
            getattr(self, name).copy_(q)
        return (q * group).sum()


def log_share(counts: Tensor) -> Tensor:
    """Log of each class's share of the images, shape (classes,); -inf where there are none."""
    return counts.float().log() - counts.sum().float().log()


def refuse_empty(what: str, schema: Schema, counts: Mapping[str, Tensor], images: str = "training images") -> None:
    """Raise UndefinedError if `what` needs images of every joint class and some have none."""
    for joint in schema.joints:
        empty = [n for n, count in zip(joint.class_names, counts[joint.name].tolist(), strict=True) if not count]
        if empty:
            raise UndefinedError(f"{what} is not defined without {images} of {', '.join(empty)}")


def _masked(logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean cross-entropy over known targets, weighted by class if asked; 0 where nothing is known."""
    total = F.cross_entropy(logits, target, weight, ignore_index=-1, reduction="sum")
    known = target >= 0
    if weight is None:
        return total / known.sum().clamp(min=1)
    return total / weight[target[known]].sum().clamp(min=1e-12)
