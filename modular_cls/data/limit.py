"""A few pictures of a manifest, for a first look: every split, value and joint class stays."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from modular_cls.data.manifest import SPLITS, Manifest

_PARTS = {"train": 2, "validation": 1, "test": 1}
Group = tuple[int, int]  # a labelling (attribute or composite) and a class of it


def limit_rows(manifest: Manifest, most: int, seed: int) -> Manifest:
    """Keep so many rows at most.

    Half of them are of training, a quarter of each other split, or more where one has fewer. Within
    a split they are dealt out to the classes of every attribute and composite in turn, the rarest
    first, so that each has some as far as it has rows.

    Args:
        manifest: All rows.
        most: Rows to keep.
        seed: Which draw.
    """
    rng = np.random.default_rng(seed)
    of_split = {name: np.flatnonzero(manifest.splits == SPLITS.index(name)) for name in _PARTS}
    there = sorted((len(rows) / _PARTS[name], name) for name, rows in of_split.items() if len(rows))
    kept: list[np.ndarray] = [np.zeros(0, dtype=np.int64)]
    left = most
    for i, (_, name) in enumerate(there):
        share = _PARTS[name] / sum(_PARTS[other] for _, other in there[i:])
        rows = rng.permutation(of_split[name])
        targets = [manifest.targets(output)[rows] for output in manifest.schema.outputs]
        kept.append(rows[_dealt(targets, len(rows), round(left * share))])
        left -= len(kept[-1])
    return manifest.select(np.sort(np.concatenate(kept)))


def _dealt(targets: Sequence[np.ndarray], rows: int, most: int) -> list[int]:
    """Positions of so many rows, dealt out to the classes of each labelling in turn."""
    members = _members(targets)
    chosen: dict[int, None] = {}  # in order
    have: Counter[Group] = Counter()
    for turn in range(1, most + 1):
        before = len(chosen)
        for group, of_group in members.items():
            if len(chosen) >= most:
                return list(chosen)
            if have[group] >= turn:
                continue
            while of_group and of_group[-1] in chosen:
                of_group.pop()
            if of_group:
                chosen[row := of_group.pop()] = None
                have.update((g, int(t[row])) for g, t in enumerate(targets) if t[row] >= 0)
        if len(chosen) == before:
            break
    unlabelled = (row for row in range(rows) if row not in chosen)
    return [*chosen, *unlabelled][: max(most, 0)]


def _members(targets: Sequence[np.ndarray]) -> dict[Group, list[int]]:
    """The rows of each class of each labelling, the first one last; the rarest class first."""
    members: dict[Group, list[int]] = {}
    for g, target in enumerate(targets):
        order = np.argsort(target, kind="stable")
        classes, starts = np.unique(target[order], return_index=True)
        parts = np.split(order, starts[1:])
        for z, rows in zip(classes.tolist(), parts, strict=True):
            if z >= 0:
                members[g, z] = rows[::-1].tolist()
    return dict(sorted(members.items(), key=lambda item: len(item[1])))
