"""Reading what data sets come with: finding files, tables of text, .mat files, lists of pictures.

Whatever does not fit ends in a ManifestError that names the file, the row, what was found and what is accepted.
"""

import csv
import os
import warnings
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.io

from modular_cls.errors import ManifestError, nearest, unknown

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
_COUNTED = 10_000  # a wrong column; its every row need not be told


def check_folder(root: Path) -> None:
    """Raise ManifestError where a folder does not exist."""
    if not root.is_dir():
        raise ManifestError(root, [f"no such folder (current folder: {Path.cwd()})"])


def find(root: Path, name: str, folders: Sequence[str] = ()) -> Path | None:
    """Find a file in a data set's folder or in one of the subfolders where it usually is.

    Raises:
        ManifestError: If the folder does not exist.
    """
    check_folder(root)
    places = (root / folder / name for folder in ("", *folders))
    return next((place for place in places if place.is_file()), None)


def need(root: Path, name: str, folders: Sequence[str], download: str) -> Path:
    """Find a file as `find` does.

    Args:
        root: Folder of the data set.
        name: Name of the file.
        folders: Subfolders to look in, too.
        download: What to download, and from where; told where the file is missing.

    Raises:
        ManifestError: If it is not there.
    """
    if found := find(root, name, folders):
        return found
    places = " or ".join(["here", *(f"in {folder}/" for folder in folders)])
    raise ManifestError(root, [f"no {name} {places}; {download}"])


def folder_of_pictures(root: Path, *folders: str) -> str:
    """The first of some folders that exists, or else the last."""
    return next((folder for folder in folders if (root / folder).is_dir()), folders[-1])


def pictures(root: Path) -> tuple[list[str], int]:
    """List all pictures under a folder, in order of their paths, and count the files that are none.

    Linked folders are followed, each once. Hidden files, and those that archives of macOS add, count nowhere.

    Returns:
        Paths relative to the folder, with `/`; and how many other files there are, a picture whose name is no
        valid text among them.

    Raises:
        ManifestError: If the folder does not exist.
    """
    check_folder(root)
    found: list[str] = []
    others, seen = 0, {os.path.realpath(root)}
    for place, folders, names in os.walk(root, followlinks=True):
        folders[:] = [f for f in sorted(folders) if not _hidden(f) and _is_new(os.path.realpath(f"{place}/{f}"), seen)]
        inside = "" if place == str(root) else os.path.relpath(place, root).replace(os.sep, "/") + "/"
        paths = [inside + name for name in names if not _hidden(name)]
        found += [path for path in paths if path.lower().endswith(PICTURES) and _is_text(path)]
        others += len(paths)
    return sorted(found), others - len(found)


def read_columns(file: Path, columns: Sequence[str], skip: int = 0) -> pd.DataFrame:
    """Read a table of text whose fields are separated by blanks: a name, then numbers.

    Args:
        file: The file.
        columns: Names of its columns; the first is read as text, the others as numbers, NaN where it says so.
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
                file, sep=r"\s+", header=None, names=list(columns), dtype=kinds, skiprows=skip, index_col=False,
                skip_blank_lines=False, encoding="utf-8-sig", quoting=csv.QUOTE_NONE,
            )  # fmt: skip
    except (ValueError, UnicodeError, pd.errors.ParserWarning) as error:  # pandas' own errors are ValueErrors
        raise ManifestError(file, _wrong_lines(file, columns, skip) or [f"cannot be read: {error}"]) from None
    if table[columns[-1]].isna().any() and (wrong := _wrong_lines(file, columns, skip)):
        raise ManifestError(file, wrong)
    table.index = pd.RangeIndex(skip + 1, skip + 1 + len(table))
    return table[table[columns[0]].notna()]


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


def read_mat(file: Path) -> dict[str, Any]:
    """Read a MATLAB file: structs as dicts, arrays and cells with their sides of length 1 left out.

    Raises:
        ManifestError: If the file is damaged or of version 7.3, which is another format.
    """
    try:
        found: dict[str, Any] = scipy.io.loadmat(file, simplify_cells=True)
    except OSError:
        raise
    except Exception as error:  # damaged bytes raise errors of many kinds in there
        raise ManifestError(
            file, [f"not a MATLAB file that can be read, or cut off; download it again: {error}"]
        ) from None
    return found


def texts(cells: Any) -> list[str]:
    """The texts of a cell array, as `read_mat` gives it; an empty cell is an empty text."""
    return [_text(cell) for cell in ([cells] if isinstance(cells, str) else np.ravel(np.asarray(cells, dtype=object)))]


def check_keys(file: Path, found: Any, needed: Sequence[str], where: str = "") -> None:
    """Raise ManifestError where a dict of `read_mat` lacks keys, naming the nearest."""
    if not isinstance(found, dict):
        raise ManifestError(file, [f"{where or 'the file'} is not a struct with {', '.join(needed)}"])
    known = [key for key in found if not key.startswith("__")]
    missing = [key for key in needed if key not in known]
    if missing:
        place = f"{where}: " if where else ""
        told = [f"{place}no {key!r}{nearest(key, known)}" for key in missing]
        raise ManifestError(file, [*told, f"{place}there is {', '.join(known) or 'nothing'}"])


def check_values(
    file: Path, values: np.ndarray, accepted: Sequence[int], names: Sequence[str], rows: Sequence[object], kind: str
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
    told = [f"{kind} {rows[i]}, {names[j]}: found {values[i, j]:g}, accepted: {', '.join(map(str, accepted))}"
            for i, j in wrong[:_COUNTED]]  # fmt: skip
    if told:
        raise ManifestError(file, told)


def chosen(also: Sequence[str], known: Sequence[str], used: Collection[str], file: Path) -> list[str]:
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
    problems = []
    for number, line in enumerate(read_lines(file), start=1):
        fields = line.split()
        if number > skip and fields and len(fields) != len(columns):
            problems.append(f"line {number}: found {len(fields)} fields, accepted: {len(columns)} ({columns[0]} ...)")
        elif number > skip and fields:
            wrong = [(c, f) for c, f in zip(columns[1:], fields[1:], strict=True) if not _is_number(f)]
            problems += [f"line {number}, {c}: found {f!r}, accepted: a number" for c, f in wrong]
    return problems


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _text(cell: Any) -> str:
    while isinstance(cell, np.ndarray) and cell.size == 1:
        cell = cell.item()
    return "" if isinstance(cell, np.ndarray) else str(cell).strip()


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _is_new(real: str, seen: set[str]) -> bool:
    new = real not in seen
    seen.add(real)
    return new


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8 come as lone surrogates
        return False
    return True
