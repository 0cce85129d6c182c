"""What is minimised: from scores by name and targets by name to one number.

Each criterion is built with the schema and the number of training images of each joint class, adds
the training prior where its formula has one, and ignores unknown labels (-1).
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modular_cls.schema import Schema

__all__ = ["AttributeLikelihood", "Criterion", "JointLikelihood"]


class Criterion(nn.Module):
    """Maps `(scores, targets)`, both by name, to a scalar loss."""


class JointLikelihood(Criterion):
    """Cross-entropy over joint classes of `score + tau log p(z)`.

    With tau = 1 the correlation of attributes in the training set is carried by `log p` and the
    scores stay free of it: for the modular model this is the training objective of Mahajan et al.
    (ICML 2025), for the flat one logit adjustment (Menon et al., ICLR 2021, eq. 10), equally known as
    balanced softmax. Joint classes without training images have `log p = -inf` and take no part.
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

    def forward(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
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

    def forward(self, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        """Mean over the rows where an attribute is known, summed over attributes."""
        if missing := [name for name in self.names if name not in scores]:
            raise ValueError(f"AttributeLikelihood needs a model with attribute heads; it has none for {missing}")
        return torch.stack([_masked(scores[name], targets[name]) for name in self.names]).sum()


def log_share(counts: Tensor) -> Tensor:
    """Log of each class's share of the images, shape (classes,); -inf where there are none."""
    return counts.float().log() - counts.sum().float().log()


def _masked(logits: Tensor, target: Tensor) -> Tensor:
    known = (target >= 0).sum().clamp(min=1)
    return F.cross_entropy(logits, target, ignore_index=-1, reduction="sum") / known
