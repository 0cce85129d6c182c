"""The ridge of heads on features, chosen for every method by the same cross-validation."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from modular_cls.errors import ConfigError
from modular_cls.features.basis import Basis
from modular_cls.features.folds import fits
from modular_cls.features.solve import Solution, Term, solve

GRID = tuple(10 ** (e / 2) for e in range(-16, -3))  # 1e-8 to 1e-2 by half decades
FOLDS = 5


@dataclass(frozen=True)
class Choice:
    """A ridge that was chosen, and the fits made with it.

    Attributes:
        ridge: The ridge.
        at_edge: Whether it is the smallest or largest of the grid: a better one may lie outside.
        solution: One fit without each fold, and last the fit to all images; double precision.
        losses: Of each image by the fit without its fold, in nats, shape (terms, N).
        counted: What each image counts in that, shape (terms, N).
    """

    ridge: float
    at_edge: bool
    solution: Solution
    losses: Tensor
    counted: Tensor

    @property
    def loss(self) -> float:
        """Cross-validated log-loss, in nats an image."""
        return mean_loss(self.losses, self.counted)


def check_grid(grid: Sequence[float]) -> tuple[float, ...]:
    """The ridges in order; raises ConfigError if there are none, or one is not above 0."""
    if not grid:
        raise ConfigError(
            "heads.ridges is empty; give at least one ridge, for example [1e-5, 1e-4, 1e-3]"
        )
    if wrong := [r for r in grid if not 0 < r < math.inf]:
        raise ConfigError(f"heads.ridges holds {wrong[0]}; a ridge is a number above 0")
    return tuple(sorted(set(grid)))


def choose_ridge(
    basis: Basis,
    terms: Sequence[Term],
    fold: Tensor,
    folds: int = FOLDS,
    grid: Sequence[float] = GRID,
) -> Choice:
    """Solve with the ridge of the grid that has the smallest cross-validated loss.

    The loss is that of the problem itself: prior, weights and all. As a function of the ridge it
    falls and rises, so the grid is walked from its middle downhill, each fit starting at its
    neighbour's solution, in single precision; the ridge chosen is solved in double.

    Args:
        basis: The images.
        terms: What is minimised; see `solve`.
        fold: Fold of each image, shape (N,); see `stratified_folds`.
        folds: Number of folds.
        grid: The ridges, in order.
    """
    key = _key(basis, terms, fold, folds, grid)
    if key not in _KNOWN:
        while len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.pop(next(iter(_KNOWN)))
        _KNOWN[key] = _search(basis, terms, fold, folds, grid)
    return _KNOWN[key]


def fixed_ridge(
    basis: Basis, terms: Sequence[Term], fold: Tensor, ridge: float, folds: int = FOLDS
) -> Choice:
    """The same fits with a ridge that is given."""
    solution = solve(basis, terms, ridge, fits(fold, folds))
    return Choice(ridge, False, solution, *held_out_losses(basis, terms, fold, solution))


_KNOWN: dict[bytes, Choice] = {}  # methods of a study that pose the same problem solve it once
_MOST_KNOWN = 24  # then the oldest goes


def _key(
    basis: Basis, terms: Sequence[Term], fold: Tensor, folds: int, grid: Sequence[float]
) -> bytes:
    total = hashlib.blake2b(f"{folds} {list(grid)}".encode(), digest_size=16)
    parts = [p for t in terms for p in (t.target, t.structure, t.offset, t.weight)]
    for array in (basis.rows, fold, *parts):
        total.update(f"{tuple(array.shape)}".encode())
        total.update(array.contiguous().cpu().numpy().tobytes())
    return total.digest()


def _search(
    basis: Basis, terms: Sequence[Term], fold: Tensor, folds: int, grid: Sequence[float]
) -> Choice:
    used = fits(fold, folds)
    walk = _Walk(basis.single(), terms, fold, used, grid)
    middle = len(grid) // 2
    walk.visit(middle)
    for step in (1, -1):
        place = middle + step
        walk.start = walk.solutions[middle]  # the last one lies at the other end of the grid
        while 0 <= place < len(grid) and walk.visit(place):
            place += step
    best = walk.best
    solution = solve(basis, terms, grid[best], used, walk.solutions[best].double())
    edge = len(grid) > 1 and best in (0, len(grid) - 1)
    losses, counted = held_out_losses(basis, terms, fold, solution)
    return Choice(grid[best], edge, solution, losses, counted)


def held_out_losses(
    basis: Basis, terms: Sequence[Term], fold: Tensor, solution: Solution
) -> tuple[Tensor, Tensor]:
    """Loss of each image by the fit without its fold, and what it counts; both of shape (terms, N).

    Images in no fold count nothing.
    """
    losses = basis.rows.new_zeros(len(terms), len(fold)).double()
    for f in range(len(solution.weight) - 1):
        rows = fold == f
        by_row = solution.scores(basis.rows[rows], f)
        for t, term in enumerate(terms):
            part = term.of(rows)
            scores = by_row @ part.structure.to(by_row).T + solution.biases[t][f]
            losses[t, rows] = part.losses(scores).double()
    counted = torch.stack([term.counted * (fold >= 0) for term in terms]).double()
    return losses, counted


def mean_loss(losses: Tensor, counted: Tensor) -> float:
    """The mean over images, each term by itself, then over terms; nan where nothing counts."""
    by_term = (losses * counted).sum(1) / counted.sum(1)
    return float(by_term.nanmean())


class _Walk:
    """Fits along the grid, each begun where the last one ended."""

    def __init__(
        self, basis: Basis, terms: Sequence[Term], fold: Tensor, used: Tensor, grid: Sequence[float]
    ) -> None:
        self.basis, self.terms, self.fold, self.used, self.grid = basis, terms, fold, used, grid
        self.solutions: dict[int, Solution] = {}
        self.losses: dict[int, float] = {}
        self.start: Solution | None = None  # of the neighbour: from there few steps are left

    def visit(self, place: int) -> bool:
        """Fit with one ridge of the grid; returns whether it is the best so far."""
        ridge = self.grid[place]
        self.start = solve(self.basis, self.terms, ridge, self.used, self.start)
        self.solutions[place] = self.start
        self.losses[place] = mean_loss(
            *held_out_losses(self.basis, self.terms, self.fold, self.start)
        )
        return self.best == place

    @property
    def best(self) -> int:
        """Where on the grid the loss is smallest; of equal ones, or undefined ones, the largest."""
        places = sorted(self.losses, reverse=True)
        return min(places, key=lambda p: (math.isnan(self.losses[p]), self.losses[p]))
