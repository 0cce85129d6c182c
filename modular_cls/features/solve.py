"""Heads on features as convex problems, solved to a stated gradient: no rate, no luck."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modular_cls.features.basis import Basis

TOLERANCE = 1e-4  # largest component of the gradient, in coordinates scaled to unit curvature
_MOST_STEPS = 3000  # an end for a problem that never settles
_RULED_OUT = -1e4  # an offset that no softmax sees; finite, so that 0 times it is 0
_MEMORY = 10  # pairs of steps and gradients that L-BFGS keeps
_CURVATURE = 0.1  # of the cross-entropy along an axis of unit spread; decides only how fast it goes


@dataclass(frozen=True)
class Term:
    """The cross-entropy of one softmax over classes that add up rows of shared weights.

    `sum_n u_n CE(x_n W' A' + b + offset, t_n) / sum_n u_n`. The structure A says which rows of W
    each class adds up: one row a class for a flat head, one row a value for an additive one. With
    log priors as offset, `x W' A' + b` is free of the prior.

    Attributes:
        target: Class of each image, shape (N,), -1 where unknown; or shares of classes, shape (N,
            K).
        structure: A, shape (K, P).
        offset: Added to the scores, shape (K,) or (N, K); -inf leaves a class out.
        weight: u, what each image counts, shape (N,), at least 0; an unknown class counts nothing.
    """

    target: Tensor
    structure: Tensor
    offset: Tensor
    weight: Tensor

    @property
    def seen(self) -> Tensor:
        """Mask of the classes that take part, shape (K,)."""
        possible = self.offset > -torch.inf
        return possible if possible.ndim == 1 else possible.any(0)

    @property
    def counted(self) -> Tensor:
        """What each image counts, shape (N,); 0 where its class is unknown."""
        known = self.target >= 0 if self.target.ndim == 1 else self.target.sum(1) > 0
        return self.weight * known

    def shares(self) -> Tensor:
        """Targets as shares of the classes that take part, shape (N, seen classes), double."""
        if self.target.ndim == 2:
            return self.target[:, self.seen].double()
        whole = torch.nn.functional.one_hot(self.target.clamp(min=0), len(self.seen))
        return whole[:, self.seen].double()

    def offsets(self) -> Tensor:
        """Offsets of the classes that take part, shape (seen classes,) or (N, seen classes).

        Finite: where a class takes part for some images only, it is ruled out for the others.
        """
        return self.offset[..., self.seen].clamp(min=_RULED_OUT).double()

    def losses(self, scores: Tensor) -> Tensor:
        """Cross-entropy of each image, shape (N,), from scores `x W' A' + b` of shape (N, K)."""
        logs = (scores[:, self.seen] + self.offsets().to(scores)).log_softmax(1)
        return -(self.shares() * logs).sum(1)

    def of(self, rows: Tensor) -> "Term":
        """The same for some of the images."""
        offset = self.offset if self.offset.ndim == 1 else self.offset[rows]
        return replace(self, target=self.target[rows], offset=offset, weight=self.weight[rows])

    def without(self, z: int) -> "Term":
        """The same without a class and its images."""
        offset = self.offset.clone()
        offset[z] = -torch.inf
        return replace(self, offset=offset, weight=self.weight * (self.target != z))


@dataclass(frozen=True)
class Solution:
    """Weights of several fits of one problem, each to some of the images.

    Attributes:
        weight: On rows of the basis, shape (fits, P, r).
        biases: For each term, shape (fits, K); 0 for classes that take no part.
        gradient: Largest component of the gradient left, as `TOLERANCE` counts it.
    """

    weight: Tensor
    biases: tuple[Tensor, ...]
    gradient: float

    def double(self) -> "Solution":
        """The same in double precision."""
        biases = tuple(b.double() for b in self.biases)
        return replace(self, weight=self.weight.double(), biases=biases)

    def scores(self, rows: Tensor, fit: int) -> Tensor:
        """Scores of rows `(n, r)` by each row of the weights, shape (n, P)."""
        return rows @ self.weight[fit].T


def solve(
    basis: Basis,
    terms: Sequence[Term],
    ridge: float,
    used: Tensor,
    start: Solution | None = None,
    tolerance: float = TOLERANCE,
) -> Solution:
    """Minimise `mean of the terms + ridge |W|^2` over W and b for several sets of images at once.

    The biases are free of the ridge, and there is no factor 1/2. L-BFGS, in the precision of the
    basis. All fits share each product with the features, which is most of the work.

    Args:
        basis: The images.
        terms: What is minimised; they share the rows of W.
        ridge: Of the squared weights, above 0.
        used: How much each image counts in each fit, shape (fits, N), on top of the terms' weights.
        start: Where to start, for example the solution at the next ridge; the problem is convex, so
            that it decides nothing but how long it takes.
        tolerance: Largest component of the gradient to stop at.

    Returns:
        The weights and biases of each fit.
    """
    from scipy.optimize import minimize  # slow to import

    goal = _Objective(basis, terms, ridge, used)
    # ftol 0: a loss that hardly falls any more says nothing of the gradient that is left.
    options = {"maxcor": _MEMORY, "gtol": tolerance, "ftol": 0.0}
    options |= {"maxiter": _MOST_STEPS, "maxfun": 2 * _MOST_STEPS}
    first = goal.pack(start)
    minimum: Any = minimize(goal, first, jac=True, method="L-BFGS-B", options=options)
    weight, biases = goal.unpack(minimum.x)
    whole = [b.new_zeros(len(used), len(t.seen)) for b, t in zip(biases, terms, strict=True)]
    for every, bias, term in zip(whole, biases, terms, strict=True):
        every[:, term.seen] = bias
    return Solution(weight, tuple(whole), float(abs(minimum.jac).max()))


class _Objective:
    """Value and gradient as SciPy asks for them, in coordinates of about unit curvature."""

    def __init__(self, basis: Basis, terms: Sequence[Term], ridge: float, used: Tensor) -> None:
        self.rows, self.ridge = basis.rows, ridge
        self.parts = [_Part(term, used, len(terms), basis.rows) for term in terms]
        self.shape = (len(used), terms[0].structure.shape[1], basis.rows.shape[1])
        self.sizes = [math.prod(self.shape), *(len(used) * int(p.seen.sum()) for p in self.parts)]
        self.unit = (_CURVATURE * basis.spread + 2 * ridge).rsqrt()

    def pack(self, start: Solution | None) -> np.ndarray:
        """Weights and biases -> the solver's vector; zeros without a start."""
        if start is None:
            return np.zeros(sum(self.sizes))
        biases = [b[:, p.seen] for b, p in zip(start.biases, self.parts, strict=True)]
        return _vector(start.weight / self.unit, [b / _BIAS_UNIT for b in biases])

    def unpack(self, vector: np.ndarray) -> tuple[Tensor, list[Tensor]]:
        """The solver's vector -> weights (fits, P, r) and, by term, biases (fits, seen classes)."""
        weight, *biases = torch.from_numpy(vector).to(self.rows).split(self.sizes)
        unfolded = [b.view(self.shape[0], -1) * _BIAS_UNIT for b in biases]
        return weight.view(self.shape) * self.unit, unfolded

    def __call__(self, vector: np.ndarray) -> tuple[float, np.ndarray]:
        """The sum of all fits' objectives, and its gradient."""
        weight, biases = self.unpack(vector)
        by_row = (self.rows @ weight.flatten(0, 1).T).unflatten(1, self.shape[:2])
        value = self.ridge * float(weight.square().sum())
        back, pulls = torch.zeros_like(by_row), []
        for part, bias in zip(self.parts, biases, strict=True):
            loss, pull = part(by_row, bias)
            value += loss
            back += pull @ part.structure
            pulls.append(pull.sum(0) * _BIAS_UNIT)
        slope = (back.flatten(1).T @ self.rows).view(self.shape) + 2 * self.ridge * weight
        return value, _vector(slope * self.unit, pulls)


