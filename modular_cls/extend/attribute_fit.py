"""The head of a new attribute, or rows of new values, fitted to a frozen backbone's features.

A few labelled images are enough.
"""

import torch
from torch import Tensor, nn

from modular_cls.data.dataset import AttributeDataset
from modular_cls.errors import ConfigError
from modular_cls.features.linear import LinearFit, fit_linear
from modular_cls.models.heads import AttributeHead
from modular_cls.schema import Attribute

_L2 = 1e-3


def fit_attribute(
    head: nn.Module,
    attribute: Attribute,
    rows: AttributeDataset,
    features: Tensor,
    seed: int,
    frozen: bool,
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
        frozen: Whether the features are of a frozen backbone: the ridge is then chosen.

    Returns:
        Scores of all images, shape (N, values), and the balanced accuracy of the labelled ones by
        them; None where a value has images of one person or object only.

    Raises:
        ConfigError: If a value has no image.
    """
    assert isinstance(head, AttributeHead)
    solution = _fit(attribute, rows, features, torch.zeros(head.out_features), seed, frozen)
    with torch.no_grad():
        head.weight.copy_(solution.weight)
        head.bias.copy_(solution.bias)
    scores = solution.out_of_fold.float()
    return scores, _balanced_accuracy(scores, rows.targets[attribute.name], solution.scored)


@torch.no_grad()
def fit_values(
    head: nn.Module,
    attribute: Attribute,
    before: int,
    rows: AttributeDataset,
    features: Tensor,
    seed: int,
    frozen: bool,
) -> tuple[Tensor, float | None]:
    """Fit the rows of values that are new; those of the first `before` values stay as they are.

    As `fit_attribute`, each image scored by new rows that were fitted without it.
    """
    assert isinstance(head, AttributeHead)
    fixed = head(features)[:, :before].double()
    new = len(attribute.values) - before
    offset = torch.cat([fixed, fixed.new_zeros(len(fixed), new)], dim=1)
    structure = torch.cat([torch.zeros(before, new), torch.eye(new)])
    solution = _fit(attribute, rows, features, offset, seed, frozen, structure)
    scores = (offset + solution.out_of_fold).float()
    accuracy = _balanced_accuracy(scores, rows.targets[attribute.name], solution.scored)
    # Old values keep their bias; what the fit would give them is taken from the new ones.
    shift = solution.bias[:before].mean()
    head.weight[before:] = solution.weight.to(head.weight)
    head.bias[before:] = (solution.bias[before:] - shift).to(head.bias)
    kept = torch.cat([fixed, solution.out_of_fold[:, before:] - shift], dim=1)
    return kept.float(), accuracy


def _fit(
    attribute: Attribute,
    rows: AttributeDataset,
    features: Tensor,
    offset: Tensor,
    seed: int,
    frozen: bool,
    structure: Tensor | None = None,
) -> LinearFit:
    target, labels = rows.targets[attribute.name], torch.from_numpy(rows.manifest.labels)
    known, values = target >= 0, len(attribute.values)
    counts = torch.bincount(target[known], minlength=values)
    if empty := [v for v, count in zip(attribute.values, counts, strict=True) if not count]:
        raise ConfigError(
            f"attribute {attribute.name}: no training image is labelled {', '.join(empty)}"
        )
    weight = torch.zeros(len(target)).double()
    weight[known] = _balanced(target[known], labels[known], values).double()
    who = rows.manifest.extra.get("identity")
    identity = None if who is None else list(map(str, who))
    l2 = None if frozen else _L2
    return fit_linear(features, target, offset, weight, l2, seed, identity, structure)


def _balanced_accuracy(scores: Tensor, target: Tensor, scored: Tensor) -> float | None:
    """Over the labelled images that were scored; None where a value has none of these."""
    rows = (target >= 0) & scored
    counts = torch.bincount(target[rows], minlength=scores.shape[1])
    if int(counts.min()) < 1:
        return None
    right = (scores.argmax(1) == target)[rows].double()
    each = torch.zeros(len(counts)).double().index_add(0, target[rows], right)
    return float((each / counts).mean())


def _balanced(target: Tensor, labels: Tensor, values: int) -> Tensor:
    """Weights of images, shape (N,), with sum 1.

    Each value has the same, and each row of labels within it.
    """
    _, kind, counts = labels.unique(dim=0, return_inverse=True, return_counts=True)
    weight = 1 / counts[kind].float()
    totals = torch.zeros(values).index_add(0, target, weight)
    return weight / totals[target] / values
