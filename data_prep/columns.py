"""Shapes in which tables hold the labels of an attribute -> one column of text.

A shape says which columns it needs (`columns`), and reads them (`read`).
"""

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from telling import listed, log

from modular_cls.data.table_cells import is_unknown, meaning
from modular_cls.errors import ManifestError, nearest

_NO_YES = {"0": 0, "no": 0, "n": 0, "1": 1, "yes": 1, "y": 1, "x": 1}
_BETWEEN_TAGS = re.compile(r"[,;|]")
_AROUND_TAGS = " \t[](){}'\""


class Plain(NamedTuple):
    """One column that holds the value."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns needed."""
        return (self.column,)

    def read(
        self, where: object, name: str, frame: pd.DataFrame, unknown: Sequence[str]
    ) -> "pd.Series[str]":
        """The column as it is."""
        return frame[self.column]


class OneHot(NamedTuple):
    """Several columns of no and yes, one for each value."""

    columns: tuple[str, ...]

    def read(
        self, where: object, name: str, frame: pd.DataFrame, unknown: Sequence[str]
    ) -> "pd.Series[str]":
        """The one that holds, called as its column, without the attribute's name before it.

        A row in which none or several hold is unknown, and told.

        Raises:
            ManifestError: If there are fewer than two columns, or a cell is neither no nor yes.
        """
        if len(set(self.columns)) < max(2, len(self.columns)):
            accepted = "accepted: two or more, each once"
            raise ManifestError(where, [f"--one-hot {name}: {listed(self.columns)}; {accepted}"])
        holds = [_holds(where, frame[c], unknown) for c in self.columns]
        before = re.compile(rf"{re.escape(name)}[ _.:-]+", re.IGNORECASE)
        alike = all(before.match(c) for c in self.columns)
        words = [before.sub("", c, count=1) if alike else c for c in self.columns]
        return _one_of(name, frame.index, np.stack(holds, axis=1), words)


class Tags(NamedTuple):
    """One column of tags, of which some are the values; of one tag the values are no and yes."""

    column: str
    words: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns needed."""
        return (self.column,)

    def read(
        self, where: object, name: str, frame: pd.DataFrame, unknown: Sequence[str]
    ) -> "pd.Series[str]":
        """The one that is there; a row with none or several of them is unknown, and told.

        Raises:
            ManifestError: If a tag is never there; the nearest is named.
        """
        column = frame[self.column]
        sets = split_tags(column)
        there = Counter(tag for tags in sets for tag in tags)
        wanted = [meaning(word) for word in self.words]
        if strange := [word for word in wanted if word not in there]:
            lacks = f"--tags {name}: column {self.column!r} never holds"
            problems = [f"{lacks} {word!r}{nearest(word, there)}" for word in strange]
            raise ManifestError(where, [*problems, f"it holds {listed(sorted(there))}"])
        holds = np.zeros((len(sets), len(wanted)), dtype=np.int8)
        for i, word in enumerate(wanted):
            holds[:, i] = [word in tags for tags in sets]
        holds[[is_unknown(cell, unknown) for cell in column]] = -1
        if len(wanted) > 1:
            return _one_of(name, frame.index, holds, self.words)
        said = np.array(["no", "yes", ""], dtype=object)[holds[:, 0]]
        return pd.Series(said, index=frame.index)


Shape = Plain | OneHot | Tags


def need_columns(where: object, frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise ManifestError where columns are missing, naming the nearest."""
    if missing := [c for c in dict.fromkeys(columns) if c not in frame.columns]:
        problems = [f"no column {c!r}{nearest(c, frame.columns)}" for c in missing]
        raise ManifestError(where, [*problems, f"it has {listed(list(frame.columns))}"])


