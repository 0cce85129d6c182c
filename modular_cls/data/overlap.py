"""Which pictures are the same, by content."""

import numpy as np


def numbered(values: np.ndarray) -> np.ndarray:
    """Equal numbers for equal values, from 0 on, shape (N,), int64."""
    return np.unique(values, return_inverse=True)[1].reshape(-1).astype(np.int64)


def groups_of(labels: np.ndarray) -> list[np.ndarray]:
    """Positions with an equal label, in order, wherever there are several."""
    order = np.argsort(labels, kind="stable")
    cuts = np.flatnonzero(np.diff(labels[order])) + 1
    return [g for g in np.split(order, cuts) if len(g) > 1]


def repeated(seen: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Mask of `others`, shape (M,), that occur among `seen`, shape (N,).

    Both are what pictures are known by: keys, or numbers that stand for them.
    """
    return np.isin(others, seen)
