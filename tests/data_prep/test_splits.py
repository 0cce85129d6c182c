import hashlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from splits import draw_splits, draw_validation

from modular_cls.errors import ConfigError

ROWS = st.lists(st.tuples(st.integers(0, 12), st.integers(-1, 1), st.integers(-1, 1)), min_size=1, max_size=50)
SHARES = st.sampled_from([(0.7, 0.1, 0.2), (9500, 1900, 7600), (0.9, 0.1, 0), (1, 0, 0), (0, 0, 3)])


def slow(groups, labels, shares, seed):
    """The draw, group by group: members of a joint class in the order of their hashes, cut by the shares."""
    classes = {}
    for name in dict.fromkeys(groups):
        counts = Counter(tuple(row) for group, row in zip(groups, labels, strict=True) if group == name)
        common = min(counts, key=lambda row: (-counts[row], row))
        classes.setdefault(common, []).append(name)
    split = {}
    for names in classes.values():
        names.sort(key=lambda n: hashlib.blake2b(f"{seed}/{n}".encode(), digest_size=8).hexdigest())
        ends = [round(float(sum(shares[: i + 1]) / sum(shares) * len(names)), 9) for i in range(3)]
        for rank, name in enumerate(names):
            split[name] = next(i for i, end in enumerate(ends) if rank < round(end))
    return [split[g] for g in groups]


def arrays(rows):
    groups = np.array([f"g{g}" for g, _, _ in rows], dtype=object)
    return groups, np.array([row[1:] for row in rows], dtype=np.int16)


@given(ROWS, SHARES, st.integers(0, 3))
def test_the_draw_is_that_of_the_slow_reference(rows, shares, seed):
    groups, labels = arrays(rows)
    assert draw_splits(groups, labels, shares, seed).tolist() == slow(groups.tolist(), labels.tolist(), shares, seed)


@given(ROWS, st.sampled_from([0, 0.1, 0.5]), st.integers(0, 3), st.randoms())
def test_validation_comes_from_training_only_in_whole_groups(rows, share, seed, random):
    groups, labels = arrays(rows)
    splits = np.array([random.choice([0, 2]) for _ in rows], dtype=np.int8)
    drawn = draw_validation(splits, groups, labels, share, seed)
    assert ((drawn == splits) | ((splits == 0) & (drawn == 1))).all()
    train = splits == 0
    assert not set(groups[train & (drawn == 0)]) & set(groups[train & (drawn == 1)])
    assert share or (drawn == splits).all()


def test_a_group_counts_where_most_of_its_rows_are():
    rows = [(g, g % 2, 0) for g in range(40) for _ in range(3)] + [(g, 1 - g % 2, 0) for g in range(40)]
    groups, labels = arrays(rows)
    drawn = dict(zip(groups, draw_splits(groups, labels).tolist(), strict=True))
    for kind in (0, 1):
        assert Counter(drawn[f"g{g}"] for g in range(kind, 40, 2)) == {0: 14, 1: 2, 2: 4}


@pytest.mark.parametrize("shares", [(0, 0, 0), (1, -0.1, 0.1), (float("inf"), 1, 1), (float("nan"), 1, 1)])
def test_impossible_shares(shares):
    with pytest.raises(ConfigError, match="shares must not be negative"):
        draw_splits(*arrays([(0, 0, 0)]), shares)


@pytest.mark.parametrize("share", [-0.1, 1, float("nan")])
def test_impossible_share_of_validation(share):
    with pytest.raises(ConfigError, match="validation must be at least 0 and below 1"):
        draw_validation(np.zeros(1), *arrays([(0, 0, 0)]), share)
