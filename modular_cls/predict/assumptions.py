"""What is assumed of pictures before they are seen: the prior, and what is known of attributes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from modular_cls.config import Prediction
from modular_cls.errors import ConfigError
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.models.prior import joint_prior
from modular_cls.schema import Schema

Prior = Literal["uniform", "training"] | Mapping[str, float] | None
Given = Mapping[str, str | Mapping[str, float]]
Counts = Mapping[str, Sequence[int]]
_LEAST = torch.finfo(torch.double).tiny


def assume(
    model: JointClassifier, counts: Counts | None, prior: Prior, known: Given
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What is expected and what is known, as logarithms that are added to scores.

    Args:
        model: The classifier.
        counts: Training images of each joint class, by joint space; None where unknown.
        prior: As for `Predictor`.
        known: What is given of the pictures, as for `Predictor`.

    Returns:
        Log priors by joint space, shape (classes,), and by attribute, shape (values,).

    Raises:
        ConfigError: If they do not fit the schema or each other, or `training` is not known.
    """
    log_priors, evidence = _log_priors(model, counts, prior), _evidence(model.schema, known)
    for joint in model.schema.joints:
        whole = log_priors[joint.name] + model.of_classes(joint, evidence)
        if not (whole > -torch.inf).any():
            names = ", ".join(a.name for a in joint.attributes if a.name in evidence)
            raise ConfigError(
                f"given {names}: no joint class of {joint.name} that can be predicted agrees "
                "with it"
            )
    return log_priors, evidence


def _log_priors(model: JointClassifier, counts: Counts | None, prior: Prior) -> dict[str, Tensor]:
    log_priors = {name: p.cpu() for name, p in model.log_priors.items()}
    if prior is None:
        return log_priors
    if prior == "training" and counts is None:
        raise ConfigError(
            "prior training: the run does not say how many training images each joint class had"
        )
    if not isinstance(prior, (str, Mapping)):
        accepted = "it must be uniform, training, or a mapping of joint classes to shares"
        raise ConfigError(f"prior is {prior!r:.40}; {accepted}")
    if not isinstance(prior, str):
        prior = {name: _finite(share, f"prior {name}") for name, share in prior.items()}
    asked = Prediction(prior=prior).prior
    changed = {}
    for joint in model.schema.joints:
        count = torch.tensor((counts or {}).get(joint.name, [0] * joint.size))
        # A share of 0 in the run's own prior does not mean that the class is out of reach.
        allowed = model.reachable(joint, count > 0) | (log_priors[joint.name] > -torch.inf)
        changed[joint.name] = joint_prior(joint, asked, count, allowed).log()
    return changed


def _evidence(schema: Schema, known: Given) -> dict[str, Tensor]:
    evidence = {}
    if not isinstance(known, Mapping):
        raise ConfigError(f"given is {known!r:.40}; it must be a mapping, as {{attribute: value}}")
    for name, entry in known.items():
        attribute = schema.attribute(name)
        shares = _shares(entry, f"given {name}")
        weights = torch.zeros(len(attribute.values), dtype=torch.double)
        for value, share in shares.items():
            weights[attribute.index(str(value))] = _finite(share, f"given {name}: {value}")
        # Only ratios count; as such, the largest and the smallest numbers have logarithms.
        evidence[name] = (weights / weights.max().clamp(min=_LEAST)).log().float()
    return evidence


def _shares(entry: object, where: str) -> Mapping[Any, Any]:
    """The probability of each value, of which one may stand for all of it."""
    if isinstance(entry, Mapping):
        return entry
    number = isinstance(entry, (int, np.integer)) and not isinstance(entry, bool)
    if not isinstance(entry, str) and not number:
        accepted = "it must be a value, or a mapping of values to probabilities"
        raise ConfigError(f"{where} is {entry!r:.40}; {accepted}")
    return {entry: 1.0}


def _finite(share: object, where: str) -> float:
    """A number from 0 on; raises ConfigError for anything else."""
    known = isinstance(share, (int, float, np.integer, np.floating)) and not isinstance(share, bool)
    try:
        number = float(share) if known else math.nan  # type: ignore[arg-type]
    except OverflowError:
        number = math.inf
    if not 0 <= number < math.inf:
        raise ConfigError(f"{where} has {share!r:.40}; it must be a finite number, at least 0")
    return number
