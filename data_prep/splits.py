"""Splits drawn, by iterative stratification.

Draws take whole groups in an order given by a hash of their names, so that a person is never
divided and the draw depends neither on the order of the rows nor on the number of cores.
"""

import argparse
import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from stratification import Deal, count_labels, stratify
from telling import log

from modular_cls.data.manifest import SPLITS, UNKNOWN
from modular_cls.errors import ConfigError
from modular_cls.schema import MAX_JOINT_CLASSES

SHARES = (0.7, 0.1, 0.2)
VALIDATION = 0.1


def draw_splits(
    groups: np.ndarray,
    labels: np.ndarray,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
    joint: int | None = None,
) -> np.ndarray:
    """Draw a split for every row, by iterative stratification.

    Args:
        groups: What each row belongs to, shape (N,); rows of one group get one split.
        labels: Value indices that the draw is stratified by, -1 for unknown, shape (N, attributes).
        shares: Shares of the rows that go to train, validation and test (or to any parts).
        seed: Which draw.
        joint: So many of the attributes, from the first, make joint classes that are divided alike,
            too; default: all.

    Returns:
        Index of the part of each row, shape (N,), int8.

    Raises:
        ConfigError: If a share is negative or all are 0.
    """
    if min(shares) < 0 or not 0 < sum(shares) < np.inf:
        numbers = ", ".join(map(str, shares))
        raise ConfigError(f"shares must not be negative, and not all 0; got {numbers}")
    if not len(groups):
        return np.zeros(0, dtype=np.int8)
    group, names = pd.factorize(np.array([str(g) for g in groups], dtype=object))
    hashes = np.array([_hash(seed, name) for name in names], dtype=np.uint64)
    columns, owed = _labels(labels, np.array(shares) / sum(shares), joint)
    deal = Deal(
        has=count_labels(group, columns, len(owed)),
        sizes=np.bincount(group),
        shares=np.array(shares) / sum(shares),
        rank=hashes.argsort().argsort(),
        owed=owed,
    )
    return stratify(deal)[group]


