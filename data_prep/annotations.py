"""Annotations: tables of text, the values in them, and which labels to take over.

Whatever does not fit ends in a ManifestError that names the file, the row, what was found and what
is accepted.
"""

import csv
import warnings
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from modular_cls.data.table_cells import meaning
from modular_cls.data.text_table import read_table
from modular_cls.errors import ManifestError, unknown

_COUNTED = 10_000  # a wrong column; its every row need not be told


def read_columns(file: Path, columns: Sequence[str], skip: int = 0) -> pd.DataFrame:
    """Read a table of text whose fields are separated by blanks: a name, then numbers.

    Args:
        file: The file.
        columns: Names of its columns; the first is read as text, the others as numbers, NaN where
            it says so.
        skip: Lines before the table.

    Returns:
        The table, its index the number of each line.

    Raises:
        ManifestError: If a line has another number of fields or holds something that is no number.
    """
    kinds = {c: str if c == columns[0] else np.float64 for c in columns}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the header
            table = pd.read_csv(
                file,
                sep=r"\s+",
                header=None,
                names=list(columns),
                dtype=kinds,
                skiprows=skip,
                index_col=False,
                skip_blank_lines=False,
                encoding="utf-8-sig",
                quoting=csv.QUOTE_NONE,
            )
    except (
        ValueError,
        UnicodeError,
        pd.errors.ParserWarning,
    ) as error:  # pandas' own errors are ValueErrors
        raise ManifestError(
            file, _wrong_lines(file, columns, skip) or [f"cannot be read: {error}"]
        ) from None
    if table[columns[-1]].isna().any() and (wrong := _wrong_lines(file, columns, skip)):
        raise ManifestError(file, wrong)
    table.index = pd.RangeIndex(skip + 1, skip + 1 + len(table))
    return table[table[columns[0]].notna()]


def read_csv_columns(file: Path, known: Collection[str] = ()) -> pd.DataFrame:
    """Read a CSV whose first named column is the picture and whose others are numbers.

    Args:
        file: The file.
        known: Names that the picture's column may have, without case; it is called `image` then.
            Default: whatever stands first, unless it has no name, as that of row numbers.

    Returns:
        The table, its index the number of each row; the column of the picture is `image`.

    Raises:
        ManifestError: If it cannot be read, or holds something that is no number.
    """
    table = read_table(file).drop(columns="", errors="ignore")
    names = [c for c in table.columns if c.casefold() in known] or list(table.columns[:1])
    images = pd.DataFrame({"image": table[names[0]].str.strip()})
    problems: list[str] = []
    columns = {}
    for name in table.columns.drop(names[0]):
        said = {cell: meaning(cell) for cell in table[name].unique()}
        wrong = [cell for cell, text in said.items() if not _is_number(text)]
        for cell in wrong:
            row = table.index[(table[name] == cell).to_numpy().argmax()]
            problems.append(f"row {row}, {name}: found {cell!r}, accepted: a number")
        numbers = {cell: float(text) for cell, text in said.items() if cell not in wrong}
        columns[name] = table[name].map(numbers)
    if problems:
        raise ManifestError(file, problems)
    return pd.concat([images, pd.DataFrame(columns)], axis=1)


def read_lines(file: Path) -> Iterator[str]:
    """Read lines of text.

    Raises:
        ManifestError: If the file is not UTF-8.
    """
    try:
        with file.open(encoding="utf-8-sig") as lines:
            yield from lines
    except UnicodeError as error:
        raise ManifestError(file, [f"not text in UTF-8: {error}"]) from None


def check_values(
    file: Path,
    values: np.ndarray,
    accepted: Sequence[int],
    names: Sequence[str],
    rows: Sequence[object],
    kind: str,
) -> None:
    """Raise ManifestError where a table holds anything but some numbers.

    Args:
        file: Where it was read.
        values: The table, shape (N, columns).
        accepted: The numbers.
        names: Names of the columns.
        rows: Numbers of the rows, N of them.
        kind: What a row is called: row, line.
    """
    wrong = np.argwhere(~np.isin(values, accepted))
    numbers = ", ".join(map(str, accepted))
    problems = [
        f"{kind} {rows[i]}, {names[j]}: found {values[i, j]:g}, accepted: {numbers}"
        for i, j in wrong[:_COUNTED]
    ]
    if problems:
        raise ManifestError(file, problems)


def chosen(
    also: Sequence[str], known: Sequence[str], used: Collection[str], file: Path
) -> list[str]:
    """Decide which labels of a file to take over.

    Args:
        also: Names asked for; `all` means all but those in use.
        known: All labels of the file, in its order.
        used: Those that the main attributes are made of.
        file: Where they are; told where a name does not exist.

    Raises:
        ManifestError: Naming the nearest label.
    """
    wrong = [name for name in also if name not in known and name != "all"]
    if wrong:
        raise ManifestError(file, [unknown("label", name, ["all", *known]) for name in wrong])
    return [name for name in known if name in also or ("all" in also and name not in used)]


def _wrong_lines(file: Path, columns: Sequence[str], skip: int) -> list[str]:
    """Say of each line what is wrong with it; slow, for files that are known to be wrong."""
    problems: list[str] = []
    for number, line in enumerate(read_lines(file), start=1):
        fields = line.split()
        if number > skip and fields and len(fields) != len(columns):
            accepted = f"accepted: {len(columns)} ({columns[0]} ...)"
            problems.append(f"line {number}: found {len(fields)} fields, {accepted}")
        elif number > skip and fields:
            wrong = [
                (c, f) for c, f in zip(columns[1:], fields[1:], strict=True) if not _is_number(f)
            ]
            problems += [f"line {number}, {c}: found {f!r}, accepted: a number" for c, f in wrong]
        if len(problems) >= _COUNTED:
            break
    return problems


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
