"""Which joint classes an additive model identifies from those that it has seen."""

import torch
from torch import Tensor

from modular_cls.schema import Composite


def affine_reach(joint: Composite, seen: Tensor) -> Tensor:
    """Which joint classes an additive model identifies from the seen ones.

    A class is reached when its concatenated one-hot vector is an affine combination of those of the
    seen classes (Mahajan et al. 2025): one least-squares solve for all classes.

    Args:
        joint: The joint space.
        seen: Mask of the classes with training images, shape (classes,), bool.

    Returns:
        Mask of shape (classes,), bool; the seen classes are in it.
    """
    if not seen.any() or len(joint.attributes) == 1:  # one attribute's values are not composed
        return seen.clone()
    vectors = one_hot(joint)
    residual = vectors.T - vectors[seen].T @ affine_weights(joint, seen)
    return residual.abs().amax(0) < 1e-6  # entries are 0 or 1 in double: less is rounding


def affine_weights(joint: Composite, seen: Tensor) -> Tensor:
    """The combination of seen classes that comes closest to each joint class, in one-hot vectors.

    Args:
        joint: The joint space.
        seen: Mask of the classes with training images, shape (classes,), bool.

    Returns:
        Weights of shape (seen classes, classes), the smallest in square; those of a class that
        `affine_reach` has sum to 1.
    """
    vectors = one_hot(joint)
    return torch.linalg.pinv(vectors[seen].T) @ vectors.T


def one_hot(joint: Composite) -> Tensor:
    """The values of each class, one-hot, concatenated: shape (classes, sum of values), double."""
    cells = torch.tensor(joint.cells)
    columns = [
        torch.nn.functional.one_hot(cells[:, i], len(a.values))
        for i, a in enumerate(joint.attributes)
    ]
    # Each attribute's one-hot sums to 1, so any linear combination that fits is an affine one.
    return torch.cat(columns, dim=1).double()
