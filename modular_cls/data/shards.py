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
        self._maps: dict[int, np.ndarray] = {}
        whole = [
            (file, listed)
            for keys in sorted(folder.glob("*.keys.npy"))
            for file, listed in _whole(keys)
        ]
        self._append([file for file, _ in whole], [listed for _, listed in whole])

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
        listed["key"], listed["checksum"] = keys, [_checksum(rows, i) for i in range(len(rows))]
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
        rows, i = self._mapped(place)
        if _checksum(rows, i) != self._listed["checksum"][place]:
            raise DamagedRowError(f"{self._files[self._shard(place)]}: its bytes changed on disk")
        row: np.ndarray = rows[i]
        return row

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_maps": {}}

    def _append(self, files: list[Path], listed: list[np.ndarray]) -> None:
        sizes = [len(self), *map(len, listed)]
        self._starts += np.cumsum(sizes)[:-1].tolist()
        self._files += files
        self._listed = np.concatenate([self._listed, *listed])

    def _shard(self, place: int) -> int:
        return int(np.searchsorted(self._starts, place, side="right")) - 1

    def _mapped(self, place: int) -> tuple[np.ndarray, int]:
        """The rows of the shard of a place, and which of them it is."""
        shard = self._shard(place)
        if shard not in self._maps:
            self._maps[shard] = np.load(self._files[shard], mmap_mode="r")
        return self._maps[shard], place - self._starts[shard]

    def _is_sound(self, place: int) -> bool:
        return _checksum(*self._mapped(place)) == self._listed["checksum"][place]


def _write(path: Path, array: np.ndarray) -> None:
    """Write an array; numpy itself would not notice where a disk is full in the end."""
    content = io.BytesIO()
    np.save(content, array)
    path.write_bytes(content.getbuffer())


def _checksum(rows: np.ndarray, i: int) -> int:
    """CRC-32 of a row's type, shape and bytes."""
    shape = zlib.crc32(f"{rows.dtype.str} {rows.shape[1:]}".encode())
    return zlib.crc32(np.ascontiguousarray(rows[i : i + 1]).data, shape)


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
