"""The file that a table of predictions ends in: .csv, or .parquet (needs pyarrow)."""

import importlib.util
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from modular_cls.errors import ConfigError, OutputExistsError
from modular_cls.files import replacing_file
from modular_cls.predict.table_parts import Parts


def check_table(out: Path, overwrite: bool) -> None:
    """Refuse, before anything slow, a name that no table can be written to.

    Raises:
        ConfigError: If it ends in neither .csv nor .parquet, or pyarrow is missing for the latter.
        OutputExistsError: If it is there and may not be replaced.
    """
    if out.suffix.lower() not in (".csv", ".parquet"):
        raise ConfigError(f"--out {out}: a table's name ends in .csv or .parquet")
    if out.suffix.lower() == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise ConfigError(
            f"--out {out}: this needs pyarrow: pip install 'modular-cls[parquet]'; or write a .csv"
        )
    if out.is_dir():
        raise OutputExistsError(f"{out} is a folder; give another --out")
    if out.exists() and not overwrite:
        raise OutputExistsError(
            f"{out} exists already; give another --out, or --overwrite to replace it"
        )
    out.parent.mkdir(parents=True, exist_ok=True)


def write_table(parts: Parts, texts: Collection[str]) -> None:
    """Put the table in its place, and remove its parts.

    Args:
        parts: All of its rows.
        texts: Columns that are text; the others are numbers (for .parquet).

    Raises:
        OutputExistsError: If rows have gone.
    """
    with replacing_file(parts.out) as table:
        if parts.out.suffix.lower() == ".csv":
            parts.write(table)
        else:
            whole = parts.folder / "whole.csv"
            parts.write(whole)
            _write_parquet(whole, table, parts.header, texts)
    parts.remove()


def _write_parquet(source: Path, target: Path, header: list[str], texts: Collection[str]) -> None:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    types = {name: pa.string() if name in texts else pa.float32() for name in header}
    parsing = arrow_csv.ParseOptions(newlines_in_values=True)
    reading = arrow_csv.ConvertOptions(
        column_types=types, strings_can_be_null=True, null_values=[""]
    )
    with (
        arrow_csv.open_csv(source, parse_options=parsing, convert_options=reading) as reader,
        parquet.ParquetWriter(target, reader.schema) as writer,
    ):
        for batch in reader:
            writer.write_batch(batch)


def write_part(path: Path, columns: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
    """Put a part of a table in its place, whole, as Parquet.

    Args:
        path: The file.
        columns: By name, each of shape (N,) or (N, F).
        kinds: Their types in the words of Spark; those that are not among them are text.
    """
    import pyarrow as pa
    from pyarrow import parquet

    types = {"string": pa.string(), "float": pa.float32(), "array<float>": pa.list_(pa.float32())}
    arrays = {
        name: pa.array(
            list(column) if column.ndim > 1 else column, types[kinds.get(name, "string")]
        )
        for name, column in columns.items()
    }
    with replacing_file(path) as partial:
        parquet.write_table(pa.table(arrays), partial)


def count_errors(path: Path) -> int:
    """How many rows of a part hold an error in place of a prediction."""
    from pyarrow import parquet

    errors = parquet.read_table(path, columns=["error"])["error"]
    return len(errors) - int(errors.null_count)
