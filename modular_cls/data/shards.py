"""Array rows by key in a folder, written once and memory-mapped.

The store under the decoded pictures.

Rows lie in shards: `X.npy` and, written after it, `X.keys.npy`. A shard is never changed. So
readers need no lock; two processes that write at once may write the same rows twice, alike; and one
that is interrupted leaves whole shards only.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from modular_cls.files import replacing_file

KEY = np.dtype("S16")  # compares all of its 128 bits: missing bytes count as zeros


class Shards:
    """Rows of one shape and type, each known by a key of 128 bits.

    Args:
        folder: Where the shards lie; made when something is added.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: list[Path] = []
        self._starts: list[int] = []
        self._keys = np.zeros(0, dtype=KEY)
        self._maps: dict[int, np.ndarray] = {}
        whole = [
            (file, keys)
            for listed in sorted(folder.glob("*.keys.npy"))
            for file, keys in _whole(listed)
        ]
        self._append([file for file, _ in whole], [keys for _, keys in whole])

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, keys: np.ndarray) -> np.ndarray:
        """The place of each key, shape (N,); -1 where there is none."""
        if not len(self):
            return np.full(len(keys), -1, dtype=np.int64)
        order = np.argsort(self._keys, kind="stable")
        near = order[np.searchsorted(self._keys[order], keys).clip(max=len(self) - 1)]
        return np.where(self._keys[near] == keys, near, -1)

    def add(self, keys: np.ndarray, rows: np.ndarray) -> None:
        """Write rows, shape (n, ...), and their keys, shape (n,), as a new shard."""
        if not len(keys):
            return
        path = self.folder / f"{uuid.uuid4().hex}.npy"
        for file, array in ((path, rows), (path.with_suffix(".keys.npy"), keys)):
            with replacing_file(file) as partial, partial.open("wb") as opened:
                np.save(opened, array)
        self._append([path], [keys])

    def __getitem__(self, place: int) -> np.ndarray:
        """The row at a place, a view of the file.

        Its shard is mapped when first looked at, in each process.
        """
        shard = int(np.searchsorted(self._starts, place, side="right")) - 1
        if shard not in self._maps:
            self._maps[shard] = np.load(self._files[shard], mmap_mode="r")
        row: np.ndarray = self._maps[shard][place - self._starts[shard]]
        return row

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_maps": {}}

    def _append(self, files: list[Path], keys: list[np.ndarray]) -> None:
        sizes = [len(self), *map(len, keys)]
        self._starts += np.cumsum(sizes)[:-1].tolist()
        self._files += files
        self._keys = np.concatenate([self._keys, *keys])


def _whole(listed: Path) -> Iterator[tuple[Path, np.ndarray]]:
    """A shard's rows and keys; none if either was damaged or taken away since.

    Its rows are then made anew.
    """
    file = listed.with_name(listed.name.removesuffix(".keys.npy") + ".npy")
    try:
        keys, rows = np.load(listed), np.load(file, mmap_mode="r")
    except (OSError, EOFError, ValueError):
        return
    if keys.dtype == KEY and keys.shape == rows.shape[:1]:
        yield file, keys
