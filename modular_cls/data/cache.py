"""Pictures decoded once: uint8 pixels on disk that loaders, runs and processes share.

A picture is known by a digest of its file's bytes and its box, so that a changed file is decoded
anew and a moved one is not. Digests are remembered by path, size and time of change: known files
are not read again. What changed on disk since it was kept is made anew.
"""

import math
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from modular_cls.data.colours import Range
from modular_cls.data.fitting import Fit
from modular_cls.data.images import VERSION, read_image
from modular_cls.data.manifest import Manifest
from modular_cls.data.picture_files import digest_key, key_picture, sign_file
from modular_cls.data.shards import KEY, DamagedRowError, Shards
from modular_cls.errors import ImageError
from modular_cls.files import cache_folder
from modular_cls.jobs.cores import on_all_cores

FILES = "files-2"  # the folder of digests; 2: shards have checksums
_SHARD_BYTES = 2**26  # what an interrupted run has to decode once more, at most
Bad = dict[int, ImageError]  # what cannot be decoded, by position in the manifest


class NoRoomError(Exception):
    """Decoded pictures cannot be kept; the message says why."""


class DecodedImages(Sequence[np.ndarray]):
    """The pictures of a manifest, in order, each of shape (H, W, 3), uint8."""

    def __init__(
        self, shards: Shards, places: np.ndarray, anew: Callable[[int], np.ndarray]
    ) -> None:
        self._shards, self._places, self._anew = shards, places, anew
        self._told = False

    def __len__(self) -> int:
        return len(self._places)

    @property
    def content(self) -> np.ndarray:
        """Numbers that are equal where the pictures' files and boxes are, shape (N,), int64."""
        return self._places

    def __getitem__(self, position: Any) -> Any:
        try:
            # A copy: the file cannot be written to.
            return np.array(self._shards[self._places[position]])
        except DamagedRowError as error:
            if not self._told:
                print(
                    f"  {error}; damaged pictures are decoded anew, and kept again at a new start"
                )
                self._told = True
            return self._anew(position)


