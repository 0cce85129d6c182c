"""The file that a table of predictions ends in: .csv, or .parquet (needs pyarrow)."""

import importlib.util
from collections.abc import Collection
from pathlib import Path

from modular_cls.errors import ConfigError, OutputExistsError
from modular_cls.files import replacing_file
from modular_cls.predict.parts import Parts


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
