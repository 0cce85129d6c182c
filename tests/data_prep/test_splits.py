"""Splits that are drawn: sizes, whole groups, balance; and none that is lost."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from splits import draw_folds, draw_splits, draw_validation

from modular_cls.errors import ConfigError
from tests.data_prep.small_tables import (
    GENDER,
    HAIR,
    converted,
    rows,
    run,
    with_column,
    write,
)

ROWS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(-1, 1), st.integers(-1, 1)), min_size=1, max_size=50
)
ALONE = st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 1)), min_size=3, max_size=60)
SHARES = st.sampled_from(
    [(0.7, 0.1, 0.2), (9500, 1900, 7600), (0.9, 0.1, 0), (1, 0, 0), (0, 0, 3), (1, 1, 1)]
)


def arrays(rows):
    groups = np.array([f"g{g}" for g, _, _ in rows], dtype=object)
    return groups, np.array([row[1:] for row in rows], dtype=np.int16)


def table(seed, rows, attributes, values):
    """Labels of which some values are rare."""
    rng = np.random.default_rng(seed)
    weights = [w / w.sum() for w in rng.random((attributes, values)) ** 3 + 0.01]
    return np.stack([rng.choice(values, rows, p=w) for w in weights], axis=1).astype(np.int16)


def names(rows):
    return np.array([f"{i}.png" for i in range(rows)], dtype=object)


@given(ALONE, SHARES, st.integers(0, 3))
def test_sizes_are_those_asked_for(rows, shares, seed):
    counts = np.bincount(draw_splits(names(len(rows)), np.array(rows), shares, seed), minlength=3)
    wanted = np.array(shares) / sum(shares) * len(rows)
    assert (abs(counts - wanted) < 2).all()
    assert ((counts > 0) == (np.array(shares) > 0)).all() or len(rows) < 3


@given(ROWS, SHARES, st.integers(0, 3), st.randoms())
def test_groups_are_whole_and_the_order_of_rows_does_not_matter(rows, shares, seed, random):
    groups, labels = arrays(rows)
    drawn = draw_splits(groups, labels, shares, seed)
    of_group = dict(zip(groups, drawn, strict=True))
    assert [of_group[g] for g in groups] == drawn.tolist()
    order = np.array(random.sample(range(len(rows)), len(rows)))
    assert draw_splits(groups[order], labels[order], shares, seed).tolist() == drawn[order].tolist()


@pytest.mark.parametrize(
    "size", [(280, 8, 2), (280, 12, 2), (280, 40, 2), (60, 12, 2), (500, 4, 10)]
)
@pytest.mark.parametrize("seed", range(3))
def test_every_value_is_in_every_split_as_far_as_it_has_rows(size, seed):
    labels = table(seed, *size)
    drawn = draw_splits(names(size[0]), labels)
    assert np.bincount(drawn).tolist() == [round(size[0] * share) for share in (0.7, 0.1, 0.2)]
    for column in labels.T:
        for value, count in Counter(column.tolist()).items():
            there = set(drawn[column == value].tolist())
            assert 0 in there  # training first
            assert len(there) == min(count, 3)


def test_values_are_divided_more_evenly_than_by_chance():
    labels = table(0, 3000, 40, 2)
    rng = np.random.default_rng(0)

    def worst(drawn):
        shares = [
            [np.mean(drawn[c == v] == s) for s in range(3)]
            for c in labels.T
            for v in (0, 1)
            if (c == v).sum() > 50
        ]
        return abs(np.array(shares) - (0.7, 0.1, 0.2)).max()

    chance = np.median(
        [worst(rng.permutation(np.repeat([0, 1, 2], [2100, 300, 600]))) for _ in range(9)]
    )
    assert worst(draw_splits(names(3000), labels)) < 0.5 * chance


def test_rows_alike_are_divided_by_the_shares():
    labels = np.array([(i % 2, i // 2 % 2) for i in range(80)], dtype=np.int16)
    counts = Counter(
        zip(map(tuple, labels.tolist()), draw_splits(names(80), labels).tolist(), strict=True)
    )
    assert all(
        counts[cell, s] == n for cell in {c for c, _ in counts} for s, n in enumerate((14, 2, 4))
    )


def test_a_joint_class_is_divided_though_other_attributes_cut_it_up():
    labels = np.column_stack([table(1, 400, 2, 2), table(2, 400, 8, 2)])
    drawn = draw_splits(names(400), labels, joint=2)
    for cell in np.unique(labels[:, :2], axis=0):
        inside = (labels[:, :2] == cell).all(axis=1)
        if inside.sum() >= 10:
            assert (
                abs(np.bincount(drawn[inside], minlength=3) / inside.sum() - (0.7, 0.1, 0.2)) < 0.1
            ).all()


def test_large_groups_are_divided_near_the_shares():
    rng = np.random.default_rng(0)
    groups = np.array([f"p{g}" for g in rng.integers(0, 60, 1200)], dtype=object)
    counts = np.bincount(draw_splits(groups, table(0, 1200, 4, 2))) / 1200
    assert (abs(counts - (0.7, 0.1, 0.2)) < 0.02).all()


def test_a_large_table_takes_seconds():
    labels = table(0, 200_000, 12, 2)
    drawn = draw_splits(names(200_000), labels)
    assert np.bincount(drawn).tolist() == [140_000, 20_000, 40_000]


@given(ROWS, st.sampled_from([0, 0.1, 0.5]), st.integers(0, 3), st.randoms())
def test_validation_comes_from_training_only_in_whole_groups(rows, share, seed, random):
    groups, labels = arrays(rows)
    splits = np.array([random.choice([0, 2]) for _ in rows], dtype=np.int8)
    drawn = draw_validation(splits, groups, labels, share, seed)
    assert ((drawn == splits) | ((splits == 0) & (drawn == 1))).all()
    train = splits == 0
    assert not set(groups[train & (drawn == 0)]) & set(groups[train & (drawn == 1)])
    assert share or (drawn == splits).all()


@pytest.mark.parametrize("folds", [2, 5])
def test_every_row_is_tested_in_one_fold(folds):
    labels = table(0, 200, 3, 2)
    groups = np.array([f"g{i // 2}" for i in range(200)], dtype=object)
    drawn = draw_folds(groups, labels, folds)
    assert (sum((splits == 2).astype(int) for splits in drawn) == 1).all()
    for splits in drawn:
        counts = np.bincount(splits, minlength=3) / 200
        assert abs(counts[2] - 1 / folds) < 0.02
        assert (
            abs(counts[1] - (1 - counts[2]) / 8) < 0.02
        )  # a tenth of nine and one, as in the shares
        assert all(len(set(splits[groups == g].tolist())) == 1 for g in set(groups))
    for wrong in (1, 101):
        with pytest.raises(ConfigError, match="--folds must be from 2 to 100"):
            draw_folds(groups, labels, wrong)


@pytest.mark.parametrize(
    "shares", [(0, 0, 0), (1, -0.1, 0.1), (float("inf"), 1, 1), (float("nan"), 1, 1)]
)
def test_impossible_shares(shares):
    with pytest.raises(ConfigError, match="shares must not be negative"):
        draw_splits(*arrays([(0, 0, 0)]), shares)


@pytest.mark.parametrize("share", [-0.1, 1, float("nan")])
def test_impossible_share_of_validation(share):
    with pytest.raises(ConfigError, match="validation must be at least 0 and below 1"):
        draw_validation(np.zeros(1), *arrays([(0, 0, 0)]), share)


def test_rows_without_a_group_are_groups_of_their_own(folder, capsys):
    lines = with_column("who", ["", "anna", " ", "anna"])
    frame = converted(folder, lines, *HAIR, "--group", "who")
    assert (
        "note: rows without who, each taken as a group of its own: 6\n" in capsys.readouterr().err
    )
    assert len(set(frame[frame["identity"] == "anna"]["split"])) == 1
    assert len(set(frame[frame["identity"] == ""]["split"])) > 1


def test_folds(folder, capsys):
    file = write(folder / "t.csv", rows())
    assert run(folder, file, *HAIR, *GENDER, "--folds", "3") == (0, None)
    frames = [pd.read_csv(folder / f"m_{i}.csv") for i in (1, 2, 3)]
    tested = [path for frame in frames for path in frame[frame["split"] == "test"]["path"]]
    assert sorted(tested) == sorted(row["path"] for row in rows())
    assert capsys.readouterr().out.count("12 rows written") == 3


def test_a_table_without_a_test_split(folder, capsys):
    frame = converted(folder, rows(), *HAIR, "--shares", "0.75", "0.25", "0")
    assert Counter(frame["split"]) == {"train": 9, "validation": 3}
    assert "note: split 'test' has no rows\n" in capsys.readouterr().err
