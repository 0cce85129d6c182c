"""Where a claim is measured.

What is measured once is kept in a folder, so that a claim goes on where it stopped.

A claim asks for *cells*: one function called with plain arguments, on any
`concurrent.futures.Executor`.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd

from modular_cls.errors import ModularClsError
from modular_cls.files import replacing_file
from modular_cls.jobs.meter import Meter

Size = Literal["quick", "full"]
Plain = str | int | float | bool | None
Cell = Mapping[str, Plain]
Measured = Mapping[str, Plain]
Arrays = dict[str, np.ndarray]
T = TypeVar("T")


@dataclass(frozen=True)
class Lab:
    """The place of one claim.

    Attributes:
        size: `quick` (one seed, smaller) or `full`.
        folder: Where results are kept.
        data: Folder of the data sets that are not drawn: `mnist/mnist.npz`, `fsdd/recordings/`.
        executor: Where cells are measured.
        threads: Of torch, for one cell; None leaves them as they are.
    """

    size: Size
    folder: Path
    data: Path
    executor: Executor
    threads: int | None = 1

    def table(
        self, measure: Callable[..., Measured | Sequence[Measured]], cells: Sequence[Cell]
    ) -> pd.DataFrame:
        """Measure each cell that is not kept yet.

        Args:
            measure: A function at the top level of a module, `measure(data, **cell)`, `data` being
                the folder of data sets. It returns what it measured, or several such (one per
                layer, say).
            cells: The arguments of each call; they and the function's name identify what is kept.

        Returns:
            One row for each that was measured: the cell's arguments, then what was measured.
        """
        records = self._kept(measure, cells, "json", _write_json, _read_json)
        rows = [
            {**cell, **measured}
            for cell, record in zip(cells, records, strict=True)
            for measured in (record if isinstance(record, list) else [record])
        ]
        return pd.DataFrame(rows)

    def arrays(self, measure: Callable[..., Arrays], cells: Sequence[Cell]) -> list[Arrays]:
        """The same for functions that return arrays by name: what figures need beside numbers."""
        return self._kept(measure, cells, "npz", _write_arrays, _read_arrays)

    def _kept(
        self,
        measure: Callable[..., Any],
        cells: Sequence[Cell],
        kind: str,
        write: Callable[[Path, Any], None],
        read: Callable[[Path], Any],
    ) -> list[Any]:
        paths = [
            self.folder / "cells" / f"{measure.__name__}_{_digest(cell)}.{kind}" for cell in cells
        ]
        missing = {
            path: cell for path, cell in zip(paths, cells, strict=True) if not _whole(path, read)
        }
        if missing:
            with Meter(measure.__name__, len(missing)) as meter:
                jobs = {
                    self.executor.submit(
                        _measure, measure, self.data, cell, path, write, self.threads
                    ): cell
                    for path, cell in missing.items()
                }
                try:
                    for job in as_completed(jobs):
                        job.result()
                        meter.count(", ".join(f"{k} {v}" for k, v in jobs[job].items()))
                except BrokenExecutor:
                    raise ModularClsError(
                        "a process died, perhaps for want of memory; run the same again with fewer "
                        f"--processes: what was measured is kept in {self.folder}"
                    ) from None
                finally:
                    for job in jobs:
                        job.cancel()
        return [read(path) for path in paths]


def _whole(path: Path, read: Callable[[Path], Any]) -> bool:
    """Whether a cell is there and can be read."""
    if not path.is_file():
        return False
    try:
        read(path)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error):
        print(f"{path} is corrupt; it is measured again")
        return False
    return True


def _measure(
    measure: Callable[..., Any],
    data: Path,
    cell: Cell,
    path: Path,
    write: Callable[[Path, Any], None],
    threads: int | None,
) -> None:
    """Runs where the executor says; the result is on disk before the job counts as done."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    with np.errstate(all="ignore"):
        write(path, measure(data, **cell))


def _digest(cell: Cell) -> str:
    return hashlib.sha256(json.dumps(dict(cell), sort_keys=True).encode()).hexdigest()[:16]


def _write_json(path: Path, record: Any) -> None:
    with replacing_file(path) as partial:
        partial.write_text(json.dumps(record), encoding="utf-8")


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _write_arrays(path: Path, arrays: Arrays) -> None:
    with replacing_file(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # names are free


def _read_arrays(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)
