"""What a converter says: notes, warnings, and the tables at its end."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pandas as pd

from modular_cls.data.manifest import SPLITS, UNKNOWN, Manifest
from modular_cls.schema import Composite

log = logging.getLogger("data_prep")
log.setLevel(logging.INFO)
_TELLING = ("data_prep", "modular_cls")  # whose notes and warnings are printed
_SHOWN_CLASSES = 20
_SHOWN_VALUES = 40


def listed(items: Sequence[object], most: int = 20) -> str:
    """Name some things in a message, and say how many more there are."""
    more = f" ... and {len(items) - most:,} more" if len(items) > most else ""
    return ", ".join(map(str, items[:most])) + more


def value_lines(manifest: Manifest) -> str:
    """Every value with its rows, one line for each attribute."""
    lines = []
    for attribute, codes in zip(manifest.schema.attributes, manifest.labels.T, strict=True):
        counts = np.bincount(codes + 1, minlength=1 + len(attribute.values)).tolist()
        named = [f"{v} {n:,}" for v, n in zip(attribute.values, counts[1:], strict=True)]
        unknown = [f"unknown {counts[0]:,}"] if counts[0] else []
        lines.append(
            f"{attribute.name}: {listed(named, _SHOWN_VALUES)}{''.join('; ' + u for u in unknown)}"
        )
    return "\n".join(lines)


def class_table(manifest: Manifest) -> str:
    """Rows of each joint class in each split, as a table."""
    composite = manifest.schema.composites[0]
    targets = manifest.targets(composite)
    table = pd.crosstab(targets, manifest.splits)
    rows = [*range(composite.size), UNKNOWN]
    table = table.reindex(index=rows, columns=range(len(SPLITS)), fill_value=0)
    names = [_values_of(composite, cell) for cell in composite.cells]
    table.index, table.columns = pd.Index([*names, "unknown"]), pd.Index(SPLITS)
    table.loc["all"] = table.sum()
    shown = table if composite.size <= _SHOWN_CLASSES else table.loc[["unknown", "all"]]
    return shown.map("{:,}".format).to_string()


def _values_of(composite: Composite, cell: Sequence[int]) -> str:
    pairs = zip(composite.attributes, cell, strict=True)
    return " ".join(attribute.values[value] for attribute, value in pairs)


class _Told(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        kind = "warning" if record.levelno >= logging.WARNING else "note"
        print(f"{kind}: {record.getMessage()}", file=sys.stderr)


@contextmanager
def printed_notes() -> Iterator[None]:
    """Print notes and warnings for a while."""
    handler = _Told()
    for name in _TELLING:
        logging.getLogger(name).addHandler(handler)
    try:
        yield
    finally:
        for name in _TELLING:
            logging.getLogger(name).removeHandler(handler)
