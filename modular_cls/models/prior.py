"""The target prior: the share of each joint class expected where a model is used."""

from collections.abc import Mapping
from numbers import Real

import torch
from torch import Tensor

from modular_cls.config import Prediction
from modular_cls.errors import ConfigError, unknown
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.schema import Composite


def target_priors(
    model: JointClassifier,
    counts: Mapping[str, Tensor],
    taught: Mapping[str, Tensor],
    prediction: Prediction,
) -> dict[str, Tensor]:
    """The target prior of each joint space, shape (classes,); 0 for classes out of reach.

    Args:
        model: What says which classes it reaches.
        counts: Fully labelled training images of each class, by joint space.
        taught: Mask of the classes that training images teach, partly labelled ones included, by
            joint space.
        prediction: What the configuration asks for.

    Raises:
        ConfigError: If `prediction.prior` names a class that does not exist or shares that do not
            fit.
    """
    priors = {}
    for joint in model.schema.joints:
        seen = taught[joint.name]
        allowed = torch.ones_like(seen) if prediction.unreachable else model.reachable(joint, seen)
        priors[joint.name] = joint_prior(joint, prediction.prior, counts[joint.name], allowed)
    return priors


def joint_prior(
    joint: Composite, asked: str | dict[str, float], counts: Tensor, allowed: Tensor
) -> Tensor:
    """The target prior of one joint space, shape (classes,); need not sum to 1.

    Args:
        joint: The joint space.
        asked: As `Prediction.prior`.
        counts: Training images of each class, shape (classes,).
        allowed: Mask of the classes that may be predicted, shape (classes,).

    Raises:
        ConfigError: As for `target_priors`.
    """
    if asked == "training":
        share = counts.float()
    elif asked == "uniform":
        share = torch.ones(joint.size)
    elif isinstance(asked, dict):
        share = _given_prior(joint, asked)
    else:
        raise ConfigError(
            unknown("prior", asked, ("uniform", "training", "a mapping from class names to shares"))
        )
    if not (share * allowed).sum() > 0:
        raise ConfigError(
            "prediction.prior gives every joint class that can be predicted a share of 0"
        )
    return share * allowed


def _given_prior(joint: Composite, shares: dict[str, float]) -> Tensor:
    for name, share in shares.items():
        if name not in joint.class_names:
            raise ConfigError(
                unknown("joint class", name, joint.class_names, "in prediction.prior")
            )
        if not isinstance(share, Real) or not 0 <= share <= 1:
            raise ConfigError(
                f"prediction.prior.{name} is {share}; it must be a number from 0 to 1"
            )
    left = 1 - sum(shares.values())
    others = joint.size - len(shares)
    if left < -1e-6 or (not others and abs(left) > 1e-6):
        raise ConfigError(
            f"prediction.prior: the shares add up to {1 - left:g}; they must add up to 1"
        )
    return torch.tensor(
        [shares.get(name, max(left, 0.0) / max(others, 1)) for name in joint.class_names]
    )
