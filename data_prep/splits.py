"""Drawing splits: whole groups, by a hash of their name, within the joint class that most of a group's rows have.

So a person is never divided, every joint class is divided alike, and the draw depends neither on the order of
the rows nor on the number of cores.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from modular_cls.data.manifest import SPLITS
from modular_cls.errors import ConfigError

SPLIT_NAMES = {"train": "train", "training": "train", "val": "validation", "valid": "validation",
               "validation": "validation", "dev": "validation", "test": "test", "testing": "test"}  # fmt: skip
SHARES = (0.7, 0.1, 0.2)
VALIDATION = 0.1


def draw_splits(groups: np.ndarray, labels: np.ndarray, shares: Sequence[float] = SHARES, seed: int = 0) -> np.ndarray:
    """Draw a split for every row.

    Args:
        groups: What each row belongs to, shape (N,); rows of one group get one split.
        labels: Value indices that the draw is stratified by, shape (N, attributes).
        shares: Shares of the groups of a joint class that go to train, validation and test.
        seed: Which draw.

    Returns:
        Index into `SPLITS` of each row, shape (N,), int8.

    Raises:
        ConfigError: If a share is negative or all are 0.
    """
    if min(shares) < 0 or not 0 < sum(shares) < np.inf:
        raise ConfigError(f"shares must not be negative, and not all 0; got {', '.join(map(str, shares))}")
    group, names = pd.factorize(np.array([str(g) for g in groups], dtype=object))
    common = _common_kind(group, labels)
    ranks = np.array([_hash(seed, name) for name in names], dtype=np.uint64)
    chosen = np.zeros(len(names), dtype=np.int8)
    for kind in np.unique(common):
        members = np.flatnonzero(common == kind)
        ends = np.rint(np.cumsum(shares) / sum(shares) * len(members))
        chosen[members[ranks[members].argsort()]] = np.searchsorted(ends, np.arange(len(members)), side="right")
    return chosen[group]


def draw_validation(
    splits: np.ndarray, groups: np.ndarray, labels: np.ndarray, share: float = VALIDATION, seed: int = 0
) -> np.ndarray:
    """Move a share of the training groups to validation, for data that come without such a split.

    Args:
        splits: Index into `SPLITS` of each row, shape (N,).
        groups: As for `draw_splits`.
        labels: As for `draw_splits`.
        share: Share of the training groups, from 0 to below 1.
        seed: Which draw.

    Returns:
        The new splits, shape (N,), int8.

    Raises:
        ConfigError: If the share is out of its range.
    """
    if not 0 <= share < 1:
        raise ConfigError(f"the share of validation must be at least 0 and below 1, got {share}")
    train = splits == SPLITS.index("train")
    drawn = splits.astype(np.int8)
    drawn[train] = draw_splits(groups[train], labels[train], (1 - share, share, 0), seed)
    return drawn


def _common_kind(group: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The joint class that most rows of each group have, as a number, shape (groups,)."""
    _, kind = np.unique(labels, axis=0, return_inverse=True)
    size = int(kind.max(initial=0)) + 1
    pairs, counts = np.unique(group * size + kind, return_counts=True)
    order = np.lexsort((-counts, pairs // size))  # of equal counts the first kind stays first: the sort is stable
    _, first = np.unique((pairs // size)[order], return_index=True)
    return (pairs % size)[order][first]


def _hash(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest())
