"""Likelihoods of joint classes and of attributes."""

import math
from collections.abc import Mapping
from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn

from modular_cls.criteria.criterion import (
    Criterion,
    Objective,
    Scores,
    evenly,
    log_share,
    masked,
)
from modular_cls.criteria.groups import LabelGroups
from modular_cls.errors import ConfigError, require, unknown
from modular_cls.models.by_space import BySpace
from modular_cls.models.joint_classifier import DIRECT, JointClassifier
from modular_cls.schema import Composite, Schema

Unknown = Literal["em", "independent", "labelled"]
_MARGINAL = "learned from by the marginal likelihood"
_BY_HEADS = "learned from by the heads of the attributes they know"


class JointLikelihood(Criterion):
    """Cross-entropy over joint classes of `score + tau log p(z)`.

    With tau = 1 the correlation of attributes in the training set is carried by `log p` and the
    scores stay free of it: for the modular model this is the training objective of Mahajan et al.
    (ICML 2025), for the flat one logit adjustment (Menon et al., ICLR 2021), with tau = 1 also
    known as balanced softmax. Joint classes without training images have `log p = -inf` and take no
    part. With tau = 0 it is plain cross-entropy.

    An image that knows some attributes only has the marginal likelihood
    `-log sum_{z consistent with its labels} softmax(score + tau log p_g)_z`, over every possible z,
    unseen ones included; p_g is the prior of the images that know the same attributes (see
    `LabelGroups`).

    Args:
        schema: Attributes and composites.
        counts: Number of training images of each class, by joint space, shape (classes,).
        observed: Number of training images of each observation, by joint space (see `LabelGroups`);
            None leaves images out that are not fully labelled.
        tau: Strength of the prior.
        unknown: What `p_g` takes an attribute's unknown values to depend on (see `LabelGroups`).
        smoothing: Of the estimate `em`, in images.

    Example:
        >>> from modular_cls import Schema
        >>> from modular_cls.criteria import JointLikelihood
        >>> schema = Schema.from_dict({
        ...     "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        ...     "composites": {"hair_gender": {"attributes": ["hair", "gender"]}},
        ... })
        >>> criterion = JointLikelihood(schema, {"hair_gender": torch.tensor([40, 10, 50, 0])})
        >>> scores, target = torch.zeros(1, 4), torch.tensor([1])  # a short-haired man
        >>> loss = criterion({"hair_gender": scores}, {"hair_gender": target})
        >>> round(float(loss.exp()), 4)  # scores that say nothing leave the prior, 10 of 100
        10.0
    """

    partly_labelled: str = _MARGINAL

    def __init__(
        self,
        schema: Schema,
        counts: Mapping[str, Tensor],
        observed: Mapping[str, Tensor] | None = None,
        *,
        tau: float = 1.0,
        unknown: Unknown = "em",
        smoothing: float = 1.0,
    ) -> None:
        super().__init__()
        require(0 <= tau < math.inf, "criterion (JointLikelihood): tau", tau, "at least 0")
        require(
            0 < smoothing < math.inf, "criterion (JointLikelihood): smoothing", smoothing, "above 0"
        )
        kinds = get_args(Unknown)
        accepted = f"one of {', '.join(kinds)}"
        require(unknown in kinds, "criterion (JointLikelihood): unknown", unknown, accepted)
        self.joints, self.tau = schema.joints, tau
        if observed is None:
            self.partly_labelled = Criterion.partly_labelled
        self.groups = nn.ModuleDict()
        self.log_prior = BySpace(
            self,
            "log_prior",
            {
                joint.name: tau * log_share(counts[joint.name]) if tau else torch.zeros(joint.size)
                for joint in schema.joints
            },
        )
        for i, joint in enumerate(schema.joints):
            if observed is not None and LabelGroups.needed(observed[joint.name]):
                self.groups[str(i)] = LabelGroups(joint, observed[joint.name], unknown, smoothing)
        if observed is not None and not self.groups:
            self.partly_labelled = _BY_HEADS

    def forward(self, scores: Scores, targets: Scores) -> Tensor:
        """Mean over the rows of which something is known, summed over joint spaces.

        Direct heads (`ModularClassifier`) add their own, over the rows whose joint class is known.
        """
        losses = [self._loss(joint, scores, targets) for joint in self.joints]
        for joint in self.joints:
            if (direct := scores.get(joint.name + DIRECT)) is not None:
                losses.append(self._known(joint, direct, targets))
        return torch.stack(losses).sum()

    def objectives(self) -> list[Objective]:
        """One for each joint space."""
        return [Objective(joint, self.tau) for joint in self.joints]

    def notes(self) -> dict[str, float]:
        """Shares of joint classes among partly labelled images, as they were in the end."""
        notes: dict[str, float] = {}
        for groups in self.groups.values():
            notes |= {
                f"share/{name}": share
                for name, share in cast(LabelGroups, groups).estimate().items()
            }
        return notes

    def label_groups(self, joint: str) -> LabelGroups | None:
        """Those of a joint space."""
        at = next((str(i) for i, j in enumerate(self.joints) if j.name == joint), "")
        return cast(LabelGroups, self.groups[at]) if at in self.groups else None

    def taught_by_parts(self, joint: str) -> Tensor | None:
        """The classes whose values are all known to some partly labelled image.

        Those that the prior rules out are not among them.
        """
        groups = self.label_groups(joint)
        return None if groups is None else groups.taught()

    def _known(self, joint: Composite, scores: Tensor, targets: Scores) -> Tensor:
        logits = scores + self.log_prior[joint.name]
        return masked(logits, targets[joint.name], smoothing=self.smoothing)

    def _loss(self, joint: Composite, scores: Scores, targets: Scores) -> Tensor:
        if (groups := self.label_groups(joint.name)) is None:
            return self._known(joint, scores[joint.name], targets)
        labels = torch.stack([targets[a.name] for a in joint.attributes], dim=1)
        group, possible = groups(labels)
        logits = scores[joint.name].float() + (
            self.tau * groups.log_prior()[group] if self.tau else 0.0
        )
        mine = logits.masked_fill(~possible, -torch.inf)
        labelled = (labels >= 0).any(1)
        if self.training:
            groups.learn(group[labelled], mine[labelled].softmax(1))
        each = logits.logsumexp(1) - mine.logsumexp(1)
        if self.smoothing:
            each = (1 - self.smoothing) * each + self.smoothing * evenly(logits)
        return each[labelled].sum() / labelled.sum().clamp(min=1)


