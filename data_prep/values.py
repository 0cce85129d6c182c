"""A column of text -> the values of an attribute, each in one spelling; what was done is told."""

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from converter import Labels
from telling import listed, log

from modular_cls.data.manifest import UNKNOWN
from modular_cls.data.table_cells import UNKNOWN_WORDS, alike, is_unknown, meaning
from modular_cls.errors import ManifestError, nearest

MOST_VALUES = 2000  # more are names or measurements
_WHOLE = re.compile(r"^([+-]?\d+)\.0*$", re.ASCII)  # as pandas writes whole numbers with gaps
_DOUBTFUL = ("none", "unclear", "unspecified", "undefined", "other", "-1", "99", "999", "-999")


class Reading(NamedTuple):
    """How the cells of one attribute are read.

    Attributes:
        renamed: New names by the value in the table; an empty name means unknown, and so does
            every value that has none, if some have.
        unknown: Words that mean unknown, apart from a blank cell.
        order: The values in order; default: in order of their names.
        kind: What a row is called: row, folder.
        remedy: What renames values on the command line; blank if nothing does.
    """

    renamed: Mapping[str, str] = {}
    unknown: Sequence[str] = UNKNOWN_WORDS
    order: Sequence[str] = ()
    kind: str = "row"
    remedy: str = "--value"


PLAINLY = Reading()


def read_values(
    where: object, name: str, column: "pd.Series[str]", reading: Reading = PLAINLY
) -> Labels:
    """Read a column of text.

    Args:
        where: The table, for messages.
        name: Name of the attribute.
        column: Its cells; the index numbers the rows.
        reading: How they are read.

    Raises:
        ManifestError: If values look alike, a renaming matches nothing, or there are too many.

    Example:
        >>> column = pd.Series(["long", " long", "short", ""], index=[2, 3, 4, 5])
        >>> labels = read_values("table.csv", "hair", column)
        >>> labels.values, labels.codes.tolist()
        (('long', 'short'), [0, 0, 1, -1])
    """
    cell_of, cells = pd.factorize(column)
    counts = dict(zip(map(str, cells), np.bincount(cell_of).tolist(), strict=True))
    value_of = {cell: "" if is_unknown(cell, reading.unknown) else meaning(cell) for cell in counts}
    if reading.renamed:
        value_of = _rename(where, name, counts, reading.renamed)
    else:
        value_of = _spell(counts, value_of)
    values = _in_order({value for value in value_of.values() if value}, reading.order)
    rows = column.index[np.unique(cell_of, return_index=True)[1]]
    first = dict(zip(map(value_of.__getitem__, reversed(counts)), reversed(rows), strict=True))
    rows_of = Counter(dict.fromkeys(values, 0))
    for cell, count in counts.items():
        rows_of[value_of[cell]] += count
    _check(where, name, rows_of, first, reading)
    _tell(name, counts, value_of, reading.unknown)
    codes = {value: i for i, value in enumerate(values)} | {"": UNKNOWN}
    code_of = np.array([codes[value_of[cell]] for cell in counts], dtype=np.int16)
    return Labels(values, code_of[cell_of])


def _rename(
    where: object, name: str, counts: Mapping[str, int], renamed: Mapping[str, str]
) -> dict[str, str]:
    names = {meaning(old): new.strip() for old, new in renamed.items()}
    there = {meaning(cell): cell for cell in counts}
    problems = [
        f"--value {name}:{old}={new}: the column holds no {old!r}{nearest(old, counts)}"
        for old, new in renamed.items()
        if meaning(old) not in there
    ]
    if problems:
        raise ManifestError(where, [*problems, f"it holds {listed(sorted(counts))}"])
    return {cell: names.get(meaning(cell), "") for cell in counts}


def _spell(counts: Mapping[str, int], value_of: Mapping[str, str]) -> dict[str, str]:
    """The shortest spelling of each value, of these the most frequent; 1 for 1.0."""
    spelt: dict[str, str] = {}
    for cell in sorted(counts, key=lambda c: (len(c.strip()), -counts[c], c)):
        spelt.setdefault(value_of[cell], _WHOLE.sub(r"\1", " ".join(cell.split())))
    return {cell: value and spelt[value] for cell, value in value_of.items()}


def _in_order(values: set[str], order: Sequence[str]) -> tuple[str, ...]:
    def key(value: str) -> tuple[bool, float, str]:
        try:
            return False, float(value), value
        except ValueError:
            return True, 0.0, value

    return tuple(v for v in order if v in values) or tuple(sorted(values, key=key))


def _check(
    where: object,
    name: str,
    rows_of: Mapping[str, int],
    first: Mapping[str, object],
    reading: Reading,
) -> None:
    values = [value for value in rows_of if value]
    if len(values) > MOST_VALUES:
        count = f"{len(values):,} different values, more than {MOST_VALUES:,}"
        advice = "numbers go into --bins; names are no attribute"
        raise ManifestError(where, [f"attribute {name!r} has {count}: {advice}"])
    pairs = alike(sorted(values, key=lambda value: -rows_of[value]))
    problems = [
        f"attribute {name!r}: {a!r} ({rows_of[a]:,} rows, the first is {reading.kind} {first[a]}) "
        f"and {b!r} ({rows_of[b]:,}, {reading.kind} {first[b]}) look alike"
        for a, b in pairs
    ]
    if problems:
        names = {b: a for a, b in pairs}
        flags = [f"{reading.remedy} '{name}:{v}={names.get(v, v)}'" for v in values[:10]]
        named = f", or name all values that you mean: {' '.join(flags)}" if reading.remedy else ""
        raise ManifestError(where, [*problems, f"write each value in one way{named}"])


def _tell(
    name: str, counts: Mapping[str, int], value_of: Mapping[str, str], words: Sequence[str]
) -> None:
    """Tell of values in several spellings, of words for unknown, and of values that may be some."""
    spellings: dict[str, list[str]] = {}
    for cell, value in value_of.items():
        spellings.setdefault(value, []).append(cell)
    for value, cells in spellings.items():
        written = listed([f"{cell!r} {counts[cell]:,}" for cell in sorted(cells)])
        respelt = meaning(cells[0]) == meaning(value) and cells[0] != value
        if value and (len(cells) > 1 or respelt):
            log.info("%s: %r is written %s", name, value, written)
        elif not value and cells != [""]:
            log.info("%s: unknown is written %s", name, written)
    values = [value for value in spellings if value]
    for value in values:
        if value.casefold() in _DOUBTFUL and len(values) > 2:
            more = shlex.join([*words, value])
            log.info("%s: %r is taken as a value; if it is none: --unknown %s", name, value, more)
