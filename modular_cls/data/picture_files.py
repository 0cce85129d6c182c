"""Which files of a folder are pictures, by one rule for all; and what tells files apart."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from modular_cls.data.images import FORMATS, Box, read_file
from modular_cls.data.shards import KEY

ENDINGS = (
    *(".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"),
    *((".avif",) if "AVIF" in FORMATS else ()),
)


class Found(NamedTuple):
    """What lies in a folder and below it.

    Attributes:
        paths: The pictures, relative to the folder, with `/`, in order.
        hidden: Hidden files and folders, and those that archives of macOS add: all left out.
        others: Files that are no pictures by their ending, or whose name is no valid text.
        closed: Folders that cannot be read.
    """

    paths: list[str]
    hidden: int
    others: int
    closed: int

    def __str__(self) -> str:
        """What was left out, in words; blank if nothing was."""
        counts = {
            "hidden": self.hidden,
            "not named like pictures": self.others,
            "folders that cannot be read": self.closed,
        }
        return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)


def find_picture_files(folder: str | Path, skip_bad_names: bool = False) -> Found:
    """Look through a folder; linked folders are followed, each once.

    Args:
        folder: The folder.
        skip_bad_names: Leave out pictures whose name is no valid UTF-8, which no table could hold.
    """
    paths: list[str] = []
    hidden = others = 0
    closed: list[OSError] = []
    for inside, name in _walk(os.fspath(folder), closed):
        if name is None or is_hidden(name):
            hidden += 1
        elif is_picture(name) and not (skip_bad_names and not _is_text(inside + name)):
            paths.append(inside + name)
        else:
            others += 1
    return Found(sorted(paths), hidden, others, len(closed))


def is_picture(name: str) -> bool:
    """Whether a file is a picture, by its ending."""
    return name.lower().endswith(ENDINGS)


def is_hidden(name: str) -> bool:
    """Whether a file or folder is nothing that its owner put there to be seen."""
    return name.startswith(".") or name == "__MACOSX"


def sign_file(seen: os.stat_result) -> str:
    """What changes whenever a file's bytes do, even where its time of change is set back."""
    return f"{seen.st_size} {seen.st_mtime_ns} {seen.st_ctime_ns}"


def key_picture(file: Path, named: str, box: Box | None) -> bytes:
    """What a picture is known by: the digest of its file's bytes and its box.

    Raises ImageError if the file cannot be read.
    """
    return digest_key(read_file(file, named) + str(box).encode())


def digest_key(content: bytes) -> bytes:
    """The digest of some bytes, as long as a `KEY`."""
    return hashlib.blake2b(content, digest_size=KEY.itemsize).digest()


def _walk(root: str, closed: list[OSError]) -> Iterator[tuple[str, str | None]]:
    """The folder, relative to the root, and name of every file; no name for a hidden folder."""
    seen = {os.path.realpath(root)}
    for place, folders, names in os.walk(root, onerror=closed.append, followlinks=True):
        inside = "" if place == root else os.path.relpath(place, root).replace(os.sep, "/") + "/"
        yield from ((inside, None) for folder in folders if is_hidden(folder))
        shown = [folder for folder in sorted(folders) if not is_hidden(folder)]
        folders[:] = [f for f in shown if _is_new(os.path.realpath(f"{place}/{f}"), seen)]
        yield from ((inside, name) for name in names)


def _is_new(real: str, seen: set[str]) -> bool:
    new = real not in seen
    seen.add(real)
    return new


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8 come as lone surrogates
        return False
    return True
