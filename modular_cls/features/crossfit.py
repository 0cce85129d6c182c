"""Scores that images get from heads which were fitted without them."""

from collections.abc import Sequence

from torch import Tensor

from modular_cls.features.basis import Basis
from modular_cls.features.folds import UNSCORED
from modular_cls.features.ridge import Choice
from modular_cls.features.solve import Solution, Term, solve


def out_of_fold_scores(basis: Basis, terms: Sequence[Term], fold: Tensor, choice: Choice) -> Tensor:
    """Score each image by the fit without its fold.

    Heads know their training images too well, those of small classes by heart, so whatever is
    fitted to scores next (a bias, a prior, a composite) is wrong on training scores for exactly the
    classes that matter. All fits have the same centring, scale and ridge, and no intercept, so that
    their scores can stand in one list. An image that is in no fold, because its class would have
    none left, is scored by a fit without that class.

    Args:
        basis: The images.
        terms: What was minimised.
        fold: Fold of each image, shape (N,).
        choice: The ridge chosen, with its fits.

    Returns:
        Scores by each row of the weights, shape (N, P).
    """
    solution = choice.solution
    whole = len(solution.weight) - 1
    scores = solution.scores(basis.rows, whole)
    for f in range(whole):
        rows = fold == f
        scores[rows] = solution.scores(basis.rows[rows], f)
    for term in terms:
        lone = (fold == UNSCORED) & (term.counted > 0)
        for z in term.target[lone].unique().tolist() if term.target.ndim == 1 else []:
            rows = lone & (term.target == z)
            rest = [_without(other, rows) for other in terms]
            without = _fit(basis, rest, choice.ridge, ~rows, solution)
            scores[rows] = without.scores(basis.rows[rows], 0)
    return scores


def _without(term: Term, rows: Tensor) -> Term:
    """The term without the classes that have images nowhere but in these rows."""
    if term.target.ndim > 1:
        return term
    counted = term.counted > 0
    left = term.target[counted & ~rows]
    for z in term.target[counted & rows].unique():
        if not (left == z).any():
            term = term.without(int(z))
    return term


def _fit(
    basis: Basis, terms: Sequence[Term], ridge: float, rows: Tensor, near: Solution
) -> Solution:
    start = Solution(near.weight[-1:], tuple(b[-1:] for b in near.biases), near.gradient)
    return solve(basis, terms, ridge, rows.double()[None], start)
