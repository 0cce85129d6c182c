"""Fit the bias of each seen joint class, and extrapolate it to those not seen."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from modular_cls.criteria import log_share
from modular_cls.errors import ConfigError
from modular_cls.finish.step import Counts, Features, FinishStep
from modular_cls.models.heads import Additive
from modular_cls.models.joint import JointClassifier
from modular_cls.models.modular import ModularClassifier
from modular_cls.models.reach import affine_reach, affine_weights
from modular_cls.schema import Composite

_CLOSE = 1e-6  # a bias fitted to this change is exact for any decision
_MOST_ROUNDS = 2000


@dataclass(frozen=True)
class FitBias(FinishStep):
    """Fit the bias of each seen joint class, extrapolate it to the others.

    Solves `B_z = log mean_x exp(S(x, z) - log sum_{z' seen} p(z') exp(S(x, z') - B_z'))` for the
    seen classes; for a class not seen the right-hand side is its bias (Mahajan et al., ICML 2025).
    Images of the other classes hardly reach where an unseen class lies, so that mean misses some of
    it and the bias comes out low. Where the scores of the attributes are independent given the
    labels, the bias is a sum over attributes like the energy, and that of an unseen class is the
    affine combination of seen ones that identifies it (for 2 x 2: `B_11 = B_10 + B_01 - B_00`).
    What the attributes share makes that estimate err the other way, so the two are averaged.

    The fitted bias of a rare class rests on its few images, so it is drawn towards the bias it
    would have had unseen, extrapolated from the classes that have more images: `w B_z + (1 - w)
    B0_z` with `w = n / (n + kappa)`.

    Args:
        kappa: Images after which the fitted bias weighs as much as the extrapolated one.
        additive: Weight of the affine combination against the mean, from 0 (the paper's rule) to 1.
    """

    kappa: float = 1.0
    additive: float = 0.5

    def check(self, model: JointClassifier, counts: Mapping[str, Counts]) -> None:
        """Needs additive composite heads."""
        heads = list(model.composite_heads) if isinstance(model, ModularClassifier) else []
        if not heads or not all(isinstance(h, Additive) for h in heads):
            raise ConfigError(
                "finish: FitBias needs model ModularClassifier with composite Additive"
            )

    @torch.no_grad()
    def __call__(self, model: JointClassifier, images: Mapping[str, Features]) -> dict[str, float]:
        """Write the biases; notes the effective sample size behind each extrapolated one."""
        assert isinstance(model, ModularClassifier)
        train = images["train"]
        notes: dict[str, float] = {}
        attributes = model.attribute_scores(train.features)
        for joint, head in zip(model.schema.joints, model.composite_heads, strict=True):
            known = train.targets[joint.name] >= 0
            assert isinstance(head, Additive)  # check() saw to it
            energies = (
                head.energies([attributes[a.name][known] for a in joint.attributes]).cpu().double()
            )
            bias, sizes = self.fit(energies, train.targets[joint.name][known].cpu(), joint)
            head.bias.copy_(bias)
            notes |= {
                f"effective_sample_size/{joint.class_names[z]}": size for z, size in sizes.items()
            }
        return notes

    def fit(
        self, energies: Tensor, target: Tensor, joint: Composite
    ) -> tuple[Tensor, dict[int, float]]:
        """Fit the biases of one joint space.

        Args:
            energies: Of images whose joint class is known, shape (N, classes), double.
            target: Their joint class, shape (N,).
            joint: The joint space.

        Returns:
            Biases of all classes, shape (classes,), and the effective sample size of extrapolated
            ones.
        """
        counts = torch.bincount(target, minlength=joint.size)
        bias = _fixed_point(energies, counts)
        fitted, sizes = bias.clone(), {}
        for z in (counts == 0).nonzero()[:, 0].tolist():
            bias[z] = self._extrapolate(fitted, counts, joint, z)
            sizes[z] = _effective_sample_size(energies, fitted, counts, z)
        for z in counts.nonzero()[:, 0].tolist():
            weight = counts[z] / (counts[z] + self.kappa)
            rest = counts * (counts > counts[z])  # a common class is not judged by a rare one
            if weight > 0.99 or not affine_reach(joint, rest > 0)[z]:
                continue
            others = rest[target] > 0
            without = _fixed_point(energies[others], rest)
            # Biases are defined up to a constant; put both fits on the scale of the common classes.
            shift = (rest * (fitted - without))[rest > 0].sum() / rest.sum()
            bias[z] = weight * bias[z] + (1 - weight) * (
                self._extrapolate(without, rest, joint, z) + shift
            )
            sizes[z] = _effective_sample_size(energies[others], without, rest, z)
        return bias, sizes

    def _extrapolate(self, bias: Tensor, counts: Tensor, joint: Composite, z: int) -> Tensor:
        """The bias of a class without images, from the seen ones' and its own by the mean."""
        seen = counts > 0
        if not affine_reach(joint, seen)[z]:
            return bias[z]
        combined = affine_weights(joint, seen)[:, z].to(bias) @ bias[seen]
        return self.additive * combined + (1 - self.additive) * bias[z]


def _fixed_point(energies: Tensor, counts: Tensor) -> Tensor:
    """Solve for the seen classes; evaluate the same expression for all, shape (classes,)."""
    seen = counts > 0
    bias = torch.zeros_like(energies[0])
    for _ in range(_MOST_ROUNDS):
        update = (
            _log_weights(energies, bias, counts).logsumexp(0) - torch.tensor(len(energies)).log()
        )
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
