"""The ridge that is chosen is the best of its grid."""

import math

import pytest
import torch

from modular_cls.features.basis import Basis
from modular_cls.features.folds import stratified_folds
from modular_cls.features.ridge import choose_ridge
from modular_cls.features.solve import solve
from tests.features.problems import ADDITIVE, features, term

GRID = tuple(10.0**e for e in range(-6, 2))


def held_out_loss(basis, one, fold, v, ridge):
    """Refit without each fold in turn, and average the cross-entropies of its images by hand."""
    losses = []
    for f in range(v):
        kept, out = fold != f, fold == f
        found = solve(basis, [one], ridge, kept.double()[None], tolerance=1e-7)
        scores = basis.rows[out] @ found.weight[0].T @ one.structure.T
        scores = scores + found.biases[0][0] + one.offset
        losses.append(torch.nn.functional.cross_entropy(scores, one.target[out], reduction="none"))
    return float(torch.cat(losses).mean())


@pytest.mark.parametrize(("structure", "seed"), [(None, 0), (ADDITIVE, 1), (ADDITIVE, 2)])
def test_the_best_of_the_grid(structure, seed):
    x, target = features([30, 20, 15, 6], width=12, seed=seed)
    basis, one = Basis.of(x), term(target, structure)
    fold = stratified_folds(target, 4, seed)
    choice = choose_ridge(basis, [one], fold, 4, GRID)
    losses = {ridge: held_out_loss(basis, one, fold, 4, ridge) for ridge in GRID}
    assert choice.ridge == min(losses, key=losses.get)
    assert choice.loss == pytest.approx(losses[choice.ridge], abs=1e-4)
    assert not choice.at_edge


@pytest.mark.parametrize(
    ("grid", "ridge", "at_edge"),
    [((10.0, 100.0), 10.0, True), ((1e-9, 1e-8), 1e-8, True), ((1.0,), 1.0, False)],
)
def test_an_edge_is_reported(grid, ridge, at_edge):
    x, target = features([20, 20, 20, 20], width=12)
    choice = choose_ridge(Basis.of(x), [term(target)], stratified_folds(target, 4, 0), 4, grid)
    assert (choice.ridge, choice.at_edge) == (ridge, at_edge)


def test_images_in_no_fold_count_nothing():
    x, target = features([12, 12, 12, 1])
    fold = stratified_folds(target, 3, 0)
    choice = choose_ridge(Basis.of(x), [term(target)], fold, 3, (1e-3,))
    assert choice.counted[0].tolist() == (fold >= 0).double().tolist()
    assert math.isfinite(choice.loss)
