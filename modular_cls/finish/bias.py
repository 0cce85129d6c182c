"""Fit the bias of each seen joint class, and extrapolate it to those not seen."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import torch
from rich.progress import track
from torch import Tensor

from modular_cls.criteria import log_share
from modular_cls.errors import ConfigError, require
from modular_cls.finish.match import matched_biases
from modular_cls.finish.step import Counts, Features, FinishStep
from modular_cls.models.heads import Additive, DirectHead
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.models.modular import ModularClassifier
from modular_cls.models.reachable import affine_reach, affine_weights
from modular_cls.schema import Composite

_CLOSE = 1e-6  # a bias fitted to this change is exact for any decision
_MOST_ROUNDS = 2000
_ROUNDS = 50  # at a time
_MANY = 100  # joint classes from which on progress is shown


Estimate = Literal["mean", "matched", "affine"]


@dataclass(frozen=True, kw_only=True)
class FitBias(FinishStep):
    """Fit the bias of each seen joint class, extrapolate it to the others.

    Solves `B_z = log mean_x exp(S(x, z) - log sum_{z' seen} p(z') exp(S(x, z') - B_z'))` for the
    seen classes; for a class not seen the right-hand side is its bias (Mahajan et al., ICML 2025):
    the estimate `mean`. Few images of other classes reach where an unseen class lies, so where
    attributes are easy and nearly independent it comes out low. Two more estimates need no image of
    the class either: `matched` (see `matched_biases`), and `affine`, exact where the scores of the
    attributes are independent given the labels (for 2 x 2: `B_11 = B_10 + B_01 - B_00`) and far off
    where they are entangled. What is asked for is averaged.

    The scores should be of heads that were fitted without the image. On a frozen backbone they are
    those of cross-validation. Those of a trained network are of the images it was trained on: its
    validation images were no better on digits, and 3 points worse where they differ from
    training's.

    The fitted bias of a rare class rests on its few images, so it is drawn towards the bias it
    would have had unseen, extrapolated from the classes that have more images: `w B_z + (1 - w)
    B0_z` with `w = n / (n + kappa)`. A direct head (`DirectHead`) is believed as far, class by
    class; its bias is half of the way from the one learned, which knows the images by heart, to the
    one fitted out of fold, to whose heads small classes look smaller than they are.

    Args:
        kappa: Images after which what they say of their class weighs as much as composition.
        estimates: Of the bias of a class without images, averaged.
        scores: Which: `unseen`, of heads fitted without the image where there are such, or
            `training`, as published.

    Example:
        >>> from modular_cls import Schema
        >>> from modular_cls.finish import FitBias
        >>> schema = Schema.from_dict({
        ...     "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        ...     "composites": {"hair_gender": {"attributes": ["hair", "gender"]}},
        ... })
        >>> energies = torch.tensor([[2.0, 0, 0, -2], [0, 2, -2, 0], [0, -2, 2, 0]]).double()
        >>> target = torch.tensor([0, 1, 2])  # no image of the last joint class
        >>> step = FitBias(estimates=["affine"])
        >>> bias, _ = step.fit(energies, target, schema.composite("hair_gender"))
        >>> torch.allclose(bias[3], bias[1] + bias[2] - bias[0])
        True
    """

    kappa: float = 5.0
    estimates: list[Estimate] = field(default_factory=lambda: ["mean", "matched"])
    scores: Literal["unseen", "training"] = "unseen"

    def __post_init__(self) -> None:
        where = "finish (FitBias):"
        require(0 <= self.kappa < math.inf, f"{where} kappa", self.kappa, "at least 0")
        known = get_args(Estimate)
        fits = bool(self.estimates) and set(self.estimates) <= set(known)
        accepted = f"one or more of {', '.join(known)}"
        require(fits, f"{where} estimates", self.estimates, accepted)
        scores = ("unseen", "training")
        require(self.scores in scores, f"{where} scores", self.scores, "unseen or training")

    def check(self, model: JointClassifier, counts: Mapping[str, Counts]) -> None:
        """Needs additive composite heads."""
        if not isinstance(model, ModularClassifier) or not model.adds():
            raise ConfigError(
                "finish: FitBias needs model ModularClassifier with composite Additive"
            )

    @torch.no_grad()
    def __call__(self, model: JointClassifier, images: Mapping[str, Features]) -> dict[str, float]:
        """Write the biases; notes the effective sample size behind each extrapolated one."""
        assert isinstance(model, ModularClassifier)
        train = images["train"]
        unseen = train.scores if self.scores == "unseen" else None
        scores = unseen or model.attribute_scores(train.features)
        notes: dict[str, float] = {}
        for i, joint in enumerate(model.learned.joints):
            head = model.composite_heads[i]
            assert isinstance(head, Additive)  # check() saw to it
            bias, sizes = self.fit(*_energies(head, joint, scores, train.targets), joint)
            head.bias.copy_(bias)
            if (direct := model.direct.get(joint.name)) is not None:
                self._fit_direct(direct, (unseen or {}).get(joint.name), train.targets[joint.name])
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
        fitted = _fixed_point(energies, counts)
        empty = (counts == 0).nonzero()[:, 0].tolist()
        bias = self._extrapolated(energies, target, fitted, joint, empty)
        sizes = _effective_sample_sizes(energies, fitted, counts, empty)
        # From 99 kappa images on, w is at least 0.99: what others say would move nothing.
        rare = counts[(counts > 0) & (counts < 99 * self.kappa)].unique().tolist()
        for n in track(rare, f"Biases of {joint.size:,} classes", disable=joint.size < _MANY):
            rest = counts * (counts > n)  # a common class is not judged by a rare one
            reached = affine_reach(joint, rest > 0) & (counts == n)
            if not reached.any():
                continue
            others, weight, mine = rest[target] > 0, n / (n + self.kappa), reached.nonzero()[:, 0]
            without = _fixed_point(energies[others], rest, fitted)
            # Biases are defined up to a constant; put both fits on the scale of the common classes.
            shift = (rest * (fitted - without))[rest > 0].sum() / rest.sum()
            like_empty = self._extrapolated(
                energies[others], target[others], without, joint, mine.tolist()
            )
            bias[reached] = torch.lerp(like_empty + shift, fitted, weight)[reached]
            sizes |= _effective_sample_sizes(energies[others], without, rest, mine.tolist())
        return bias, sizes

    def _extrapolated(
        self, energies: Tensor, target: Tensor, bias: Tensor, joint: Composite, empty: list[int]
    ) -> Tensor:
        """Biases with those of classes without images averaged over the estimates.

        Those out of reach keep the mean.
        """
        seen = torch.bincount(target, minlength=joint.size) > 0
        reach = affine_reach(joint, seen)
        reached = [z for z in empty if reach[z]]
        each: dict[Estimate, Mapping[int, float]] = {"mean": {z: float(bias[z]) for z in reached}}
        if "affine" in self.estimates and reached:
            affine = affine_weights(joint, seen).to(bias)[:, reached].T @ bias[seen]
            each["affine"] = dict(zip(reached, affine.tolist(), strict=True))
        if "matched" in self.estimates and reached:
            each["matched"] = matched_biases(energies, target, bias, joint, reached)
        result = bias.clone()
        for z in reached:
            estimates = [each[name][z] for name in self.estimates if z in each[name]]
            result[z] = sum(estimates) / len(estimates) if estimates else bias[z]
        return result

    def _fit_direct(self, head: DirectHead, scores: Tensor | None, target: Tensor) -> None:
        counts = torch.bincount(target[target >= 0], minlength=len(head.trust))
        seen = counts > 0
        head.trust.copy_(torch.where(seen, counts / (counts + self.kappa), 0))  # 0 / 0: none
        if scores is None:
            return
        known = (target >= 0).cpu()
        # Scores hold the bias as learned, so this is what it lacks, up to a constant.
        lacks = _fixed_point(scores.cpu().double()[known], counts.cpu()).to(head.bias)
        lacks = lacks - (counts / counts.sum() * lacks)[seen].sum()
        head.bias[seen] -= lacks[seen] / 2


def _energies(
    head: Additive, joint: Composite, scores: Mapping[str, Tensor], targets: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """Energies (n, classes), double, and joint classes (n,) of the images whose class is known."""
    known = targets[joint.name] >= 0
    energies = head.energies([scores[a.name][known] for a in joint.attributes])
    return energies.cpu().double(), targets[joint.name][known].cpu()


def _fixed_point(energies: Tensor, counts: Tensor, start: Tensor | None = None) -> Tensor:
    """Solve for the seen classes; evaluate the same expression for all, shape (classes,).

    Where it starts decides the constant that all biases share, and how long it takes. Some rounds
    at a time are products with a matrix of weights, which is taken anew from logarithms between.
    """
    seen, images = counts > 0, torch.tensor(len(energies)).log()
    shown, shares = energies[:, seen], counts[seen]
    bias = shown.new_zeros(len(shares)) if start is None else start[seen].to(shown)
    bias = _log_weights(shown, bias, shares).logsumexp(0) - images
    for _ in range(_MOST_ROUNDS // _ROUNDS):
        weights = (_log_weights(shown, bias, shares) - bias).exp()
        moved = torch.zeros_like(bias)
        for _ in range(_ROUNDS):
            mixture = weights @ (log_share(shares) - moved).exp()
            update = (mixture.reciprocal() @ weights).log() - images
            change, moved = (update - moved).abs().max(), update
            if change < _CLOSE:
                break
        bias = bias + moved
        if change < _CLOSE:
            break
    whole = torch.zeros_like(energies[0])
    whole[seen] = bias
    return _log_weights(energies, whole, counts).logsumexp(0) - images


def _mixture(energies: Tensor, bias: Tensor, counts: Tensor) -> Tensor:
    """`log sum_{z' seen} p(z') exp(S(x, z') - B_z')`, shape (N, 1)."""
    seen = counts > 0
    return (energies[:, seen] - bias[seen] + log_share(counts[seen])).logsumexp(1, keepdim=True)


def _log_weights(energies: Tensor, bias: Tensor, counts: Tensor) -> Tensor:
    """`S(x, z) - log sum_{z' seen} p(z') exp(S(x, z') - B_z')`, shape (N, classes)."""
    return energies - _mixture(energies, bias, counts)


def _effective_sample_sizes(
    energies: Tensor, bias: Tensor, counts: Tensor, classes: list[int]
) -> dict[int, float]:
    weights = energies[:, classes] - _mixture(energies, bias, counts)
    sizes = (2 * weights.logsumexp(0) - (2 * weights).logsumexp(0)).exp()
    return dict(zip(classes, sizes.tolist(), strict=True))
