"""Scores of each image by fits without it."""

import pytest
import torch

from modular_cls.features.basis import Basis
from modular_cls.features.crossfit import out_of_fold_scores
from modular_cls.features.folds import UNSCORED, fits, stratified_folds
from modular_cls.features.ridge import choose_ridge
from modular_cls.features.solve import solve
from tests.features.problems import ADDITIVE, features, term


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
