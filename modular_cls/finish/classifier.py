"""Refit the last layer of a flat classifier on frozen features."""

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from modular_cls.criteria import refuse_empty
from modular_cls.errors import ConfigError, require
from modular_cls.features.linear import fit_linear
from modular_cls.finish.step import Counts, Features, FinishStep
from modular_cls.models.flat import FlatClassifier
from modular_cls.models.joint_classifier import JointClassifier

# Inverse strengths of the l1 penalty: those of the method's authors (on Waterbirds).
_GRID = (1.0, 0.7, 0.3, 0.1, 0.07, 0.03, 0.01)
_REFITS = 10


@dataclass(frozen=True, kw_only=True)
class RetrainClassifier(FinishStep):
    """cRT: a fresh last layer on frozen features, every joint class counting alike.

    After Kang et al., ICLR 2020.

    Class-balanced sampling is replaced by its expectation, a cross-entropy in which every image
    weighs `1 / (K n_z)`, solved; images are unaugmented.

    Args:
        l2: Penalty on the squared weights of a trained network's features; on a frozen backbone a
            ridge is chosen by cross-validation, as for every head there.
    """

    l2: float = 2.5e-4
    fills: ClassVar[str] = "joint_heads"

    def __post_init__(self) -> None:
        require(0 <= self.l2 < math.inf, "finish (RetrainClassifier): l2", self.l2, "at least 0")

    def check(self, model: JointClassifier, counts: Mapping[str, Counts]) -> None:
        """Needs a flat model with linear heads, and images of every joint class."""
        _linear_heads(model, "RetrainClassifier")
        refuse_empty("RetrainClassifier", model.schema, counts["train"])

    @torch.no_grad()
    def __call__(self, model: JointClassifier, images: Mapping[str, Features]) -> dict[str, float]:
        """Refit the linear layer of each joint space."""
        train, notes = images["train"], dict[str, float]()
        heads = _linear_heads(model, "RetrainClassifier")
        for joint, head in zip(model.schema.joints, heads, strict=True):
            target = train.targets[joint.name].cpu()
            counts = torch.bincount(target[target >= 0], minlength=joint.size)
            each = (1 / counts.double())[target.clamp(min=0)]
            solution = fit_linear(
                train.features,
                target,
                torch.zeros(joint.size),
                each,
                None if model.frozen else self.l2,
                identity=train.identity,
            )
            head.weight.copy_(solution.weight)
            head.bias.copy_(solution.bias)
            notes[f"ridge/{joint.name}"] = solution.ridge
        return notes


@dataclass(frozen=True, kw_only=True)
class ReweightFeatures(FinishStep):
    """DFR: l1 logistic regression on standardised features of balanced held-out images.

    After Kirichenko et al., ICLR 2023.

    The mean of ten refits, each on as many held-out images of every joint class as the rarest has;
    the strength of the penalty is chosen by worst-class recall with one half of the images held out
    again, where every class has two. The images come out of the training images (`data.hold_out`).

    Args:
        seed: Which draws.
        strength: Inverse strength of the penalty; default chosen as above.
    """

    seed: int = 0
    strength: float | None = None
    uses: ClassVar[tuple[str, ...]] = ("held_out",)
    fills: ClassVar[str] = "joint_heads"

    def __post_init__(self) -> None:
        where, strength = "finish (ReweightFeatures):", self.strength
        fits = strength is None or 0 < strength < math.inf
        require(fits, f"{where} strength", strength, "above 0, or null to have it chosen")
        require(0 <= self.seed < 2**32, f"{where} seed", self.seed, "from 0 to 4294967295")

    def check(self, model: JointClassifier, counts: Mapping[str, Counts]) -> None:
        """Needs a flat model with linear heads, and held-out images of every joint class."""
        _linear_heads(model, "ReweightFeatures")
        if "held_out" not in counts:
            raise ConfigError(
                "finish: ReweightFeatures needs held-out images; give data.hold_out, for "
                "example 0.5"
            )
        refuse_empty("ReweightFeatures", model.schema, counts["held_out"], "held-out images")

    def __call__(self, model: JointClassifier, images: Mapping[str, Features]) -> dict[str, float]:
        """Refit the linear layer of each joint space.

        Notes the penalty chosen and the images per class.
        """
        notes: dict[str, float] = {}
        for joint, head in zip(
            model.schema.joints, _linear_heads(model, "ReweightFeatures"), strict=True
        ):
            target = images["held_out"].targets[joint.name]
            known = (target >= 0).cpu()
            x = images["held_out"].features.cpu().double()[known].numpy()
            y = target.cpu()[known].numpy()
            strength = self.strength or _choose_strength(x, y, self.seed)
            weight, bias = _mean_of_refits(x, y, strength, self.seed)
            head.weight.data.copy_(torch.from_numpy(weight))
            head.bias.data.copy_(torch.from_numpy(bias))
            notes |= {
                f"dfr_strength/{joint.name}": strength,
                f"dfr_per_class/{joint.name}": float(_fewest(y)),
            }
        return notes


