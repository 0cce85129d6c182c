"""The head of a new attribute, fitted to a frozen backbone's features of a few images."""

import torch
from torch import Tensor, nn

from modular_cls.data.dataset import AttributeDataset
from modular_cls.errors import ConfigError
from modular_cls.features.linear import fit_linear
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
    target, labels = rows.targets[attribute.name], torch.from_numpy(rows.manifest.labels)
    counts = torch.bincount(target[target >= 0], minlength=len(attribute.values))
    if empty := [v for v, count in zip(attribute.values, counts, strict=True) if not count]:
        raise ConfigError(
            f"attribute {attribute.name}: no training image is labelled {', '.join(empty)}"
        )
    known = target >= 0
    weight = torch.zeros(len(target)).double()
    weight[known] = _balanced(target[known], labels[known], head.out_features).double()
    who = rows.manifest.extra.get("identity")
    identity = None if who is None else list(map(str, who))
    found = fit_linear(
        features,
        target,
        torch.zeros(head.out_features),
        weight,
        None if frozen else _L2,
        seed,
        identity,
    )
    with torch.no_grad():
        head.weight.copy_(found.weight)
        head.bias.copy_(found.bias)
    scores = found.out_of_fold.float()
    scored = known & found.scored
    if int(torch.bincount(target[scored], minlength=len(counts)).min()) < 1:
        return scores, None
    right = (scores.argmax(1) == target)[scored].float()
    each = torch.zeros(len(counts)).index_add(0, target[scored], right)
    recalls = each / torch.bincount(target[scored], minlength=len(counts))
    return scores, float(recalls.mean())


def _balanced(target: Tensor, labels: Tensor, values: int) -> Tensor:
    """Weights of images, shape (N,), with sum 1.

    Each value has the same, and each row of labels within it.
    """
    _, kind, counts = labels.unique(dim=0, return_inverse=True, return_counts=True)
    weight = 1 / counts[kind].float()
    totals = torch.zeros(values).index_add(0, target, weight)
    return weight / totals[target] / values
