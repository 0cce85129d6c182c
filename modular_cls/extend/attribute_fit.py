"""The head of a new attribute, fitted to a frozen backbone's features of a few images."""

import numpy as np
import torch
from torch import Tensor, nn

from modular_cls.data.dataset import AttributeDataset
from modular_cls.errors import ConfigError
from modular_cls.finish.composite import fit_head
from modular_cls.models.heads import AttributeHead
from modular_cls.schema import Attribute

_L2 = 1e-3
_STEPS = 200
_FOLDS = 5


def fit_attribute(
    head: nn.Module, attribute: Attribute, rows: AttributeDataset, features: Tensor, seed: int
) -> tuple[Tensor, float | None]:
    """Fit a head: each value weighs the same and, within it, each combination of the other labels.

    A head fitted to few images is surer of those than of any others. So each image is scored by a
    head fitted without it (cross-fitting, in folds): the bias of joint classes is fitted to such
    scores, and they tell how well the attribute is learned.

    Args:
        head: The head, changed in place.
        attribute: The attribute.
        rows: The images.
        features: Of the images, shape (N, F).
        seed: Draws the folds.

    Returns:
        Scores of all images, shape (N, values), and the balanced accuracy of the labelled ones by
        them; where a value has one image only, the scores of the head itself, and None.

    Raises:
        ConfigError: If a value has no image.
    """
    assert isinstance(head, AttributeHead)
    target, labels = rows.targets[attribute.name], torch.from_numpy(rows.manifest.labels)
    counts = torch.bincount(target[target >= 0], minlength=len(attribute.values))
    if empty := [v for v, count in zip(attribute.values, counts, strict=True) if not count]:
        raise ConfigError(
            f"attribute {attribute.name}: no training image is labelled {', '.join(empty)}"
        )
    known = target >= 0
    _fit(head, features[known], target[known], labels[known])
    scores = nn.functional.linear(features, head.weight, head.bias).detach()
    folds = min(_FOLDS, int(counts.min()))
    if folds < 2:
        return scores, None
    fold = _folds(target, folds, seed)
    for f in range(folds):
        other = AttributeHead(features.shape[1], len(attribute.values))
        learn = known & (fold != f)
        _fit(other, features[learn], target[learn], labels[learn])
        scores[fold == f] = other(features[fold == f]).detach()
    right = (scores.argmax(1) == target)[known].float()
    recalls = torch.zeros(len(counts)).index_add(0, target[known], right) / counts
    return scores, float(recalls.mean())


def _fit(head: AttributeHead, features: Tensor, target: Tensor, labels: Tensor) -> None:
    weight = _balanced(target, labels, head.out_features)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    head.requires_grad_(True)
    each = nn.CrossEntropyLoss(reduction="none")
    fit_head(head, lambda: (weight * each(head(features), target)).sum(), _L2, _STEPS)
    head.requires_grad_(False)


def _balanced(target: Tensor, labels: Tensor, values: int) -> Tensor:
    """Weights of images, shape (N,), with sum 1.

    Each value has the same, and each row of labels within it.
    """
    _, kind, counts = labels.unique(dim=0, return_inverse=True, return_counts=True)
    weight = 1 / counts[kind].float()
    totals = torch.zeros(values).index_add(0, target, weight)
    return weight / totals[target] / values


def _folds(target: Tensor, folds: int, seed: int) -> Tensor:
    """The fold of each image, shape (N,).

    Those of each value, and of none, are spread over all folds.
    """
    rng, fold = np.random.default_rng(seed), torch.zeros(len(target), dtype=torch.long)
    for z in target.unique():
        members = (target == z).nonzero()[:, 0]
        fold[members] = torch.from_numpy(rng.permutation(len(members)) % folds)
    return fold
