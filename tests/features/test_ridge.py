import math

import pytest
import torch

from modular_cls.features.basis import Basis
from modular_cls.features.crossfit import out_of_fold_scores
from modular_cls.features.folds import UNSCORED, fits, stratified_folds
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


@pytest.mark.parametrize("structure", [None, ADDITIVE])
def test_out_of_fold_scores_equal_refitting(structure):
    x, target = features([12, 12, 10, 1])
    basis, one = Basis.of(x), term(target, structure)
    fold = stratified_folds(target, 3, 0)
    assert fold[-1] == UNSCORED
    choice = choose_ridge(basis, [one], fold, 3, (1e-2,))
    scores = out_of_fold_scores(basis, [one], fold, choice)
    for i in (0, 13, 30, 34):  # of each class one; the last is alone in its class
        lone = i == 34
        kept = torch.arange(35) != 34 if lone else fold != fold[i]
        found = solve(basis, [one.without(3) if lone else one], 1e-2, kept.double()[None])
        torch.testing.assert_close(scores[i], basis.rows[i] @ found.weight[0].T, atol=2e-3, rtol=0)
    whole = solve(basis, [one], 1e-2, fits(fold, 3)[-1:])
    torch.testing.assert_close(choice.solution.weight[-1], whole.weight[0], atol=2e-3, rtol=0)


def test_a_lone_image_leaves_values_that_others_have():
    """One long-haired man: a head for hair alone must still know long hair from the women when it scores him."""
    x, target = features([15, 15, 15, 1], distance=6.0)
    hair = term(target // 2, classes=2)
    fold = stratified_folds(target, 3, 0)
    choice = choose_ridge(Basis.of(x), [hair], fold, 3, (1e-3,))
    scores = out_of_fold_scores(Basis.of(x), [hair], fold, choice)
    assert scores[-1, 1] > scores[-1, 0] + 1
