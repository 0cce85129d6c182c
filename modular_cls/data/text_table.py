"""Tables of text as people have them: the separator and the encoding are found out, and told.

Nothing is taken for granted silently: rows that are cut short or too long and names that stand in
the header twice are errors, and whatever is not UTF-8 with commas is told. The only file that reads
a CSV.
"""

import codecs
import csv
import io
import itertools
import logging
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

import pandas as pd

from modular_cls.data.parquet_table import read_parquet
from modular_cls.errors import ManifestError
from modular_cls.files import put_back

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SNIFFED = 50  # rows by which the separator is found
_BLANK = "the first row, which names the columns, is blank"
_COUNTED = 10_000  # a wrong file; its every row need not be told

log = logging.getLogger(__name__)


def read_table(
    path: Path,
    separator: str | None = None,
    encoding: str | None = None,
    columns: Collection[str] | None = None,
) -> pd.DataFrame:
    """Read a table as text, its rows numbered as a spreadsheet does (the header is row 1).

    Args:
        path: The file; its first row holds the names of the columns. Or a Parquet file, by its
            ending: see `read_parquet`.
        separator: What stands between two fields; default: found out, of `SEPARATORS`.
        encoding: Python's name of the encoding; default: found out, of UTF-8, UTF-16 and cp1252.
        columns: Of a Parquet file, those to read.

    Raises:
        ManifestError: If the file is missing, empty, not text, or not a table: a row has more or
            fewer fields than the header, or a column's name stands there twice.
    """
    put_back(path.parent)
    if not path.is_file():
        raise ManifestError(path, [f"no such file (current folder: {Path.cwd()})"])
    if path.suffix.lower() == ".parquet":
        return read_parquet(path, columns)
    text, encoding = _decode(path, encoding)
    separator = separator or _separator(text)
    if encoding not in ("utf-8", "utf-8-sig") or separator != ",":
        between = SEPARATORS.get(separator, repr(separator))
        log.warning("%s is read as %s, its fields separated by %s", path, encoding, between)
    table = _parse(path, text, separator)
    if table.empty:
        raise ManifestError(path, ["the table has no rows"])
    return table


def _decode(path: Path, encoding: str | None) -> tuple[str, str]:
    """The text of a file, and its encoding."""
    data = path.read_bytes()
    if encoding is None:
        tried = [name for bom, name in _BOMS.items() if data.startswith(bom)]
        # In this order: cp1252 takes nearly any bytes for text.
        tried = tried or [*_without_bom(data), "utf-8", "cp1252"]
    else:
        tried = [encoding]
    for name in tried:
        try:
            return data.decode(name).removeprefix("\ufeff"), name
        except (UnicodeError, LookupError):
            continue
    advice = "give its encoding" if encoding is None else "give another encoding"
    raise ManifestError(path, [f"not text in {' or '.join(tried)}; {advice}, or save it as UTF-8"])


def _without_bom(data: bytes) -> list[str]:
    """UTF-16 where every other byte is nearly always 0, as that of letters is."""
    head = data[:1000]
    zeros = {"utf-16-be": head[0::2].count(0), "utf-16-le": head[1::2].count(0)}
    return [name for name, count in zeros.items() if len(head) % 2 == 0 and count > len(head) / 4]


def _separator(text: str) -> str:
    """The separator by which the first rows have as many fields as the header, and the most."""
    best, most = ",", 1
    for separator in SEPARATORS:
        head = [row for row in itertools.islice(_rows(text, separator), _SNIFFED) if row]
        fields = len(head[0]) if head else 0
        agree = sum(len(row) == fields for row in head)
        if fields > most and agree > 0.8 * len(head):
            best, most = separator, fields
    return best


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    except csv.Error:
        return


def _parse(path: Path, text: str, separator: str) -> pd.DataFrame:
    try:
        cells = pd.read_csv(
            io.BytesIO(text.encode()), sep=separator, header=None, dtype=str,  # a StringIO is wide
            keep_default_na=False, skip_blank_lines=False, index_col=False,
        )  # fmt: skip
    except ValueError as error:  # pandas' own errors are ValueErrors
        problems = _wrong_rows(text, separator) or [f"not a table: {error}"]
        raise ManifestError(path, problems) from None
    cells = cells.fillna("")
    names = [str(name).strip() for name in cells.iloc[0]]
    if not any(names):
        raise ManifestError(path, [_BLANK])
    repeated = sorted(name for name, count in Counter(names).items() if name and count > 1)
    if repeated:
        raise ManifestError(path, [f"column {name!r} appears twice" for name in repeated])
    table = cells.iloc[1:].set_axis(pd.Index(names), axis=1)
    table.index = pd.RangeIndex(2, len(table) + 2)
    table = table[(table != "").any(axis=1)]
    # pandas fills up what is cut short; then the last field is empty.
    if (table.iloc[:, -1] == "").any() and (short := _wrong_rows(text, separator)):
        raise ManifestError(path, short)
    return table


def _wrong_rows(text: str, separator: str) -> list[str]:
    """Say of each row with another number of fields than the header; slow, for wrong files."""
    rows = _rows(text, separator)
    wanted = len(next(rows, []))
    if text.strip() and not wanted:
        return [_BLANK]
    problems = []
    for number, row in enumerate(rows, start=2):
        if row and any(row) and len(row) != wanted:
            problems.append(f"row {number}: {len(row)} fields, but the header has {wanted}")
        if len(problems) >= _COUNTED:
            break
    return problems
