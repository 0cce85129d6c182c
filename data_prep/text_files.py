"""Tables of text in one file or in several, put together."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from columns import need_columns
from telling import listed

from modular_cls.data.text_table import read_table
from modular_cls.errors import ManifestError


def read_files(
    files: Sequence[Path], separator: str | None = None, encoding: str | None = None
) -> tuple[pd.DataFrame, list[int]]:
    """Read tables with the same columns, one below the other.

    Returns:
        The table; its index numbers the rows, and names their file where there are several. And the
        rows of each file.

    Raises:
        ManifestError: If a file cannot be read or has other columns than the first.
    """
    frames = [read_table(file, separator, encoding) for file in files]
    sizes = [len(frame) for frame in frames]
    if len(frames) == 1:
        return frames[0], sizes
    for file, frame in zip(files, frames, strict=True):
        need_columns(file, frame, list(frames[0].columns))
        need_columns(files[0], frames[0], list(frame.columns))
        frame.index = pd.Index([f"{row} of {file.name}" for row in frame.index])
    return pd.concat([frame[frames[0].columns] for frame in frames]), sizes


def look_up(
    paths: "pd.Series[str]",
    file: Path,
    column: str | None,
    separator: str | None = None,
    encoding: str | None = None,
) -> "pd.Series[str]":
    """Find a text for each picture in a second table.

    Args:
        paths: The pictures, as the first table names them; the name of this column is looked for in
            the second, which otherwise must have two columns.
        file: The second table.
        column: The column of it that is taken; default: the other one of two.
        separator: As for `read_table`.
        encoding: As for `read_table`.

    Raises:
        ManifestError: If columns are missing, or a picture is not there or there twice.
    """
    frame = read_table(file, separator, encoding)
    key, column = _key_and_column(file, frame, str(paths.name), column)
    names = frame[key].str.strip()
    if (twice := names[names.duplicated()]).size:
        problems = [
            f"row {row}, {key}: {name!r} stands in an earlier row" for row, name in twice.items()
        ]
        raise ManifestError(file, problems)
    cells = paths.str.strip().map(dict(zip(names, frame[column], strict=True)))
    if (lost := paths[cells.isna()]).size:
        what = f"no row for {len(lost):,} of {len(paths):,} pictures; the first is {lost.iloc[0]!r}"
        raise ManifestError(file, [f"{what}; its own first is {names.iloc[0]!r}"])
    return cells


def _key_and_column(
    file: Path, frame: pd.DataFrame, path: str, column: str | None
) -> tuple[str, str]:
    names = list(frame.columns)
    others = [name for name in names if name != column]
    alone = len(others) == 1 or (column is None and len(names) == 2)
    key = path if path in names else others[0] if alone else None
    rest = [name for name in names if name != key]
    column = column or (rest[0] if len(rest) == 1 else None)
    if key is None or column is None:
        advice = f"call the column of the pictures {path!r}, as in the table, and name that"
        raise ManifestError(
            file, [f"it has {listed(names)}: {advice} of the split: --split COLUMN"]
        )
    need_columns(file, frame, [column])
    return key, column
