"""Pictures that stand in the table more than once: the same bytes, or copies of a picture."""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from modular_cls.audit.alike import joined, similar_pairs
from modular_cls.audit.coverage import across_splits
from modular_cls.audit.findings import SHOWN, Finding, Level
from modular_cls.audit.inspection import Picture
from modular_cls.audit.quality import is_even
from modular_cls.data.manifest import SPLITS, UNKNOWN, Manifest
from modular_cls.data.overlap import groups_of, numbered

_SAME, _NEAR = "rows with the same picture", "pictures that look like copies of one another"
_ADVICE = {
    _SAME: "keep one of each, or put all of a group into one split",
    _NEAR: "look at some: of copies keep one, or put all into one split; drawings of the same "
    "parts may look alike",
}
Groups = list[np.ndarray]


def find_copies(
    manifest: Manifest, positions: np.ndarray, pictures: Sequence[Picture]
) -> Iterator[Finding]:
    """Find pictures that occur several times.

    Args:
        manifest: The table.
        positions: Rows whose pictures were decoded, shape (n,).
        pictures: What was seen of them, in the same order.
    """
    table = manifest.select(positions)
    file = numbered(np.array([p.digest for p in pictures], dtype="S16"))
    box = numbered(table.extra["box"].astype(str)) if "box" in table.extra else np.zeros_like(file)
    # One file may be several rows, about parts of it. Boxes are numbered below len(table), so that
    # no two pairs have one number.
    content = numbered(file * len(table) + box)
    same = groups_of(content)
    yield from _conflicting(table, same)
    yield from _across(table, groups_of(file), "duplicates", _SAME, None)
    yield from _within(table, same, "duplicates", _SAME)

    first = np.unique(content, return_index=True)[1]
    first = first[[not is_even(pictures[i]) for i in first]]
    pairs = first[similar_pairs([pictures[i] for i in first])]
    pairs = pairs[file[pairs[:, 0]] != file[pairs[:, 1]]]  # parts of one picture may look alike
    near = [g for g in groups_of(joined(content, content[pairs])) if len(np.unique(content[g])) > 1]
    yield from _across(table, near, "near_duplicates", _NEAR, "warning")
    yield from _within(table, near, "near_duplicates", _NEAR)


def _conflicting(table: Manifest, same: Groups) -> Iterator[Finding]:
    groups = [g for g in same if _differ(table, g)]
    if groups:
        what = "pictures in several rows whose labels contradict each other"
        yield _finding(
            "error", "conflicting_labels", what, "decide which labels are right", table, groups
        )


def _across(
    table: Manifest, groups: Groups, name: str, kind: str, level: Level | None
) -> Iterator[Finding]:
    """Groups that lie in several splits; `level` if it is not the one of the splits."""
    inside = np.zeros((len(groups), len(SPLITS)), dtype=bool)
    for g, rows in enumerate(groups):
        inside[g, table.splits[rows][table.splits[rows] != UNKNOWN]] = True
    for usual, key, leaks, where in across_splits(inside):
        leaking = [groups[g] for g in np.flatnonzero(leaks)]
        yield _finding(
            level or usual,
            f"{name}_{key}",
            f"groups of {kind}, in {where}",
            _ADVICE[kind],
            table,
            leaking,
        )


def _within(table: Manifest, groups: Groups, name: str, kind: str) -> Iterator[Finding]:
    repeated = [g for g in groups if len(np.unique(table.splits[g])) < len(g)]
    if repeated:
        what = f"groups of {kind}, within one split: it counts several times"
        yield _finding("warning", f"{name}_within_split", what, _ADVICE[kind], table, repeated)


def _finding(
    level: Level, name: str, what: str, advice: str, table: Manifest, groups: Groups
) -> Finding:
    named = [_worded(table, g) for g in groups[:SHOWN]]
    rows = sorted(chain.from_iterable(table.rows[g].tolist() for g in groups))
    return Finding(
        level,
        name,
        len(groups),
        what,
        advice,
        named,
        rows,
        [table.rows[g].tolist() for g in groups],
    )


def _worded(table: Manifest, group: np.ndarray) -> str:
    places = [f"row {table.rows[i]}, {table.paths[i]}" for i in group[:3]]
    more = f" and {len(group) - 3} more" if len(group) > 3 else ""
    return " = ".join(places) + more + (" (labels differ)" if _differ(table, group) else "")


def _differ(table: Manifest, group: np.ndarray) -> bool:
    """Whether two rows know different values of one attribute."""
    columns = table.labels[group].T
    return any(len(np.unique(c[c != UNKNOWN])) > 1 for c in columns)
