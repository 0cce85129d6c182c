"""One linear classifier on features, for what is fitted after the heads."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from modular_cls.features.basis import Basis
from modular_cls.features.crossfit import out_of_fold_scores
from modular_cls.features.folds import UNSCORED, stratified_folds
from modular_cls.features.ridge import FOLDS, choose_ridge, fixed_ridge
from modular_cls.features.solve import Term


@dataclass(frozen=True)
class LinearFit:
    """A linear classifier.

    Attributes:
        weight: On raw features, shape (P, F); a row for each class, unless they share some.
        bias: Shape (K,).
        ridge: On the common scale.
        out_of_fold: Scores of the images by fits without them, without the offset, shape (N, K).
        scored: Which images were scored so, shape (N,).
    """

    weight: Tensor
    bias: Tensor
    ridge: float
    out_of_fold: Tensor
    scored: Tensor


def fit_linear(
    features: Tensor,
    target: Tensor,
    offset: Tensor,
    weight: Tensor | None = None,
    l2: float | None = None,
    seed: int = 0,
    identity: Sequence[str] | None = None,
    structure: Tensor | None = None,
) -> LinearFit:
    """Minimise the cross-entropy of `x W' A' + b + offset` plus a ridge on W.

    Args:
        features: Shape (N, F).
        target: Class of each image, shape (N,); -1 where unknown, which counts nothing.
        offset: Added to the scores, shape (K,) or (N, K); -inf leaves a class out.
        weight: What each image counts, shape (N,).
        l2: Penalty on the squared weights of raw features; None chooses the ridge by
            cross-validation.
        seed: Draws the folds.
        identity: Whom or what each image shows; see `stratified_folds`.
        structure: A, which rows of W each class adds up, shape (K, P); None for one each.
    """
    features, target = features.detach().cpu(), target.cpu()
    basis, size = Basis.of(features), offset.shape[-1]
    structure = torch.eye(size) if structure is None else structure
    counts = torch.ones(len(target)) if weight is None else weight.cpu()
    term = Term(target, structure.double(), offset.cpu().double(), counts.double())
    fold = stratified_folds(target, FOLDS, seed, identity)
    if l2 is None:
        choice = choose_ridge(basis, [term], fold)
    else:
        choice = fixed_ridge(basis, [term], fold, l2 / basis.scale**2)
    raw, intercept = basis.unfold(choice.solution.weight[-1])
    bias = choice.solution.biases[0][-1]
    scores = out_of_fold_scores(basis, [term], fold, choice) @ term.structure.T + bias
    summed = term.structure @ intercept + bias
    return LinearFit(raw, summed, choice.ridge, scores, fold != UNSCORED)