class _Part:
    """One term, for all fits."""

    def __init__(self, term: Term, used: Tensor, terms: int, like: Tensor) -> None:
        self.seen = term.seen
        self.structure = term.structure[self.seen].to(like)
        offset = term.offsets().to(like)
        self.offset = offset if offset.ndim == 1 else offset[:, None]
        self.shares = term.shares()[:, None].to(like)
        counted = used * term.counted
        # A fit without any image of this term has no share in it: 0 / 0 would spoil all fits.
        share = counted / (terms * counted.sum(1, keepdim=True)).clamp(min=1e-300)
        self.counted = share.T[:, :, None].to(like)  # (N, fits, 1)

    def __call__(self, by_row: Tensor, bias: Tensor) -> tuple[float, Tensor]:
        """Scores by row of weights (N, fits, P) -> the loss, its slope at (N, fits, classes)."""
        logs = (by_row @ self.structure.T + bias + self.offset).log_softmax(2)
        loss = -float((self.counted * self.shares * logs).sum())
        return loss, self.counted * (logs.exp() - self.shares)


_BIAS_UNIT = _CURVATURE**-0.5  # as of a weight on an axis of unit spread, without a ridge


def _vector(weight: Tensor, biases: Sequence[Tensor]) -> np.ndarray:
    flat = torch.cat([weight.flatten(), *(b.flatten() for b in biases)])
    return flat.double().cpu().numpy()
