"""Pictures that look like copies, against all pairs."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.audit.alike import CORRELATION, DISTANCE, joined, similar_pairs
from modular_cls.audit.inspection import LOOK, Picture


@given(
    st.lists(st.integers(0, 6), max_size=10),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=6),
)
def test_joined_against_sets(labels, pairs):
    pairs = [p for p in pairs if max(p) <= max(labels, default=-1)]
    groups = [{label} for label in range(7)]
    for a, b in pairs:
        whole = next(g for g in groups if a in g) | next(g for g in groups if b in g)
        groups = [g for g in groups if not g & whole] + [whole]
    found = joined(np.array(labels, dtype=np.int64), np.array(pairs, dtype=np.int64).reshape(-1, 2))
    for i, j in itertools.combinations(range(len(labels)), 2):
        assert (found[i] == found[j]) == any({labels[i], labels[j]} <= g for g in groups)


def test_similar_pairs_against_all_correlations():
    """Of pictures whose hashes are near, those whose small pictures correlate, whatever their contrast."""
    rng = np.random.default_rng(0)
    bases = rng.normal(0, 60, (4, LOOK, LOOK, 3))
    pictures = []
    for n in range(60):
        contrast, noise = rng.choice([1, 0.1]), rng.normal(0, rng.uniform(0, 20), (LOOK, LOOK, 3))
        look = (128 + contrast * (bases[n % 4] + noise)).clip(0, 255).astype(np.uint8)
        pictures.append(Picture(hash=(n % 4) * 0x1111_1111_1111 ^ (1 << n), look=look))
    correlation = np.corrcoef([p.look.ravel() for p in pictures])
    expected = [
        (i, j)
        for i, j in itertools.combinations(range(60), 2)
        if (pictures[i].hash ^ pictures[j].hash).bit_count() <= DISTANCE
        and correlation[i, j] >= CORRELATION
    ]
    assert sorted(map(tuple, similar_pairs(pictures).tolist())) == expected
    assert 10 < len(expected) < 4 * 15 * 14 // 2
