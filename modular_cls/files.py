"""Writing so that nothing is lost: what was there stays until what replaces it is complete.

What is not complete lies beside it, `.NAME.MACHINE-PROCESS.partial`; what is being replaced,
`.NAME.MACHINE-PROCESS.old`. Those of processes that were killed are removed or put back by the next
one that writes there.
"""

import glob
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from modular_cls.errors import OutputExistsError

CACHE_VARIABLE = "MODULAR_CLS_CACHE"
_MACHINE = re.sub(r"\W", "_", socket.gethostname())
_LEFT = re.compile(r"\..+\.(?:(\w+)-)?(\d+)(?:\.\w+)?\.(?:partial|old)")
_tidied: set[Path] = set()
_ours: set[Path] = set()


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes the place of `path` if all goes well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _tidy_once(path.parent)
    partial = _beside(path, "partial")
    _ours.add(partial)
    try:
        yield partial
        flush(partial)
        partial.replace(path)
        flush(path.parent)
    finally:
        partial.unlink(missing_ok=True)
        _ours.discard(partial)


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
    name = _beside(out, "").name
    partial = Path(tempfile.mkdtemp(prefix=name, suffix=".partial", dir=out.parent))
    _ours.add(partial)
    partial.chmod(0o777 & ~_umask())
    try:
        yield partial
        for file in partial.rglob("*"):
            flush(file)
        old = _beside(out, "old")
        _ours.add(old)
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
        _ours.difference_update((partial, _beside(out, "old")))


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
    """Raise OutputExistsError where `new_folder` would; what was killed there is tidied first."""
    tidy(out)
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


def check_free_json(out: Path, overwrite: bool, keys: Collection[str], flag: str = "--out") -> None:
    """Raise OutputExistsError where a JSON file to write would replace what is none of ours.

    Args:
        out: The file.
        overwrite: Replace whatever is there.
        keys: Of a mapping as we write it, or of each mapping in it.
        flag: By which `out` was given.
    """
    if not out.exists():
        return
    if not out.is_file():  # nor is a pipe, which would be waited for
        raise OutputExistsError(f"{flag} {out} is no file; give one")
    if not overwrite and not _is_json_of(out, set(keys)):
        advice = f"give another {flag}, or --overwrite to replace it"
        raise OutputExistsError(f"{out} exists and is not what this writes; {advice}")


def _is_json_of(file: Path, keys: set[str]) -> bool:
    """Whether a file holds a JSON mapping with these keys, or one of such mappings."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:  # broken UTF-8 too
        return False
    if not isinstance(content, dict) or keys <= set(content):
        return isinstance(content, dict)
    inner = list(content.values())
    return bool(inner) and all(isinstance(each, dict) and keys <= set(each) for each in inner)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def cache_folder() -> Path:
    """Where what can be made again is kept: $MODULAR_CLS_CACHE, or a user's folder for caches."""
    named, caches = os.environ.get(CACHE_VARIABLE), os.environ.get("XDG_CACHE_HOME")
    return Path(named) if named else Path(caches or Path.home() / ".cache") / "modular_cls"


def tidy(out: Path) -> None:
    """Put back a folder as `put_back` does, and remove what processes that were killed left."""
    put_back(out)
    for path in _left(out):
        if _is_dead(path):
            _remove(path)


def put_back(out: Path) -> None:
    """Put back a folder whose process was killed while it replaced it, and say so.

    For all who read such a folder: one that is there is not looked at any further.
    """
    for old in [p for p in _left(out) if p.suffix == ".old"] if not out.exists() else []:
        if not out.exists() and (_is_dead(old) or _stays_away(out)):
            # The new one was complete when the old one made room.
            new = [
                p for p in _left(out) if p.name.startswith(old.name[:-3]) and p.suffix == ".partial"
            ]
            (new[0] if new else old).rename(out)
            print(f"  {out}: put back; a process was killed while it replaced it", file=sys.stderr)


def _left(out: Path) -> list[Path]:
    """What processes left, or are just writing, beside a folder."""
    beside = out.parent.glob(f".{glob.escape(out.name)}.*")
    return [path for path in beside if _LEFT.fullmatch(path.name)]


def _tidy_once(folder: Path) -> None:
    """Remove what processes that were killed left in a folder, when first written to."""
    if folder in _tidied:
        return
    _tidied.add(folder)
    for path in folder.glob(".*.partial"):
        if _LEFT.fullmatch(path.name) and path.is_file() and _is_dead(path):
            _remove(path)


def _beside(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{_MACHINE}-{os.getpid()}.{kind}")


def _is_dead(path: Path) -> bool:
    """Whether the process that a file or folder belongs to was of this machine, and is no more."""
    machine, process = _LEFT.fullmatch(path.name).groups()  # type: ignore[union-attr]
    if machine != _MACHINE and (machine or path.suffix == ".partial"):  # once had no machine
        return False
    if int(process) == os.getpid():  # numbers repeat, above all in containers
        return path not in _ours
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return False


def _stays_away(path: Path) -> bool:
    """Whether a path is still not there after a second; a living process would be done by then."""
    time.sleep(1)
    return not path.exists()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