def _linear_heads(model: JointClassifier, step: str) -> list[nn.Linear]:
    heads = model.linear_heads() if isinstance(model, FlatClassifier) else []
    if not heads:
        raise ConfigError(
            f"finish: {step} needs model FlatClassifier with linear heads (no cosine_scale)"
        )
    return heads


def _choose_strength(x: np.ndarray, y: np.ndarray, seed: int) -> float:
    if _fewest(y) < 2:
        # Nothing to choose by; one image a class and a strong penalty would leave all weights 0.
        return max(_GRID)
    learn = np.zeros(len(y), dtype=bool)
    for members in _balanced_draws(y, seed, 1, _fewest(y) // 2):
        learn[members] = True
    fits = {c: _mean_of_refits(x[learn], y[learn], c, seed, refits=1) for c in _GRID}
    rest = [np.flatnonzero(~learn & (y == z)) for z in np.unique(y)]

    def worst(c: float) -> float:
        weight, bias = fits[c]
        return min(
            float((np.argmax(x[r] @ weight.T + bias, 1) == z).mean()) for z, r in enumerate(rest)
        )

    return max(_GRID, key=worst)


def _mean_of_refits(
    x: np.ndarray, y: np.ndarray, strength: float, seed: int, refits: int = _REFITS
) -> tuple[np.ndarray, np.ndarray]:
    """Mean weights `(classes, F)` and biases `(classes,)` over refits, for raw features."""
    from sklearn.exceptions import ConvergenceWarning  # slow to import
    from sklearn.linear_model import LogisticRegression

    mean, spread = x.mean(0), x.std(0).clip(1e-8)  # features may be the same in all images
    weights, biases = [], []
    for members in _balanced_draws(y, seed, refits, _fewest(y)):
        model = LogisticRegression(
            l1_ratio=1.0, solver="saga", C=strength, max_iter=100, random_state=seed
        )
        with warnings.catch_warnings():
            # Three times as many steps gained nothing on photographs.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit((x[members] - mean) / spread, y[members])
        two = model.coef_.shape[0] == 1  # scikit-learn keeps one row for two classes
        weights.append(np.concatenate([-model.coef_, model.coef_]) / 2 if two else model.coef_)
        biases.append(
            np.concatenate([-model.intercept_, model.intercept_]) / 2 if two else model.intercept_
        )
    weight = np.mean(weights, axis=0) / spread
    return weight, np.mean(biases, axis=0) - weight @ mean


def _balanced_draws(y: np.ndarray, seed: int, draws: int, size: int) -> Iterator[np.ndarray]:
    """Positions of `size` images of every class, drawn anew each time."""
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        yield np.concatenate(
            [rng.choice(np.flatnonzero(y == z), size, replace=False) for z in np.unique(y)]
        )


def _fewest(y: np.ndarray) -> int:
    return int(np.unique(y, return_counts=True)[1].min())