def split_tags(column: "pd.Series[str]") -> list[set[str]]:
    """The tags of each cell: what stands between , ; or |, or blanks where no cell has these."""
    marked = column.str.contains(_BETWEEN_TAGS).any()
    split = _BETWEEN_TAGS.split if marked else str.split
    sets = []
    for cell in column.tolist():
        parts = [meaning(part.strip(_AROUND_TAGS)) for part in split(cell)]
        sets.append({part for part in parts if part})
    return sets


def in_bins(
    where: object,
    name: str,
    column: "pd.Series[str]",
    edges: Sequence[float],
    unknown: Sequence[str],
) -> tuple["pd.Series[str]", tuple[str, ...]]:
    """Numbers put into bins; an edge belongs to the bin above it.

    Returns:
        The column of text, and the names of the bins in order: below_30, 30_to_60, from_60.

    Raises:
        ManifestError: If the edges are not in order, or a cell is no number.
    """
    if sorted(set(edges)) != list(edges):
        wanted = listed([f"{e:g}" for e in edges])
        raise ManifestError(where, [f"--bins {name}: edges must ascend; got {wanted}"])
    numbers = pd.to_numeric(column.map(meaning), errors="coerce").to_numpy(dtype=np.float64)
    said = {cell: is_unknown(cell, unknown) for cell in column.unique()}
    blank = column.map(said).to_numpy(dtype=bool)
    if (wrong := column[np.isnan(numbers) & ~blank]).size:
        problems = [f"row {row}, {name}: {cell!r} is no number; --bins takes numbers such as 3.5"
                for row, cell in wrong.head(1000).items()]  # fmt: skip
        raise ManifestError(where, problems)
    texts = [f"{edge:.10g}" for edge in edges]
    between = [f"{low}_to_{high}" for low, high in itertools.pairwise(texts)]
    bins = np.array([f"below_{texts[0]}", *between, f"from_{texts[-1]}"], dtype=object)
    binned = bins[np.searchsorted(edges, numbers, side="right").clip(0, len(edges))]
    if empty := [b for b in bins.tolist() if b not in set(binned[~blank])]:
        log.warning("%s: bins without any row, left out: %s", name, listed(empty))
    binned[blank] = column.to_numpy(dtype=object)[blank]
    return pd.Series(binned, index=column.index), tuple(bins.tolist())


def _holds(where: object, column: "pd.Series[str]", unknown: Sequence[str]) -> np.ndarray:
    """1 where a cell says yes, 0 where it says no, -1 where it is unknown; shape (N,), int8."""
    said: Mapping[str, str] = {cell: meaning(cell).casefold() for cell in column.unique()}
    words = _NO_YES if "0" in said.values() else _NO_YES | {"-1": 0}  # some write -1 and 1
    known = {cell: words[text] for cell, text in said.items() if text in words}
    known |= {cell: -1 for cell in said if cell not in known and is_unknown(cell, unknown)}
    if wrong := [cell for cell in said if cell not in known]:
        first = column.index[int((column == wrong[0]).to_numpy().argmax())]
        cell = f"row {first}, column {column.name!r}: {wrong[0]!r}"
        accepted = "neither no nor yes (0 or 1); --one-hot takes columns of these"
        raise ManifestError(where, [f"{cell} is {accepted}"])
    return column.map(known).to_numpy(dtype=np.int8)


def _one_of(
    name: str, index: pd.Index, holds: np.ndarray, words: Sequence[str]
) -> "pd.Series[str]":
    """The word of the one that holds, blank where none or several do; tells of these."""
    count = (holds == 1).sum(axis=1)
    chosen = np.array(words, dtype=object)[(holds == 1).argmax(axis=1)]
    unsure = (holds == -1).any(axis=1)
    for what, rows in (("none", (count == 0) & ~unsure), ("several", count > 1)):
        if rows.any():
            first = listed(index[rows].tolist(), 5)
            message = "%s: rows with %s of %s, taken as unknown: %s (row %s)"
            log.warning(message, name, what, listed(words), f"{rows.sum():,}", first)
    return pd.Series(np.where(count == 1, chosen, ""), index=index, dtype=object)