def draw_validation(
    splits: np.ndarray,
    groups: np.ndarray,
    labels: np.ndarray,
    share: float = VALIDATION,
    seed: int = 0,
) -> np.ndarray:
    """Move a share of the training rows to validation, for data that come without such a split.

    Args:
        splits: Index into `SPLITS` of each row, shape (N,).
        groups: As for `draw_splits`.
        labels: As for `draw_splits`.
        share: Share of the training rows, from 0 to below 1.
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


def draw_folds(
    groups: np.ndarray,
    labels: np.ndarray,
    folds: int,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
) -> list[np.ndarray]:
    """Draw splits for cross-validation: each fold is test once, and of the rest a part validation.

    Args:
        groups: As for `draw_splits`.
        labels: As for `draw_splits`.
        folds: How many, from 2.
        shares: Those of train and validation share out what is not test.
        seed: Which draw.

    Returns:
        For each fold the splits, shape (N,), int8.

    Raises:
        ConfigError: If there are fewer than 2 folds, or fewer groups than folds.
    """
    count = len(set(groups.tolist()))
    if not 2 <= folds <= count:
        raise ConfigError(f"--folds must be from 2 to {count:,}, the number of groups; got {folds}")
    fold = draw_splits(groups, labels, [1] * folds, seed)
    train, validation = shares[:2]
    if min(train, validation) < 0 or train <= 0:
        raise ConfigError(f"shares of train and validation must not be negative; got {shares}")
    part = validation / (train + validation)
    test = [np.where(fold == k, SPLITS.index("test"), 0) for k in range(folds)]
    return [draw_validation(splits, groups, labels, part, seed) for splits in test]


class Draw(NamedTuple):
    """How splits are drawn, where they are.

    Attributes:
        shares: Of train, validation and test.
        seed: Which draw.
        folds: How many folds to draw; 0 for one split.
        validation: Share of train that becomes validation where splits are given without it.
    """

    shares: Sequence[float] = SHARES
    seed: int = 0
    folds: int = 0
    validation: float = 0

    def splits(
        self, groups: np.ndarray, labels: np.ndarray, fixed: np.ndarray | None = None
    ) -> list[np.ndarray]:
        """Draw splits, one for each fold.

        Args:
            groups: As for `draw_splits`.
            labels: As for `draw_splits`.
            fixed: Splits that are given already, shape (N,); then at most validation is drawn.

        Raises:
            ConfigError: If splits are given and shares or folds, too.
        """
        if fixed is None and self.validation not in (0, VALIDATION):
            raise ConfigError("--validation is for splits that are given; say --shares")
        if fixed is None and self.folds:
            return draw_folds(groups, labels, self.folds, self.shares, self.seed)
        if fixed is None:
            return [draw_splits(groups, labels, self.shares, self.seed)]
        if self.folds or tuple(self.shares) != SHARES:
            raise ConfigError("--shares and --folds draw the splits, but they are given")
        if self.validation and SPLITS.index("validation") not in fixed:
            return [draw_validation(fixed, groups, labels, self.validation, self.seed)]
        if self.validation not in (0, VALIDATION):
            raise ConfigError("--validation draws that split, but it is given")
        return [fixed]


USUAL = Draw()


def add_draw(parser: argparse.ArgumentParser, validation: float | None = VALIDATION) -> None:
    """Add the arguments of `Draw`; `validation` is the default of that, None to leave it out."""
    parser.add_argument(
        "--shares",
        type=float,
        nargs=3,
        default=SHARES,
        metavar=("TRAIN", "VAL", "TEST"),
        help="where the split is drawn",
    )
    parser.add_argument(
        "--folds",
        type=int,
        default=0,
        metavar="K",
        help="write K manifests; each fold of the rows is test in one",
    )
    if validation is not None:
        parser.add_argument(
            "--validation",
            type=float,
            default=validation,
            help="share of train that becomes it, where it is not given",
        )
    parser.add_argument("--seed", type=int, default=0, help="which draw")


def alone_where_blank(groups: Sequence[str], paths: Sequence[str], what: str) -> np.ndarray:
    """Names of groups, a row without any being a group of its own; tells how many are.

    Args:
        groups: Names, blank where there is none.
        paths: A name of each row.
        what: What a group is called.
    """
    # No name of a group begins with \0, so none is taken for a path.
    names = np.array(
        [g.strip() or f"\0{path}" for g, path in zip(groups, paths, strict=True)], dtype=object
    )
    if blank := sum(name.startswith("\0") for name in names.tolist()):
        log.info("rows without %s, each taken as a group of its own: %s", what, f"{blank:,}")
    return names


def _labels(
    labels: np.ndarray, shares: np.ndarray, joint: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the labels of each row, shape (N, columns), and which are owed to every split.

    Unknown is a label, too, but owed to nobody. A joint class is a label where every split can
    have a row of it by the shares; smaller ones would only take turns in falling to train.
    """
    widths = labels.max(axis=0, initial=UNKNOWN).astype(np.int64) + 2  # the last is for unknown
    starts = widths.cumsum() - widths
    columns = np.where(labels == UNKNOWN, widths - 1, labels) + starts
    owed = np.ones(int(widths.sum()), dtype=bool)
    owed[starts + widths - 1] = False
    if labels[:, :joint].shape[1] < 2:
        return columns, owed
    kind = _large_kinds(labels[:, :joint], 1 / shares[shares > 0].min())
    count = int(kind.max(initial=UNKNOWN)) + 1
    if not 0 < count <= MAX_JOINT_CLASSES:
        return columns, owed
    kind[kind != UNKNOWN] += len(owed)
    return np.column_stack([columns, kind]), np.append(owed, np.ones(count, dtype=bool))


def _large_kinds(labels: np.ndarray, least: float) -> np.ndarray:
    """Numbers, from 0, of the joint classes that have so many rows; -1 elsewhere, shape (N,)."""
    kind = np.zeros(len(labels), dtype=np.int64)
    rows = np.flatnonzero((labels != UNKNOWN).all(axis=1))
    for column in labels.T.astype(np.int64):
        pairs = kind[rows] * (column.max() + 1) + column[rows]
        _, kind[rows], counts = np.unique(pairs, return_inverse=True, return_counts=True)
        rows = rows[counts[kind[rows]] >= least - 1e-9]  # the others only get smaller
    large = np.full(len(labels), UNKNOWN, dtype=np.int64)
    large[rows] = np.unique(kind[rows], return_inverse=True)[1]
    return large


def _hash(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest())