def check_room(needed: int) -> None:
    """Raise NoRoomError where so many bytes cannot be kept."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise NoRoomError(f"{folder}: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise NoRoomError(f"{folder} cannot be written to")
    if needed > free:
        raise NoRoomError(
            f"{folder} has {free / 2**30:.1f} GiB free; {needed / 2**30:.1f} are needed"
        )


def decode_once(
    manifest: Manifest,
    size: tuple[int, int],
    title: str = "",
    depth: Range | None = None,
    fit: Fit = "squash",
) -> tuple[DecodedImages, Bad]:
    """Decode the pictures that no earlier run has decoded to this size, and serve all of them.

    Args:
        manifest: The pictures.
        size: (height, width).
        title: What to call it in a progress bar; blank shows none.
        depth: The values that are black and white, as for `read_image`.
        fit: What becomes of pictures of another shape, likewise.

    Returns:
        The pictures, and an error for each that cannot be decoded and must not be asked for.

    Raises:
        NoRoomError: If the folder cannot be written to, or the disk has no room for what is
            missing.
    """
    keys, bad = picture_keys(manifest, title)
    scaled = f"-{depth[0]:g}-{depth[1]:g}" if depth else ""
    fitted = "" if fit == "squash" else f"-{fit}"
    folder = cache_folder() / f"{size[0]}x{size[1]}-{VERSION}{scaled}{fitted}"
    places = _sound(Shards(folder), keys)
    missing = [i for i in np.flatnonzero(places < 0).tolist() if i not in bad]
    once = list({keys[i]: i for i in missing}.values())  # copies of a picture are decoded once
    check_room(len(once) * math.prod(size) * 3)
    batch: list[int] = []
    pixels: list[np.ndarray] = []
    for i, image in _decoded(manifest, once, size, title, depth, fit):
        if isinstance(image, ImageError):
            bad[i] = image
            continue
        batch.append(i)
        pixels.append(image)
        if len(pixels) * image.nbytes >= _SHARD_BYTES:
            _keep(folder, keys[batch], pixels)
            batch, pixels = [], []
    _keep(folder, keys[batch], pixels)
    shards = Shards(folder)
    places = shards.find(keys)
    copies = {i: ImageError(f"{manifest.named(i)}: a copy of a picture that cannot be decoded")
              for i in missing if places[i] < 0 and i not in bad}  # fmt: skip
    anew = partial(_decode, manifest, size=size, depth=depth, fit=fit)
    return DecodedImages(shards, places, anew), dict(sorted((bad | copies).items()))


def _keep(folder: Path, keys: np.ndarray, pixels: list[np.ndarray]) -> None:
    """Write a shard of what no other process has written meanwhile."""
    shards = Shards(folder)
    new = np.flatnonzero(shards.find_sound(keys) < 0)
    if len(new):
        _add(shards, keys[new], np.stack([pixels[i] for i in new]))


def _add(shards: Shards, keys: np.ndarray, rows: np.ndarray) -> None:
    """Write a shard; a disk that is full by now is one without room."""
    try:
        shards.add(keys, rows)
    except OSError as error:
        raise NoRoomError(f"{shards.folder}: {error.strerror or error}") from None


def check_pictures(
    manifest: Manifest, size: tuple[int, int], title: str = "", depth: Range | None = None
) -> Bad:
    """Decode every picture and keep none; returns an error for each that cannot be decoded."""
    every = _decoded(manifest, range(len(manifest)), size, title, depth)
    return {i: image for i, image in every if isinstance(image, ImageError)}


def picture_keys(manifest: Manifest, title: str = "") -> tuple[np.ndarray, Bad]:
    """What each picture is known by: the digest of its file's bytes and its box.

    Args:
        manifest: The pictures.
        title: What to call it in a progress bar, which goes when it is full; blank shows none.

    Returns:
        The keys, shape (N,), `KEY`, and an error for each file that cannot be read, whose key is
        blank.

    Raises:
        NoRoomError: If the folder, where digests are remembered, cannot be written to.
    """
    check_room(0)
    files = Shards(cache_folder() / FILES)
    signs, bad = np.zeros(len(manifest), dtype=KEY), Bad()
    here = os.getcwd()
    for i in range(len(manifest)):
        try:
            path = manifest.place(i)
            told_apart = (
                f"{os.path.join(here, path)}\0{sign_file(os.stat(path))}\0{manifest.box(i)}"
            )
            signs[i] = digest_key(told_apart.encode(errors="surrogateescape"))
        except ImageError as error:
            bad[i] = error
        except OSError as error:
            bad[i] = ImageError(f"{manifest.named(i)}: {(error.strerror or str(error)).lower()}")
    places = _sound(files, signs)
    new = [i for i in np.flatnonzero(places < 0).tolist() if i not in bad]
    fresh: list[bytes] = []

    def digest(i: int) -> bytes:
        return key_picture(manifest.file(i), manifest.named(i), manifest.box(i))

    for i, key in on_all_cores(digest, new, title, passing=True):
        if isinstance(key, ImageError):
            bad[i] = key
        else:
            fresh.append(key)
    if fresh:
        known = signs[[i for i in new if i not in bad]]
        _add(files, known, np.array(fresh, dtype=KEY))
        places = files.find(signs)
    keys = np.zeros_like(signs)
    for i in np.flatnonzero(places >= 0).tolist():
        keys[i] = files[places[i]]
    return keys, bad


def _decoded(
    manifest: Manifest,
    positions: Sequence[int],
    size: tuple[int, int],
    title: str,
    depth: Range | None,
    fit: Fit = "squash",
) -> Iterator[tuple[int, np.ndarray | ImageError]]:
    decode = partial(_decode, manifest, size=size, depth=depth, fit=fit)
    return on_all_cores(decode, positions, title)


def _decode(
    manifest: Manifest, i: int, size: tuple[int, int], depth: Range | None, fit: Fit
) -> np.ndarray:
    return read_image(manifest.file(i), manifest.named(i), size, manifest.box(i), depth, fit)


def _sound(shards: Shards, keys: np.ndarray) -> np.ndarray:
    """The place of each key; says so where damaged rows have to be made anew."""
    places = shards.find_sound(keys)
    if damaged := np.count_nonzero((places < 0) & (shards.find(keys) >= 0)):
        print(f"  {shards.folder}: {damaged:,} damaged on disk, made anew")
    return places
