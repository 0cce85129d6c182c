"""Steps after the fit: they take the model and cached features of its images, and finish the model."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from modular_cls.criteria import log_share
from modular_cls.errors import ConfigError
from modular_cls.models.heads import Additive, affine_reach
from modular_cls.models.joint import JointClassifier
from modular_cls.models.modular import ModularClassifier
from modular_cls.schema import Composite

__all__ = ["Features", "FinishStep", "FitBias", "FitComposite"]

_CLOSE = 1e-6  # a bias fitted to this change is exact for any decision
_MOST_ROUNDS = 2000


class Features(NamedTuple):
    """Backbone outputs of the training images, in evaluation mode and unaugmented.

    Attributes:
        features: Shape (N, F).
        targets: By attribute, composite and joint space, shape (N,); -1 where unknown.
    """

    features: Tensor
    targets: dict[str, Tensor]


@dataclass(frozen=True)
class FinishStep:
    """A step `(model, features) -> notes`; changes the model, returns what is worth reporting."""

    def check(self, model: JointClassifier) -> None:
        """Raise ConfigError, before training, if the step does not fit the model."""

    def __call__(self, model: JointClassifier, train: Features) -> dict[str, float]:
        """Finish the model."""
        raise NotImplementedError


@dataclass(frozen=True)
class FitBias(FinishStep):
    """Fit the bias of each seen joint class, extrapolate it to the others.

    Solves `B_z = log mean_x exp(S(x, z) - log sum_{z' seen} p(z') exp(S(x, z') - B_z'))` for the seen
    classes; for a class not seen the right-hand side is its bias (Mahajan et al., ICML 2025). The
    fitted bias of a rare class rests on its few images, so it is drawn towards the bias it would
    have had unseen: `w B_z + (1 - w) B0_z` with `w = n / (n + kappa)`.

    Args:
        kappa: Images after which the fitted bias weighs as much as the extrapolated one.
    """

    kappa: float = 1.0

    def check(self, model: JointClassifier) -> None:
        """Needs additive composite heads."""
        heads = list(model.composite_heads) if isinstance(model, ModularClassifier) else []
        if not heads or not all(isinstance(h, Additive) for h in heads):
            raise ConfigError("finish: FitBias needs model ModularClassifier with composite Additive")

    @torch.no_grad()
    def __call__(self, model: JointClassifier, train: Features) -> dict[str, float]:
        """Write the biases; notes the effective sample size behind each extrapolated one."""
        assert isinstance(model, ModularClassifier)
        notes: dict[str, float] = {}
        attributes = model.attribute_scores(train.features)
        for joint, head in zip(model.schema.joints, model.composite_heads, strict=True):
            known = train.targets[joint.name] >= 0
            assert isinstance(head, Additive)  # check() saw to it
            energies = head.energies([attributes[a.name][known] for a in joint.attributes]).double()
            bias, sizes = _fit(energies, train.targets[joint.name][known], joint, self.kappa)
            head.bias.copy_(bias)
            notes |= {f"effective_sample_size/{joint.class_names[z]}": size for z, size in sizes.items()}
        return notes


@dataclass(frozen=True)
class FitComposite(FinishStep):
    """Freeze backbone and attribute heads; fit the composite head alone, from few images.

    The lecture's own recipe: the basic classifiers come first, and what they share lets the
    composite do with little. Minimises prior-corrected cross-entropy plus an l2 penalty by L-BFGS.

    Args:
        per_class: Images of each joint class to learn from, the first of each; null for all.
        l2: Penalty on the squared weights.
        steps: L-BFGS iterations.
    """

    per_class: int | None = 50
    l2: float = 1e-3
    steps: int = 200

    def check(self, model: JointClassifier) -> None:
        """Needs composite heads with parameters."""
        heads = list(model.composite_heads) if isinstance(model, ModularClassifier) else []
        if not heads or not any(p.numel() for h in heads for p in h.parameters()):
            raise ConfigError("finish: FitComposite needs model ModularClassifier with a composite that learns")

    def __call__(self, model: JointClassifier, train: Features) -> dict[str, float]:
        """Fit each composite head; notes the number of images used."""
        assert isinstance(model, ModularClassifier)
        notes = {}
        with torch.no_grad():
            attributes = model.attribute_scores(train.features)
        for joint, head in zip(model.schema.joints, model.composite_heads, strict=True):
            target = train.targets[joint.name]
            chosen = torch.cat([(target == z).nonzero()[: self.per_class, 0] for z in range(joint.size)])
            scores = [attributes[a.name][chosen] for a in joint.attributes]
            self._fit_head(head, scores, target[chosen], joint.size)
            notes[f"composite_images/{joint.name}"] = float(len(chosen))
        return notes

    def _fit_head(self, head: nn.Module, scores: list[Tensor], target: Tensor, classes: int) -> None:
        log_prior = log_share(torch.bincount(target, minlength=classes))
        weights = [p for p in head.parameters() if p.ndim > 1]
        optimiser = torch.optim.LBFGS(head.parameters(), max_iter=self.steps, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(head(scores) + log_prior, target)
            loss = loss + self.l2 * sum(w.square().sum() for w in weights)
            loss.backward()
            return loss

        optimiser.step(closure)


def _fit(energies: Tensor, target: Tensor, joint: Composite, kappa: float) -> tuple[Tensor, dict[int, float]]:
    """Biases of all classes, shape (classes,), and the effective sample size of extrapolated ones."""
    counts = torch.bincount(target, minlength=joint.size)
    seen = counts > 0
    bias = _fixed_point(energies, counts)
    sizes = {int(z): _effective_sample_size(energies, bias, counts, int(z)) for z in (~seen).nonzero()[:, 0]}
    for z in seen.nonzero()[:, 0].tolist():
        weight = counts[z] / (counts[z] + kappa)
        rest = counts.clone()
        rest[z] = 0
        if weight > 0.99 or not affine_reach(joint, rest > 0)[z]:
            continue
        others = target != z
        without = _fixed_point(energies[others], rest)
        # Biases are defined up to a constant; put both fits on the scale of the common classes.
        common = rest > 0
        shift = (rest * (bias - without))[common].sum() / rest.sum()
        bias[z] = weight * bias[z] + (1 - weight) * (without[z] + shift)
        sizes[z] = _effective_sample_size(energies[others], without, rest, z)
    return bias, sizes


def _fixed_point(energies: Tensor, counts: Tensor) -> Tensor:
    """Solve for the seen classes; evaluate the same expression for all, shape (classes,)."""
    seen = counts > 0
    bias = torch.zeros_like(energies[0])
    for _ in range(_MOST_ROUNDS):
        update = _log_weights(energies, bias, counts).logsumexp(0) - torch.tensor(len(energies)).log()
        change = (update - bias)[seen].abs().max()
        bias = update
        if change < _CLOSE:
            break
    return bias


def _log_weights(energies: Tensor, bias: Tensor, counts: Tensor) -> Tensor:
    """`S(x, z) - log sum_{z' seen} p(z') exp(S(x, z') - B_z')`, shape (N, classes)."""
    mixture = (energies - bias + log_share(counts)).logsumexp(1, keepdim=True)
    return energies - mixture


def _effective_sample_size(energies: Tensor, bias: Tensor, counts: Tensor, z: int) -> float:
    log_weights = _log_weights(energies, bias, counts)[:, z]
    return float((2 * log_weights.logsumexp(0) - (2 * log_weights).logsumexp(0)).exp())
