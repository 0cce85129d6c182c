"""Iterative stratification: groups of rows shared out so that every label is divided alike.

K. Sechidis, G. Tsoumakas, I. Vlahavas: On the Stratification of Multi-Label Data, ECML PKDD 2011.
The rarest label is dealt with first, each of its groups going to the part that still wants the
label most. Three things are added: rows alike in all labels are dealt in one go as far as they
divide evenly, so that 200,000 rows take seconds; a part is closed once it is full, so that sizes
are those asked for; and a label of which few groups are left goes where it is missing.

The package iterative-stratification was tried: no faster, it depends on the order of the rows,
knows no groups, and may leave a part without a rare label.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse

OPEN = -1  # a group that is not dealt yet
_ENOUGH = 2000  # groups of a part that are looked at to make room for another, and exchanges tried
_SLACK = 0.01  # an exchange may move so large a share of all rows


@dataclass(frozen=True)
class Deal:
    """What is to be divided.

    Attributes:
        has: Rows of each group that have each label, shape (groups, labels), int64; every row has
            at least one label.
        sizes: Rows of each group, shape (groups,).
        shares: Share of each part, adding up to 1, shape (parts,).
        rank: The order in which groups are taken, shape (groups,).
        owed: Which labels every part should have, shape (labels,), bool.
    """

    has: scipy.sparse.csr_array
    sizes: np.ndarray
    shares: np.ndarray
    rank: np.ndarray
    owed: np.ndarray

    @cached_property
    def turn(self) -> np.ndarray:
        """When each part has its turn at a rare label: the first, then the larger ones."""
        order = np.lexsort((-self.shares, np.arange(len(self.shares)) > 0))
        return np.argsort(order)

    @cached_property
    def capacities(self) -> np.ndarray:
        """Rows of each part, as near to the shares as whole numbers are; none is empty."""
        rows = int(self.sizes.sum())
        wanted = self.shares * rows
        rows_of = np.floor(wanted + 1e-9).astype(np.int64)  # 0.29 * 100 is a little below 29
        rows_of[np.lexsort((self.turn, rows_of - wanted))[: rows - rows_of.sum()]] += 1
        for s in np.flatnonzero((rows_of == 0) & (self.shares > 0)):
            if rows_of.max() > 1:
                rows_of[rows_of.argmax()] -= 1
                rows_of[s] = 1
        return rows_of

    def groups_of(self, part: np.ndarray) -> np.ndarray:
        """Groups of each part that have each label, shape (labels, parts)."""
        has = self.has.astype(bool).astype(np.int64)
        return np.stack([has.T @ (part == s) for s in range(len(self.shares))], axis=1)


def count_labels(group: np.ndarray, labels: np.ndarray, size: int) -> scipy.sparse.csr_array:
    """Rows of each group that have each label.

    Args:
        group: The group of each row, from 0, shape (N,).
        labels: Labels of each row, -1 for none, shape (N, columns).
        size: Number of labels.
    """
    count = int(group.max(initial=-1)) + 1
    order = group.argsort(kind="stable")
    there = labels[order] >= 0
    ends = np.bincount(group[order], there.sum(axis=1), minlength=count).cumsum()
    ones = np.ones(there.sum(), dtype=np.int64)
    cells = (ones, labels[order][there], np.append(0, ends).astype(np.int64))
    table = scipy.sparse.csr_array(cells, shape=(count, size))
    table.sum_duplicates()
    return table


def stratify(deal: Deal) -> np.ndarray:
    """Deal every group to a part.

    Returns:
        The part of each group, shape (groups,), int8.
    """
    part = _deal_evenly(deal)
    _deal_rarest_first(deal, part)
    _exchange(deal, part)
    return part


def missing(deal: Deal, groups: np.ndarray) -> np.ndarray:
    """Mask of the labels that a part lacks although there are groups enough, shape (labels, parts).

    Args:
        deal: What is divided.
        groups: From `groups_of`.
    """
    due = deal.turn < groups.sum(axis=1)[:, None]
    return due & (deal.shares > 0) & deal.owed[:, None] & (groups == 0)


def _deal_evenly(deal: Deal) -> np.ndarray:
    """Deal rows alike in all labels, as many as divide without remainder."""
    part = np.full(len(deal.sizes), OPEN, dtype=np.int8)
    alone = np.flatnonzero(deal.sizes == 1)
    alone = alone[deal.rank[alone].argsort()]
    kind = _kinds(deal.has[alone])
    order = kind.argsort(kind="stable")
    counts = np.bincount(kind)
    place = np.arange(len(alone)) - np.repeat(counts.cumsum() - counts, counts)
    least = deal.shares[deal.shares > 0].min()
    rounds = np.floor(counts * least + 1e-9) / least
    ends = np.floor(rounds[:, None] * deal.shares + 1e-9).cumsum(axis=1)
    parts = (place[:, None] >= ends[kind[order]]).sum(axis=1)
    part[alone[order]] = np.where(parts < len(deal.shares), parts, OPEN)
    return part


def _kinds(has: scipy.sparse.csr_array) -> np.ndarray:
    """Equal numbers for rows with equal labels, shape (rows,)."""
    has.sort_indices()
    ends = zip(has.indptr[:-1].tolist(), has.indptr[1:].tolist(), strict=True)
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(has.indices[i:j].tobytes(), len(numbers)) for i, j in ends],
                    dtype=np.int64)  # fmt: skip


def _deal_rarest_first(deal: Deal, part: np.ndarray) -> None:
    """Deal what is left: of the rarest label each group to the part that wants it most."""
    table = _Table(deal, part)
    by_label = deal.has.tocsc()
    while (label := table.rarest()) is not None:
        groups = by_label.indices[by_label.indptr[label] : by_label.indptr[label + 1]]
        groups = groups[part[groups] == OPEN]
        for group in groups[np.lexsort((deal.rank[groups], -deal.sizes[groups]))].tolist():
            part[group] = table.deal(group, label)


class _Table:
    """What the parts still want, while groups are dealt."""

    def __init__(self, deal: Deal, part: np.ndarray) -> None:
        count = len(deal.shares)
        dealt = np.stack([deal.has.T @ (part == s) for s in range(count)], axis=1)
        sizes = [int(deal.sizes[part == s].sum()) for s in range(count)]
        there = deal.groups_of(part)
        self.has, self.sizes = deal.has, deal.sizes.tolist()
        self.want = deal.has.sum(axis=0)[:, None] * deal.shares - dealt
        self.room = (deal.capacities - sizes).tolist()
        self.lacks = (there == 0) & deal.owed[:, None]
        self.left = deal.has.astype(bool).astype(np.int64).sum(axis=0) - there.sum(axis=1)
        self.turns = [s for s in np.argsort(deal.turn).tolist() if deal.shares[s] > 0]

    def rarest(self) -> int | None:
        """The label of which the fewest groups are left."""
        most = int(self.left.max())
        return int(np.where(self.left > 0, self.left, most + 1).argmin()) if most else None

    def deal(self, group: int, label: int) -> int:
        """Give a group to the part that wants one of its labels most."""
        inside = slice(self.has.indptr[group], self.has.indptr[group + 1])
        labels, size = self.has.indices[inside], self.sizes[group]
        s = self._choose(label, labels, size)
        self.want[labels, s] -= self.has.data[inside]
        self.lacks[labels, s] = False
        self.left[labels] -= 1
        self.room[s] -= size
        return s

    def _choose(self, label: int, labels: np.ndarray, size: int) -> int:
        most = max(self.room[s] for s in self.turns)
        candidates = [s for s in self.turns if self.room[s] >= min(size / 2, most)]
        lacks = self.lacks[label].tolist()
        without = [s for s in candidates if lacks[s]]
        if len(without) > 0 and self.left[label] <= len(without):
            candidates = without
        want = self.want[label].tolist()
        best = max(want[s] for s in candidates)
        candidates = [s for s in candidates if want[s] >= best - 1e-9]
        if len(candidates) == 1:
            return candidates[0]
        total = self.want[labels].sum(axis=0).tolist()
        return max(candidates, key=lambda s: (round(total[s], 6), self.room[s]))


def _exchange(deal: Deal, part: np.ndarray) -> None:
    """Exchange groups of two parts where that brings a part a label that it lacks."""
    groups = deal.groups_of(part)
    has = deal.has.astype(bool).astype(np.int64)
    by_label = has.tocsc()
    tries = _ENOUGH
    lacking = np.argwhere(missing(deal, groups))
    for label, s in lacking[deal.turn[lacking[:, 1]].argsort(kind="stable")].tolist():
        holders = by_label.indices[by_label.indptr[label] : by_label.indptr[label + 1]]
        for group in holders[deal.rank[holders].argsort()].tolist():
            tries -= 1
            if tries < 0 or groups[label, s]:
                break
            other = _partner(deal, part, groups, has, group, s)
            if other is not None:
                t = part[group]
                change = (has[[group]] - has[[other]]).toarray()[0]
                groups[:, s] += change
                groups[:, t] -= change
                part[group], part[other] = s, t


def _partner(
    deal: Deal,
    part: np.ndarray,
    groups: np.ndarray,
    has: scipy.sparse.csr_array,
    group: int,
    s: int,
) -> int | None:
    """The group of part s which, exchanged for another, leaves the fewest labels missing."""
    t = part[group]
    slack = _SLACK * deal.sizes.sum()
    others = np.flatnonzero((part == s) & (abs(deal.sizes - deal.sizes[group]) <= slack))
    others = others[deal.rank[others].argsort()[:_ENOUGH]]
    if t == s or not len(others):
        return None
    due = (deal.turn < groups.sum(axis=1)[:, None]) & deal.owed[:, None]
    due = due * np.where(deal.turn == 0, len(deal.turn), 1)  # the first part counts most
    last, none = due * (groups == 1), due * (groups == 0)
    mine = has[[group]].toarray()[0]
    lost = last[:, s] - none[:, t]  # by each label that leaves s for t
    back = last[:, t] - none[:, s]  # by each label that leaves t for s
    change = has[others] @ (lost * (1 - mine) - back * mine) + int(back @ mine)
    return int(others[change.argmin()]) if change.min() < 0 else None
