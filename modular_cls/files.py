"""Writing so that nothing is lost: what was there stays until what replaces it is complete."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modular_cls.errors import OutputExistsError

CACHE_VARIABLE = "MODULAR_CLS_CACHE"


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes the place of `path` if all goes well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        flush(partial)
        partial.replace(path)
        flush(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def new_folder(out: Path, overwrite: bool, *markers: str) -> Iterator[Path]:
    """Give an empty folder beside `out` to write to; it takes the place of `out` if all goes well.

    Args:
        out: The folder that shall exist in the end.
        overwrite: Replace a folder that exists; otherwise it is an error.
        *markers: Files of which every folder of this kind holds one; no other is ever replaced.

    Raises:
        OutputExistsError: If `out` exists and may not be replaced.
    """
    check_free(out, overwrite, *markers)
    out.parent.mkdir(parents=True, exist_ok=True)
    # A name never used before: process numbers repeat, and a killed process leaves its folder
    # behind.
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
    partial.chmod(0o777 & ~_umask())
    try:
        yield partial
        for file in partial.rglob("*"):
            flush(file)
        old = out.with_name(f".{out.name}.{os.getpid()}.old")
        if out.exists():
            out.rename(old)
        try:
            partial.rename(out)
        except BaseException:
            if old.exists():
                old.rename(out)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def flush(path: Path) -> None:
    """Have a file, or the names in a folder, written to the disk itself: power may fail."""
    if os.name == "nt" and path.is_dir():  # which cannot be opened there
        return
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def check_free(out: Path, overwrite: bool, *markers: str) -> None:
    """Raise OutputExistsError where `new_folder` would."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not any((out / marker).is_file() for marker in markers):
        raise OutputExistsError(
            f"{out} exists and is not one of ours (it holds no {markers[0]}); give another --out"
        )
    if not overwrite:
        raise OutputExistsError(
            f"{out} exists already; give another --out, or --overwrite to replace it"
        )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def cache_folder() -> Path:
    """Where what can be made again is kept: $MODULAR_CLS_CACHE, or a user's folder for caches."""
    given, caches = os.environ.get(CACHE_VARIABLE), os.environ.get("XDG_CACHE_HOME")
    return Path(given) if given else Path(caches or Path.home() / ".cache") / "modular_cls"
