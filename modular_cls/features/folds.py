"""Which fold each image is scored in."""

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

UNSCORED = -1  # no fold has this number, so every fit sees such an image


def stratified_folds(
    target: Tensor, folds: int, seed: int, identity: Sequence[str] | None = None
) -> Tensor:
    """Spread the images of each class evenly over folds.

    A class with fewer images than folds is spread over as many folds as it has images. A lone image
    is in no fold: every fit keeps it, and none scores it. Images without a class are spread like a
    class. Images of one person or object stay in one fold: scored by a fit that knows the others,
    they would look easier than anybody new.

    Args:
        target: Class of each image, shape (N,); -1 where unknown.
        folds: Number of folds, at least 2.
        seed: Which draw.
        identity: Whom or what each image shows; blank for one of its own.

    Returns:
        The fold of each image, shape (N,); `UNSCORED` for a class that is all in one fold.
    """
    classes = target.cpu().numpy()
    if identity is not None and any(identity):
        fold = _whole_groups(classes, folds, seed, identity)
    else:
        fold = _dealt(classes, folds, seed)
    for z in np.unique(classes[classes >= 0]):
        members = classes == z
        if len(np.unique(fold[members])) < 2:
            fold[members] = UNSCORED
    return torch.from_numpy(fold)


def fits(fold: Tensor, folds: int) -> Tensor:
    """The images of each fit: all but one fold, and last all; shape (folds + 1, N), double."""
    without = [fold != f for f in range(folds)]
    return torch.stack([*without, torch.ones_like(fold, dtype=torch.bool)]).double()


def _dealt(classes: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The images of each class dealt out in turn, each class beginning where the last one ended."""
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(classes))
    order = shuffled[np.argsort(classes[shuffled], kind="stable")]
    fold = np.empty(len(classes), dtype=np.int64)
    fold[order] = np.arange(len(classes)) % folds
    return fold


def _whole_groups(
    classes: np.ndarray, folds: int, seed: int, identity: Sequence[str]
) -> np.ndarray:
    from sklearn.model_selection import StratifiedGroupKFold  # slow to import

    groups = [name or f"\0{i}" for i, name in enumerate(identity)]  # no name holds a \0
    fold = np.zeros(len(classes), dtype=np.int64)
    # It refuses more folds than there are groups, or images of the largest class.
    folds = min(folds, len(set(groups)), int(np.unique(classes, return_counts=True)[1].max()))
    if folds < 2:
        return fold
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # classes smaller than the folds: see above
        parts = splitter.split(np.zeros(len(classes)), classes, groups)
        for f, (_, held_out) in enumerate(parts):
            fold[held_out] = f
    return fold
