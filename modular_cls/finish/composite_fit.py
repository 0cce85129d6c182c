"""Finish composite heads of models whose attribute heads were trained on their own."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from modular_cls.criteria import log_share
from modular_cls.errors import ConfigError, require
from modular_cls.features.linear import fit_linear
from modular_cls.finish.step import Counts, Features, FinishStep
from modular_cls.models.heads import Linear, Product
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.models.modular import ModularClassifier


@dataclass(frozen=True, kw_only=True)
class FitComposite(FinishStep):
    """Freeze backbone and attribute heads; fit the composite head alone.

    From few images with tau = 1 it is the lecture's own recipe: the basic classifiers come first,
    and what they share lets the composite do with little. From all with tau = 0 it is the
    sequential concept bottleneck (Koh et al., ICML 2020). Minimises cross-entropy of
    `score + tau log p(z)` plus an l2 penalty by L-BFGS.

    Args:
        per_class: Images of each joint class to learn from, the first of each; null for all.
        tau: Strength of the prior of those images.
        l2: Penalty on the squared weights.
        steps: L-BFGS iterations.
    """

    per_class: int | None = 50
    tau: float = 1.0
    l2: float = 1e-3
    steps: int = 200
    fills: ClassVar[str] = "composite_heads"

    def __post_init__(self) -> None:
        where = "finish (FitComposite):"
        fits = self.per_class is None or self.per_class >= 1
        require(fits, f"{where} per_class", self.per_class, "at least 1, or null for all")
        require(0 <= self.tau < math.inf, f"{where} tau", self.tau, "at least 0")
        require(0 <= self.l2 < math.inf, f"{where} l2", self.l2, "at least 0")
        require(self.steps >= 1, f"{where} steps", self.steps, "at least 1")

    def check(self, model: JointClassifier, counts: Mapping[str, Counts]) -> None:
        """Needs composite heads with parameters."""
        heads = model.composite_heads if isinstance(model, ModularClassifier) else nn.ModuleList()
        if not any(weight.numel() for weight in heads.parameters()):
            raise ConfigError(
                "finish: FitComposite needs model ModularClassifier with a composite that learns"
            )

    def __call__(self, model: JointClassifier, images: Mapping[str, Features]) -> dict[str, float]:
        """Fit each composite head; notes the number of images used."""
        assert isinstance(model, ModularClassifier)
        train, notes = images["train"], {}
        with torch.no_grad():
            # Out-of-fold scores where there are such: the heads know their images too well.
            attributes = train.scores or model.attribute_scores(train.features)
        for joint, head in zip(model.learned.joints, model.composite_heads, strict=True):
            target = train.targets[joint.name]
            chosen = torch.cat(
                [(target == z).nonzero()[: self.per_class, 0] for z in range(joint.size)]
            )
            scores = [attributes[a.name][chosen] for a in joint.attributes]
            if model.frozen and isinstance(head, Linear):
                identity = train.identity and [train.identity[i] for i in chosen.tolist()]
                notes[f"ridge/{joint.name}"] = self._solve(head, scores, target[chosen], identity)
            else:
                self._fit_head(head, scores, target[chosen], joint.size)
            notes[f"composite_images/{joint.name}"] = float(len(chosen))
        return notes

    def _solve(
        self, head: Linear, scores: list[Tensor], target: Tensor, identity: Sequence[str] | None
    ) -> float:
        layer = head[1]
        assert isinstance(layer, nn.Linear)
        shares = log_share(torch.bincount(target, minlength=layer.out_features))
        solution = fit_linear(torch.cat(scores, 1), target, shares, identity=identity)
        # Solved with the whole prior beside the scores; what tau leaves of it belongs into them.
        # A class without images has the log share -inf: -1e4 stands for it below tau = 1. From 1 on
        # nothing is left: more than all that it lacks would make it the answer to everything.
        within = ((1 - self.tau) * shares).nan_to_num(nan=0.0, posinf=0.0, neginf=-1e4)
        layer.weight.data.copy_(solution.weight)
        layer.bias.data.copy_(solution.bias + within)
        return solution.ridge

    def _fit_head(
        self, head: nn.Module, scores: list[Tensor], target: Tensor, classes: int
    ) -> None:
        counts = torch.bincount(target, minlength=classes)
        log_prior = (
            self.tau * log_share(counts) if self.tau else torch.zeros(classes, device=target.device)
        )
        fit_head(
            head,
            lambda: nn.functional.cross_entropy(head(scores) + log_prior, target),
            self.l2,
            self.steps,
        )


@dataclass(frozen=True, kw_only=True)
class CorrectPrior(FinishStep):
    """Take the correlation of the attributes in training out of a product of attribute classifiers.

    Multiplies `prod_i p(z_i | x)` by `(p(z) / prod_i p(z_i))^(-tau)`, the shares counted on the
    training images with `smoothing` images added to every joint class.

    Args:
        tau: Strength.
        smoothing: Images added to every joint class, so that an empty one has a share.
    """

    tau: float = 1.0
    smoothing: float = 1.0

    def __post_init__(self) -> None:
        where, smoothing = "finish (CorrectPrior):", self.smoothing
        require(0 <= self.tau < math.inf, f"{where} tau", self.tau, "at least 0")
        require(0 <= smoothing < math.inf, f"{where} smoothing", smoothing, "at least 0")

    def check(self, model: JointClassifier, counts: Mapping[str, Counts]) -> None:
        """Needs product composite heads."""
        heads = list(model.composite_heads) if isinstance(model, ModularClassifier) else []
        if not heads or not all(isinstance(h, Product) for h in heads):
            raise ConfigError(
                "finish: CorrectPrior needs model ModularClassifier with composite Product"
            )
        for joint in model.learned.joints:
            empty = [
                name
                for name, count in zip(joint.class_names, counts["train"][joint.name], strict=True)
                if not count
            ]
            if empty and not self.smoothing:
                raise ConfigError(
                    f"finish: CorrectPrior with smoothing 0 has no share for {', '.join(empty)}, "
                    "which has no training images; give a smoothing above 0"
                )

    def __call__(self, model: JointClassifier, images: Mapping[str, Features]) -> dict[str, float]:
        """Write the correction of each product head."""
        assert isinstance(model, ModularClassifier)
        for joint, head in zip(model.learned.joints, model.composite_heads, strict=True):
            assert isinstance(head, Product)  # check() saw to it
            target = images["train"].targets[joint.name]
            counts = torch.bincount(target[target >= 0], minlength=joint.size) + self.smoothing
            together = log_share(counts)
            grid = together.reshape([len(a.values) for a in joint.attributes])
            apart = torch.zeros_like(together)
            for i in range(len(joint.attributes)):
                others = [d for d in range(grid.ndim) if d != i]
                share = grid.logsumexp(others) if others else grid
                apart = apart + share[head.cells[:, i]]
            head.correction.copy_(-self.tau * (together - apart))
        return {}


def fit_head(head: nn.Module, loss: Callable[[], Tensor], l2: float, steps: int) -> None:
    """Minimise `loss() + l2 * squared weights` over the parameters of a small head, by L-BFGS.

    Args:
        head: Whose parameters are fitted, from where they stand.
        loss: The loss with the head as it is.
        l2: Penalty on the squared weights; biases are free.
        steps: Iterations.
    """
    weights = [p for p in head.parameters() if p.ndim > 1]
    optimiser = torch.optim.LBFGS(head.parameters(), max_iter=steps, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        total = loss() + l2 * torch.stack([w.square().sum() for w in weights]).sum()
        total.backward()
        return total

    optimiser.step(closure)
