"""Which pictures look like copies of one another.

Saved anew, resized, cropped a little, made brighter.
"""

from collections.abc import Sequence

import numpy as np

from modular_cls.audit.inspection import LOOK, Picture
from modular_cls.audit.near import near_pairs

# A 64-bit perceptual hash finds candidates; small colour pictures decide, for drawn faces share
# shapes, not colours. Of 200 pictures each of the drawn faces, avatars and portraits, all copies
# saved anew (JPEG, quality 50 and 85), resized (half, double) or brightened by a tenth are found,
# 99, 96 and 73 % of those that lost 2 % at every side, and 20, 0 and 1 % of those that lost 5 %. Of
# all 11,200, 1,200 and 200 different pictures 0, 42 and 0 pairs are called copies (13,938, 3,963
# and 0 by the hash alone): the avatars are put together of few parts.
DISTANCE = 8  # bits of the hash that may differ
CORRELATION = 0.97  # least correlation of the small colour pictures
_MOST = 5_000_000  # pairs
# Pairs correlated in one step; ten times as many take twice the time each, out of the cache.
_AT_ONCE = 2_000


def similar_pairs(pictures: Sequence[Picture]) -> np.ndarray:
    """Find pictures that look like copies.

    Args:
        pictures: N decoded pictures, none of which shows one colour only.

    Returns:
        Pairs of positions, shape (P, 2), int64; no more than some five million, found first.
    """
    alike_pairs, total = [np.empty((0, 2), dtype=np.int64)], 0
    hashes = np.array([p.hash for p in pictures], dtype=np.uint64)
    looks = np.array([p.look for p in pictures], dtype=np.uint8).reshape(
        len(pictures), LOOK * LOOK * 3
    )
    mean = looks.mean(axis=1)
    # std(), in less memory
    spread = np.sqrt(
        np.einsum("ij,ij->i", looks, looks, dtype=np.float64) / looks.shape[1] - mean**2
    )
    for pairs in near_pairs(hashes, DISTANCE):
        for start in range(0, len(pairs), _AT_ONCE):
            i, j = pairs[start : start + _AT_ONCE].T
            product = (
                np.einsum("ij,ij->i", looks[i].astype(np.float32), looks[j].astype(np.float32))
                / looks.shape[1]
            )
            alike = product - mean[i] * mean[j] >= CORRELATION * spread[i] * spread[j]
            alike_pairs.append(pairs[start : start + _AT_ONCE][alike])
            total += len(alike_pairs[-1])
        if total > _MOST:
            break
    return np.concatenate(alike_pairs)


def joined(labels: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Give equal labels to what pairs join.

    Args:
        labels: Shape (N,), int64, each at least 0.
        pairs: Labels that mean the same, shape (P, 2).

    Returns:
        Labels of shape (N,), equal where labels are equal or joined by a chain of pairs.
    """
    least = np.arange(labels.max(initial=-1) + 1)
    while (least[pairs[:, 0]] != least[pairs[:, 1]]).any():
        low = least[pairs].min(axis=1)
        for side in (0, 1):
            np.minimum.at(least, least[pairs[:, side]], low)
        least = least[least]
    return least[labels]
