"""Hashes within a distance, against all pairs."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.audit.near import near_pairs

WORD = st.integers(0, 2**64 - 1)
FLIPS = st.lists(st.integers(0, 63), max_size=12)


@st.composite
def clustered_hashes(draw):
    """Hashes of which many are near one another."""
    centres = draw(st.lists(WORD, min_size=1, max_size=4))
    words = []
    for flips in draw(st.lists(FLIPS, max_size=30)):
        word = draw(st.sampled_from(centres))
        for bit in flips:
            word ^= 1 << bit
        words.append(word)
    return np.array(words, dtype=np.uint64)


@given(clustered_hashes(), st.integers(0, 10), st.sampled_from([None, 4, 7]))
def test_pairs_within_a_distance_against_all_pairs(hashes, distance, bands):
    found = [
        tuple(pair) for pairs in near_pairs(hashes, distance, bands) for pair in pairs.tolist()
    ]
    expected = [
        (i, j)
        for i, j in itertools.combinations(range(len(hashes)), 2)
        if (int(hashes[i]) ^ int(hashes[j])).bit_count() <= distance
    ]
    assert sorted(found) == expected


def test_many_hashes(monkeypatch):
    """The wide bands that many hashes have find what the others do."""
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, 50, dtype=np.uint64)[rng.integers(0, 50, 300)]
    for _ in range(5):
        hashes ^= np.uint64(1) << rng.integers(0, 64, len(hashes), dtype=np.uint64)
    few = np.concatenate(list(near_pairs(hashes, 8)))
    monkeypatch.setattr("modular_cls.audit.near._MANY", 100)
    many = np.concatenate(list(near_pairs(hashes, 8)))
    assert len(many) > 100
    assert sorted(many.tolist()) == sorted(few.tolist())


def test_pairs_are_found_over_several_steps(monkeypatch):
    monkeypatch.setattr("modular_cls.audit.near._AT_ONCE", 7)
    hashes = np.arange(64, dtype=np.uint64) % 16
    found = np.concatenate(list(near_pairs(hashes, 1)))
    assert len(np.unique(found, axis=0)) == len(found) == 16 * (4 * 3 // 2) + 32 * 16
