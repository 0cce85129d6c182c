"""All pairs of 64-bit hashes within a Hamming distance, exactly, without comparing every two."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

_MANY = 20_000  # hashes from which on wider bands are faster
_AT_ONCE = 2_000_000  # pairs compared in one step: 50 MB
# NumPy counts the bits of a number from version 2 on only.
_ONES = np.array([byte.bit_count() for byte in range(256)], dtype=np.uint8)


def near_pairs(hashes: np.ndarray, distance: int, bands: int | None = None) -> Iterator[np.ndarray]:
    """Find every two hashes that differ in at most `distance` bits.

    By the pigeonhole principle two such hashes differ in at most `distance // bands` bits in at
    least one band of bits, so only those that do are compared in full (multi-index hashing, Norouzi
    et al., CVPR 2012). A band is every third (fifth) bit: neighbouring bits of a picture's hash go
    together, and a band of them would tell fewer pictures apart.

    Args:
        hashes: Shape (N,), uint64.
        distance: Largest number of differing bits.
        bands: Number of bands; by default 5, and 3 for many hashes, which wider bands tell apart.

    Yields:
        Pairs of positions, smaller first, shape (P, 2), int64; no pair comes twice.
    """
    bands = bands or (3 if len(hashes) > _MANY else 5)
    keys = [_band(hashes, start, bands) for start in range(bands)]
    radius = distance // bands
    for b in range(bands):
        for first, second in _close_keys(keys[b], len(range(b, 64, bands)), radius):
            close = _distance(hashes[first], hashes[second]) <= distance
            for earlier in keys[:b]:  # a pair that an earlier band has found
                close &= _distance(earlier[first], earlier[second]) > radius
            pairs = np.stack([first[close], second[close]], axis=1)
            if len(pairs):
                yield np.sort(pairs, axis=1)


def _band(hashes: np.ndarray, start: int, step: int) -> np.ndarray:
    """Every so many bits from `start` on as one number, shape (N,), uint64."""
    keys = np.zeros(len(hashes), dtype=np.uint64)
    for i, place in enumerate(range(start, 64, step)):
        keys |= (hashes >> np.uint64(place) & np.uint64(1)) << np.uint64(i)
    return keys


def _close_keys(
    keys: np.ndarray, width: int, radius: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions of every two keys of `width` bits at most `radius` of which differ, each once."""
    order = np.argsort(keys, kind="stable")
    sizes = np.bincount(keys.astype(np.int64), minlength=1 << width).astype(np.int32)
    starts = (np.cumsum(sizes, dtype=np.int64) - sizes).astype(np.int32)
    sorted_keys = keys[order].astype(np.int64)
    ends = (starts + sizes)[sorted_keys]
    here = np.arange(len(keys))
    yield from _spread(order, here, here + 1, ends - here - 1)
    for flips in range(1, radius + 1):
        for places in combinations(range(width), flips):
            top, mask = 1 << places[-1], sum(1 << p for p in places)
            # Of two keys, the one without the highest flipped bit.
            lower = np.flatnonzero(sorted_keys & top == 0)
            other = sorted_keys[lower] ^ mask
            yield from _spread(order, lower, starts[other], sizes[other])


def _spread(
    order: np.ndarray, first: np.ndarray, starts: np.ndarray, sizes: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pair each position of `first` with the run of `sizes` positions from `starts` on.

    A few million pairs come at a time.
    """
    nonempty = np.flatnonzero(sizes > 0)
    first, starts, sizes = (
        first[nonempty],
        starts[nonempty].astype(np.int64),
        sizes[nonempty].astype(np.int64),
    )
    total = np.cumsum(sizes)
    cuts = np.unique(np.searchsorted(total, np.arange(_AT_ONCE, total[-1:].sum(), _AT_ONCE)))
    for part in np.split(np.arange(len(first)), cuts):
        if len(part):
            ends = np.cumsum(sizes[part])
            within = np.arange(ends[-1]) - np.repeat(ends - sizes[part], sizes[part])
            yield (
                order[np.repeat(first[part], sizes[part])],
                order[np.repeat(starts[part], sizes[part]) + within],
            )


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Bits that differ, shape (N,)."""
    return _ONES[(a ^ b).view(np.uint8)].reshape(-1, 8).sum(axis=1)
