"""The rows of a table that is not whole yet, on disk: they survive an interruption at any moment.

They lie beside the table, in the folder `.NAME.parts`:

    job.json        what they belong to
    pictures.csv    the pictures of the job, in the order of the table
    0.csv, 1.csv    what each process wrote: number of the picture, sign of its file, a checksum of
                    all the rest, the row

A file is only appended to, by one process; of two rows of one picture the later file's counts. A
row is kept while its picture's file has the sign (size and times) that it had when it was read.
"""

import contextlib
import csv
import heapq
import itertools
import json
import os
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO, cast

import numpy as np

from modular_cls.errors import OutputExistsError
from modular_cls.files import replacing_file
from modular_cls.predict.listed import Picture
from modular_cls.predict.named_pictures import sign_picture

_PICTURES, _JOB = "pictures.csv", "job.json"


class Parts:
    """The pictures and rows of one job: `begin` with its pictures, then a context to add rows.

    Args:
        out: The table in the end.
        job: What the rows belong to beside the pictures: mappings and text.
        overwrite: Begin anew where another job was interrupted.

    Attributes:
        pictures: Those of the job, in the order of the table.
        header: Names of the cells of a row.
        done: Which pictures have a row, shape (N,).
        bad: Whose row holds an error, shape (N,).
        kept: Number of rows that an earlier process left.
        changed: Number of rows that were there, but whose picture changed since.

    Raises:
        OutputExistsError: If another job was interrupted, and may not be overwritten.
    """

    def __init__(self, out: Path, job: Mapping[str, Any], overwrite: bool) -> None:
        self.out, self.folder = out, out.with_name(f".{out.name}.parts")
        self._job, self._overwrite = json.loads(json.dumps(job)), overwrite
        self.header: list[str] = []
        self.kept = self.changed = 0
        self.pictures = self._listed() if self._belongs() else []
        self.done, self.bad = np.zeros((2, len(self.pictures)), dtype=bool)

    def begin(self, pictures: Sequence[Picture], header: list[str]) -> None:
        """Begin the job, or go on with one that was interrupted.

        Args:
            pictures: The pictures that are there now. Those that have gone since the job began stay
                in it, new ones come after them.
            header: Names of the cells of a row: `path` first, and `error` among them.

        Raises:
            OutputExistsError: If the job has other pictures, and may not be overwritten.
        """
        before, asked = self.pictures, set(pictures)
        others = [p for p in before if p not in asked and (not p.file or os.path.exists(p.file))]
        if others:
            self._refuse(f"images, as {others[0].named}")
            before = []
        if not before:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.header, self._error = header, header.index("error")
        self.pictures = list(dict.fromkeys([*before, *pictures]))
        if self.pictures != before:
            self._list()
        with replacing_file(self.folder / _JOB) as fresh:
            fresh.write_text(json.dumps(self._job), encoding="utf-8")
        self.done, self.bad = np.zeros((2, len(self.pictures)), dtype=bool)
        self._look()

    def __enter__(self) -> "Parts":
        for number in itertools.count(len(self._files())):
            try:
                self._file = _open(self.folder / f"{number}.csv", "x")
                break
            except FileExistsError:  # another process is at this table too
                continue
        self._writer = csv.writer(self._file, lineterminator="\n")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, numbers: Sequence[int], signs: Sequence[str], rows: Sequence[list[str]]) -> None:
        """Append rows, so that a process killed after this does not lose them.

        Args:
            numbers: Of their pictures, rising.
            signs: Of their files, taken before they were read.
            rows: Their cells.
        """
        for number, sign, row in zip(numbers, signs, rows, strict=True):
            cells = [str(number), sign, *row]
            self._writer.writerow([*cells[:2], _checksum(cells), *row])
        self._file.flush()
        self.done[list(numbers)] = True
        self.bad[list(numbers)] = [bool(row[self._error]) for row in rows]

    def write(self, path: Path) -> None:
        """Write the whole table as CSV.

        Raises:
            OutputExistsError: If rows have gone, as when another process finished the same table.
        """
        with _open(path, "w") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(self.header)
            count = 0
            for number, row in self._merged():
                if number != count:
                    break
                writer.writerow(row[3:])
                count += 1
        if count != len(self.pictures):
            raise OutputExistsError(
                f"{self.folder} has lost rows; did another process write {self.out} at the same "
                "time? Run this again to make them anew"
            )

    def remove(self) -> None:
        """Remove them all; the table is in its place."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _belongs(self) -> bool:
        """Whether there are rows to go on with."""
        if not (self.folder / _JOB).is_file() or not (self.folder / _PICTURES).is_file():
            return False
        before = _read_job(self.folder / _JOB)
        if differs := [key for key, value in self._job.items() if before.get(key) != value]:
            self._refuse(", ".join(differs))
        return not differs

    def _refuse(self, differs: str) -> None:
        if not self._overwrite:
            raise OutputExistsError(
                f"{self.folder} is left by an interrupted job with other {differs}; run that "
                "one again to finish it, or give another --out, or --overwrite to begin anew"
            )

    def _listed(self) -> list[Picture]:
        with _open(self.folder / _PICTURES, "r") as file:
            rows = [row for row in csv.reader(file) if len(row) == len(Picture._fields)]
        return [Picture(*r) for r in rows]

    def _list(self) -> None:
        with replacing_file(self.folder / _PICTURES) as fresh, _open(fresh, "w") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows(self.pictures)

    def _look(self) -> None:
        """Find out which rows hold."""
        there = np.zeros(len(self.pictures), dtype=bool)
        for path in self._files():
            for number, row in self._rows(path):
                there[number] = True
                self.done[number] = row[1] == sign_picture(self.pictures[number])
                self.bad[number] = bool(row[3 + self._error])
        self.kept, self.changed = int(self.done.sum()), int((there & ~self.done).sum())

    def _files(self) -> list[Path]:
        numbered = [path for path in self.folder.glob("*.csv") if path.stem.isdecimal()]
        return sorted(numbered, key=lambda path: int(path.stem))

    def _rows(self, path: Path) -> Iterator[tuple[int, list[str]]]:
        """The rows of a file, without those that are not as they were written, or not whole."""
        last = -1
        with _open(path, "r") as file, contextlib.suppress(csv.Error):
            # The last line of a process that was killed may be cut short.
            for row in csv.reader(line for line in file if line.endswith("\n")):
                if len(row) != len(self.header) + 3 or row[2] != _checksum([*row[:2], *row[3:]]):
                    continue
                number = int(row[0])
                if last < number < len(self.pictures) and row[3] == self.pictures[number].path:
                    yield number, row
                    last = number

    def _merged(self) -> Iterator[tuple[int, list[str]]]:
        """The last row of each picture, in order."""
        newest_first = [self._rows(path) for path in reversed(self._files())]
        rows = heapq.merge(*newest_first, key=itemgetter(0))  # of equal ones the first file's first
        for _, same in itertools.groupby(rows, key=itemgetter(0)):
            yield next(same)


def _open(path: Path, mode: str) -> TextIO:
    # Names of files that are no UTF-8, or hold an end of line, come back out as they went in.
    return cast(TextIO, path.open(mode, encoding="utf-8", errors="surrogateescape", newline="\n"))


def _checksum(cells: Sequence[str]) -> str:
    return f"{zlib.crc32(chr(0).join(cells).encode(errors='surrogateescape')):08x}"


def _read_job(path: Path) -> dict[str, Any]:
    try:
        job = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return job if isinstance(job, dict) else {}
