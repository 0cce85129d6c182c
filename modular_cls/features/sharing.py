"""How much joint classes share of their weights: from all, as attributes have it, to nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from modular_cls.features.basis import Basis
from modular_cls.features.ridge import GRID, Choice, choose_ridge
from modular_cls.features.solve import Term

# Ridge of the interaction as a multiple of that of the attributes, from freest to most shared:
# 0 leaves a flat head, infinity an additive one.
MULTIPLES = (0.0, 1.0, 4.0, math.inf)


@dataclass(frozen=True)
class Sharing:
    """The multiple chosen.

    Attributes:
        multiple: Ridge of the interaction over that of the attributes.
        choice: The ridge, and the fits made with both.
        term: What was minimised; its structure makes scores of classes from rows of weights.
    """

    multiple: float
    choice: Choice
    term: Term


def choose_sharing(
    basis: Basis,
    term: Term,
    additive: Tensor,
    fold: Tensor,
    folds: int,
    grid: Sequence[float] = GRID,
    multiples: Sequence[float] = MULTIPLES,
) -> Sharing:
    """Score classes by `s(x, z) + r_z(x)`, the ridge on r a multiple of that on s.

    The weights of the classes then have a Gaussian prior with covariance `M M' + I / multiple`, M
    the values of each class; its root serves as structure, so that each problem is as small as the
    flat one. Of all multiples whose cross-validated loss is within one standard error of the
    smallest (paired over images; Breiman et al. 1984), the freest is taken: folds of one training
    set cannot see what other pictures break, and sharing that the data do not ask for is
    composition's business, which has heads of its own.

    Args:
        basis: The images.
        term: The cross-entropy over joint classes; its structure is replaced.
        additive: M, shape (K, P).
        fold: Fold of each image, shape (N,).
        folds: Number of folds.
        grid: Ridges to choose from, for each multiple.
        multiples: From the freest to the most shared.
    """
    tried = []
    for multiple in multiples:
        mine = Term(term.target, _root(additive, multiple), term.offset, term.weight)
        choice = choose_ridge(basis, [mine], fold, folds, grid)
        tried.append(Sharing(multiple, choice, mine))
    best = min(tried, key=lambda s: (math.isnan(s.choice.loss), s.choice.loss))
    return next(s for s in tried if _is_as_good(s.choice, best.choice))


def _root(additive: Tensor, multiple: float) -> Tensor:
    """A structure whose product with itself is the covariance of the classes, shape (K, P)."""
    own = torch.eye(len(additive)).double()
    if multiple == 0:
        return own
    if math.isinf(multiple):
        return additive
    return torch.linalg.cholesky(additive @ additive.T + own / multiple)


def _is_as_good(one: Choice, best: Choice) -> bool:
    """Whether a loss is within a standard error of the best one."""
    scored = best.counted[0] > 0
    more = ((one.losses - best.losses) * best.counted)[0][scored]
    if len(more) < 2:
        return True
    return bool(more.mean() <= more.std() / math.sqrt(len(more)))
