"""Tables in Parquet, as text like those in CSV: for millions of rows. The only reader of Parquet.

Columns that nobody asks for are not read, and a column of few values takes a byte or two a row.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from modular_cls.errors import ManifestError

_FEW = 10_000  # values of a column that is kept as numbers of its values


def read_parquet(path: Path, columns: Collection[str] | None = None) -> pd.DataFrame:
    """Read a table as text, its rows numbered as in a CSV of the same (the first is row 2).

    Args:
        path: The file.
        columns: Those to read, where they are there; default all that hold text, numbers or truth.

    Returns:
        A column of text, or a categorical one of few texts, for each; nothing known is blank.

    Raises:
        ManifestError: If the file cannot be read, has no rows, or a column asked for is of another
            type, as a list.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        advice = (
            "a Parquet table needs pyarrow: pip install 'modular-cls[parquet]'; or save it as CSV"
        )
        raise ManifestError(path, [advice]) from None
    try:
        file = parquet.ParquetFile(path, memory_map=True)
        wanted = _wanted(path, file.schema_arrow, columns)
        table = file.read(columns=wanted)
    except (ArrowException, OSError) as error:
        raise ManifestError(path, [f"cannot be read as Parquet: {error}"]) from None
    if not table.num_rows:
        raise ManifestError(path, ["the table has no rows"])
    texts = {name: _as_text(table[name]) for name in wanted}
    frame = pd.DataFrame(texts, copy=False)
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    return frame


def _wanted(path: Path, schema: Any, columns: Collection[str] | None) -> list[str]:
    """The columns to read, in the order of the file."""
    if repeated := sorted({n for n in schema.names if schema.names.count(n) > 1}):
        raise ManifestError(path, [f"column {name!r} appears twice" for name in repeated])
    fields = [field for field in schema if columns is None or field.name in columns]
    wrong = [field for field in fields if not _is_plain(field.type)]
    if columns is not None and wrong:
        accepted = "text, numbers or true and false are accepted"
        raise ManifestError(path, [f"column {f.name!r} holds {f.type}; {accepted}" for f in wrong])
    return [field.name for field in fields if field not in wrong]


def _is_plain(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    texts = (types.is_string, types.is_large_string, types.is_string_view)
    others = (types.is_integer, types.is_floating, types.is_boolean, types.is_null)
    return any(is_of(kind) for is_of in (*texts, *others))


def _as_text(column: Any) -> "pd.Series[Any]":
    import pyarrow as pa

    coded = isinstance(column.type, pa.DictionaryType)
    few = coded or len(column.slice(0, 10 * _FEW).unique()) <= _FEW
    encoded = column.dictionary_encode().unify_dictionaries() if few else None
    if encoded is not None and len(words := encoded.chunk(0).dictionary.to_pylist()) <= _FEW:
        codes = [chunk.indices.fill_null(len(words)).to_numpy() for chunk in encoded.chunks]
        return _categories(np.concatenate(codes), [*map(_cell, words), ""])
    text = column.cast(pa.large_string()).fill_null("")
    return pd.Series(pd.array(text, dtype=pd.StringDtype("pyarrow", na_value=np.nan)))


def _categories(codes: np.ndarray, cells: list[str]) -> "pd.Series[Any]":
    """Cells, the place of each in a list that may hold one twice."""
    distinct = list(dict.fromkeys(cells))
    places = np.array([distinct.index(cell) for cell in cells], dtype=np.int16)
    kind = pd.CategoricalDtype(distinct)
    return pd.Series(pd.Categorical.from_codes(places[codes], dtype=kind))


def _cell(value: Any) -> str:
    return "" if value is None or value != value else str(value)
