"""Array rows by key in a folder, written once and memory-mapped.

The store under the decoded pictures.

Rows lie in shards: `X.npy` and, written after it, `X.keys.npy`, which holds the key of each row and
a checksum. A shard is never changed. So readers need no lock; two processes that write at once may
write the same rows twice, alike; one that is interrupted leaves whole shards only; and a row whose
bytes changed on disk is known by its checksum, and written once more: the later one counts.
"""

import io
import time
import uuid
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from modular_cls.files import replacing_file

KEY = np.dtype("S16")  # compares all of its 128 bits: missing bytes count as zeros
_LISTED = np.dtype([("key", KEY), ("checksum", np.uint32)])


class DamagedRowError(Exception):
    """A row is not what was written: its bytes changed on disk. The message says where."""


class Shards:
    """Rows of one shape and type, each known by a key of 128 bits.

    Args:
        folder: Where the shards lie; made when something is added.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: list[Path] = []
        self._starts: list[int] = []
        self._listed = np.zeros(0, dtype=_LISTED)
        self._maps: dict[int, tuple[np.ndarray, int]] = {}
        files, lists = [], []
        for keys in sorted(folder.glob("*.keys.npy")):
            for file, listed in _whole(keys):
                files.append(file)
                lists.append(listed)
        self._append(files, lists)

    def __len__(self) -> int:
        return len(self._listed)

    @property
    def keys(self) -> np.ndarray:
        """The key of each row, shape (rows,)."""
        return self._listed["key"]

    def find(self, keys: np.ndarray) -> np.ndarray:
        """The place of each key, shape (N,), of several rows the last; -1 where there is none."""
        if not len(self):
            return np.full(len(keys), -1, dtype=np.int64)
        order = np.argsort(self.keys, kind="stable")
        last = np.searchsorted(self.keys[order], keys, side="right") - 1
        near = order[last.clip(min=0)]
        return np.where(self.keys[near] == keys, near, -1)

    def find_sound(self, keys: np.ndarray) -> np.ndarray:
        """As `find`, reading every row it finds: -1 where it is damaged, too."""
        places = self.find(keys)
        damaged = [p for p in np.unique(places[places >= 0]).tolist() if not self._is_sound(p)]
        places[np.isin(places, damaged)] = -1
        return places

    def add(self, keys: np.ndarray, rows: np.ndarray) -> None:
        """Write rows, shape (n, ...), and their keys, shape (n,), as a new shard."""
        if not len(keys):
            return
        listed = np.empty(len(keys), dtype=_LISTED)
        shape = _checksum_of_shape(rows)
        listed["key"] = keys
        listed["checksum"] = [_checksum(rows, i, shape) for i in range(len(rows))]
        # Names in the order of time: of two rows with one key the later is found.
        path = self.folder / f"{time.time_ns():020}-{uuid.uuid4().hex[:12]}.npy"
        for file, array in ((path, rows), (path.with_suffix(".keys.npy"), listed)):
            with replacing_file(file) as partial:
                _write(partial, array)
        self._append([path], [listed])

    def __getitem__(self, place: int) -> np.ndarray:
        """The row at a place, a view of the file.

        Its shard is mapped when first looked at, in each process.

        Raises:
            DamagedRowError: If its bytes changed on disk.
        """
        row, checksum = self._row(place)
        if checksum != self._listed["checksum"][place]:
            raise DamagedRowError(f"{self._files[self._shard(place)]}: its bytes changed on disk")
        return row

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_maps": {}}

    def _append(self, files: list[Path], listed: list[np.ndarray]) -> None:
        sizes = [len(self), *map(len, listed)]
        self._starts += np.cumsum(sizes)[:-1].tolist()
        self._files += files
        self._listed = np.concatenate([self._listed, *listed])

    def _shard(self, place: int) -> int:
        return bisect_right(self._starts, place) - 1

    def _row(self, place: int) -> tuple[np.ndarray, int]:
        """The row at a place, and the checksum of what it holds now."""
        shard = self._shard(place)
        if shard not in self._maps:
            # A plain array on top of the map: slices of a map itself cost ten times as much.
            rows = np.asarray(np.load(self._files[shard], mmap_mode="r"))
            self._maps[shard] = rows, _checksum_of_shape(rows)
        rows, shape = self._maps[shard]
        i = place - self._starts[shard]
        row: np.ndarray = rows[i]
        return row, _checksum(rows, i, shape)

    def _is_sound(self, place: int) -> bool:
        return self._row(place)[1] == int(self._listed["checksum"][place])


def _write(path: Path, array: np.ndarray) -> None:
    """Write an array; numpy itself would not notice where a disk is full in the end."""
    content = io.BytesIO()
    np.save(content, array)
    path.write_bytes(content.getbuffer())


def _checksum(rows: np.ndarray, i: int, shape: int) -> int:
    """CRC-32 of a row's type and shape (`_checksum_of_shape`), and bytes."""
    return zlib.crc32(np.ascontiguousarray(rows[i : i + 1]).data, shape)


def _checksum_of_shape(rows: np.ndarray) -> int:
    return zlib.crc32(f"{rows.dtype.str} {rows.shape[1:]}".encode())


def _whole(keys: Path) -> Iterator[tuple[Path, np.ndarray]]:
    """A shard's rows, and their keys and checksums.

    None if either file was damaged or taken away since: its rows are then made anew.
    """
    file = keys.with_name(keys.name.removesuffix(".keys.npy") + ".npy")
    try:
        listed, rows = np.load(keys), np.load(file, mmap_mode="r")
    except Exception:  # a damaged header has as many words as Python has errors
        return
    if listed.dtype == _LISTED and listed.shape == rows.shape[:1]:
        yield file, listed
