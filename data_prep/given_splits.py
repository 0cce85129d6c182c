"""Splits as tables give them: words and codes in a column, or a file for each."""

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from telling import listed

from modular_cls.data.manifest import SPLIT_NAMES, SPLITS
from modular_cls.data.table_cells import meaning
from modular_cls.errors import ConfigError, ManifestError, nearest

LEFT_OUT = -1


def given_splits(
    where: object, column: "pd.Series[str]", names: Mapping[str, str] | None = None
) -> np.ndarray:
    """Understand a column of splits.

    Args:
        where: The table, for messages.
        column: Its cells; the index numbers the rows.
        names: The split that each word or code means; blank: rows with it are left out. Default:
            the words that `SPLIT_NAMES` knows.

    Returns:
        Index into `SPLITS` of each row, shape (N,), int8; -1 where it is left out.

    Raises:
        ManifestError: If a word is not understood, or one that is named is not there.
    """
    counts = {str(cell): int(n) for cell, n in column.value_counts().items()}
    known = {meaning(word).casefold(): split for word, split in (names or SPLIT_NAMES).items()}
    split_of = {cell: known.get(meaning(cell).casefold()) for cell in counts}
    words = list(names or SPLIT_NAMES)
    problems = [
        f"row {_first(column, cell)}, split: {cell!r} ({counts[cell]:,} rows) is not one of "
        f"{listed(words)}{nearest(cell, words)}"
        for cell, split in split_of.items()
        if split is None
    ]
    if problems and not names:
        pairs = zip(sorted(counts), SPLITS, strict=False)
        codes = " ".join(f"'{cell}={split}'" for cell, split in pairs)
        problems.append(f"say what each means, for example --split-values {codes}")
    there = {meaning(cell).casefold() for cell in counts}
    problems += [
        f"--split-values {word}={split}: the column holds no {word!r}{nearest(word, counts)}"
        for word, split in (names or {}).items()
        if meaning(word).casefold() not in there
    ]
    if problems:
        raise ManifestError(where, problems)
    indices = {cell: SPLITS.index(split) if split else LEFT_OUT for cell, split in split_of.items()}
    return column.map(indices).to_numpy(dtype=np.int8)


def split_argument(text: str) -> tuple[str, str]:
    """Read CODE=SPLIT of a command line; the split is one of the common words, or blank."""
    word, equals, split = text.rpartition("=")
    if not equals or split.strip().casefold() not in {"", *SPLIT_NAMES}:
        accepted = f"CODE=SPLIT, SPLIT one of {', '.join(SPLITS)} or blank"
        raise argparse.ArgumentTypeError(f"must be written {accepted}; found {text!r}")
    return word, SPLIT_NAMES.get(split.strip().casefold(), "")


def splits_of_files(tables: Sequence[tuple[str, Path]]) -> list[str]:
    """The split of each of several files: given, or by a word in its name, as in val.csv.

    Raises:
        ConfigError: If some have none.
    """
    splits = [split or _split_of_name(file.stem) for split, file in tables]
    if len(tables) == 1:
        return [split for split, _ in tables if split]
    if "" in splits:
        file = tables[splits.index("")][1]
        raise ConfigError(
            f"{file}: of which split? Write train={file} (or validation, test), or name a column "
            "of all the files: --split COLUMN"
        )
    return splits


def _split_of_name(stem: str) -> str:
    words = {SPLIT_NAMES.get(word, "") for word in re.split("[^a-z]+", stem.casefold())} - {""}
    return words.pop() if len(words) == 1 else ""


def _first(column: "pd.Series[str]", cell: str) -> object:
    return column.index[int((column == cell).to_numpy().argmax())]
