"""A table that grows row by row on disk, and appears when it is whole.

It survives an interruption at any moment.

Rows are written to a file beside the table, `.NAME.partial`, and what they belong to, the job, to
`.NAME.job`.
"""

import csv
import importlib.util
import itertools
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO, cast

from modular_cls.errors import ConfigError, OutputExistsError
from modular_cls.files import replacing_file


class GrowingTable:
    """Rows appended to a partial table; use as a context, then `finish`.

    Args:
        out: The table in the end: .csv, or .parquet (needs pyarrow).
        header: Names of the columns: those of the keys, one for an error, others.
        job: What the rows belong to: mappings and text. Rows that another job left are not gone on
            with.
        keys: The first cells of every row to come, in order.
        overwrite: Begin anew where another job was interrupted.

    Attributes:
        kept: Number of rows that an interrupted job had left, without those that were not whole.
        bad: Those of them that hold an error.

    Raises:
        OutputExistsError: If another job was interrupted, and may not be overwritten.
    """

    def __init__(
        self,
        out: Path,
        header: list[str],
        job: Mapping[str, Any],
        keys: Sequence[tuple[str, ...]],
        overwrite: bool,
    ) -> None:
        self.out, self.header = out, header
        self._partial, self._job = (
            out.with_name(f".{out.name}.partial"),
            out.with_name(f".{out.name}.job"),
        )
        left = self._whole_rows() if self._belongs(job, overwrite) else iter(())
        self.kept = self.bad = 0
        with replacing_file(self._partial) as fresh, _open(fresh, "w") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            for row, key in zip(left, keys, strict=False):
                if (*row[: len(key)],) != key:
                    break  # nothing from here on can be trusted
                writer.writerow(row)
                self.kept, self.bad = self.kept + 1, self.bad + bool(row[len(key)])
        with replacing_file(self._job) as fresh:
            fresh.write_text(json.dumps(job), encoding="utf-8")

    def __enter__(self) -> "GrowingTable":
        self._file = _open(self._partial, "a")
        self._writer = csv.writer(self._file, lineterminator="\n")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, rows: Iterable[Sequence[str]]) -> None:
        """Append rows, so that a process killed after this does not lose them."""
        self._writer.writerows(rows)
        self._file.flush()

    def finish(self, texts: Collection[str]) -> None:
        """Put the table in its place.

        Args:
            texts: Columns that are text; the others are numbers (for .parquet).
        """
        if self.out.suffix.lower() == ".csv":
            os.replace(self._partial, self.out)
        else:
            with replacing_file(self.out) as table:
                _write_parquet(self._partial, table, self.header, texts)
            self._partial.unlink()
        self._job.unlink()

    def _belongs(self, job: Mapping[str, Any], overwrite: bool) -> bool:
        """Whether there are rows to go on with."""
        if not (self._job.is_file() and self._partial.is_file()):
            return False
        before, now = _read_job(self._job), json.loads(json.dumps(job))
        differs = ", ".join(key for key in now if before.get(key) != now[key])
        if differs and not overwrite:
            raise OutputExistsError(
                f"{self._partial} is left by an interrupted job with other {differs}; run that "
                "one again to finish it, "
                "or give another --out, or --overwrite to begin anew"
            )
        return not differs

    def _whole_rows(self) -> Iterator[list[str]]:
        """The rows after the header, up to the first that is not whole."""
        with _open(self._partial, "r") as file:
            # What stands after the last end of a line was not written to its end.
            rows = csv.reader(line for line in file if line.endswith("\n"))
            yield from itertools.takewhile(
                lambda row: len(row) == len(self.header), itertools.islice(rows, 1, None)
            )


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


def _open(path: Path, mode: str) -> TextIO:
    # Names of files that are no UTF-8 come back out as they went in.
    return cast(TextIO, path.open(mode, encoding="utf-8", errors="surrogateescape", newline=""))


def _read_job(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


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