class AttributeLikelihood(Criterion):
    """Cross-entropy of each attribute head on its own: plain basic classifiers.

    Where attributes are correlated in training, each head learns the others as evidence (see
    `JointLikelihood` for the repair); this is the lecture's first design, kept as a baseline.

    Args:
        schema: Attributes and composites.
        weights: Of attributes in the sum; 1 for those that are not named.

    Raises:
        ConfigError: If a weight is of no attribute, or below 0.
    """

    partly_labelled: str = _BY_HEADS

    def __init__(self, schema: Schema, *, weights: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.names = [a.name for a in schema.attributes]
        self.weights = dict.fromkeys(self.names, 1.0) | _checked(weights or {}, self.names)
        if set(self.weights.values()) != {1.0}:
            self.only_trained = "weights of attributes: each head is solved by itself"
        self.outputs = [o for o in schema.outputs if o.name in self.names]

    def objectives(self) -> list[Objective]:
        """One for each attribute."""
        return [Objective(output) for output in self.outputs]

    def check(self, model: JointClassifier) -> None:
        """Needs attribute heads."""
        if not len(model.attribute_heads):
            raise ConfigError(
                "criterion AttributeLikelihood needs attribute heads: model ModularClassifier, or "
                "FlatClassifier with auxiliaries"
            )

    def forward(self, scores: Scores, targets: Scores) -> Tensor:
        """Mean over the rows where an attribute is known, summed over attributes."""
        losses = [masked(scores[n], targets[n], smoothing=self.smoothing) for n in self.names]
        each = [self.weights[n] * loss for n, loss in zip(self.names, losses, strict=True)]
        return torch.stack(each).sum()


class JointAndAttributes(Criterion):
    """`L_joint + weight * sum of L_attribute`, plain cross-entropies.

    On a flat model with auxiliary attribute heads it is multi-task learning; on a modular one with
    a learned composite head, the joint concept bottleneck (Koh et al., ICML 2020).

    Args:
        schema: Attributes and composites.
        counts: Number of training images of each class, by joint space, shape (classes,).
        observed: As for `JointLikelihood`.
        weight: Lambda, the weight of the attributes.
        weights: Of single attributes beside it, as for `AttributeLikelihood`.
    """

    partly_labelled: str = _MARGINAL

    def __init__(
        self,
        schema: Schema,
        counts: Mapping[str, Tensor],
        observed: Mapping[str, Tensor] | None = None,
        *,
        weight: float = 1.0,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        require(
            0 <= weight < math.inf, "criterion (JointAndAttributes): weight", weight, "at least 0"
        )
        self.weight = weight
        self.joint = JointLikelihood(schema, counts, observed, tau=0.0)
        self.attributes = AttributeLikelihood(schema, weights=weights)
        self.only_trained = self.attributes.only_trained
        if observed is None:
            self.partly_labelled = self.attributes.partly_labelled

    def check(self, model: JointClassifier) -> None:
        """Needs attribute heads."""
        self.attributes.check(model)

    def label_groups(self, joint: str) -> LabelGroups | None:
        """As the likelihood of joint classes."""
        return self.joint.label_groups(joint)

    def objectives(self) -> list[Objective]:
        """Those of joint spaces and of attributes; heads of their own do not see the weight."""
        return [*self.joint.objectives(), *self.attributes.objectives()]

    def taught_by_parts(self, joint: str) -> Tensor | None:
        """As the likelihood of joint classes."""
        return self.joint.taught_by_parts(joint)

    def forward(self, scores: Scores, targets: Scores) -> Tensor:
        """The weighted sum of both means."""
        loss: Tensor = self.joint(scores, targets) + self.weight * self.attributes(scores, targets)
        return loss


def _checked(weights: Mapping[str, float], names: list[str]) -> dict[str, float]:
    for name, weight in weights.items():
        if name not in names:
            raise ConfigError(unknown("attribute", name, names, "in criterion.weights"))
        require(0 <= weight < math.inf, f"criterion: weights.{name}", weight, "at least 0")
    return {name: float(weight) for name, weight in weights.items()}
