"""Paths of pictures as tables write them -> paths under a folder."""

from collections.abc import Sequence
from pathlib import Path

from telling import log

from modular_cls.data.whereabouts import Folders, one_ending, with_slashes


def settle(root: Path, paths: Sequence[str], folder: str = "", suffix: str = "") -> list[str]:
    """Write paths so that they are files.

    Those that are none as they stand are tried with / for a backslash, and with the one ending that
    makes pictures of them; both are told.

    Args:
        root: Folder that the paths are relative to.
        paths: As the table has them.
        folder: A folder to put before each.
        suffix: An ending to put behind each.
    """
    before = with_slashes(folder).rstrip("/") + "/" if folder else ""
    files = [before + path.strip() + suffix for path in paths]
    folders = Folders(root)
    files = _slashed(folders, files)
    return files if suffix else _ended(folders, files)


def _slashed(folders: Folders, paths: list[str]) -> list[str]:
    """With / for a backslash where no file has that name."""
    fixed = [with_slashes(p) if "\\" in p and p not in folders else p for p in paths]
    if changed := sum(old != new for old, new in zip(paths, fixed, strict=True)):
        log.info("paths written with \\, read with /: %s", f"{changed:,}")
    return fixed


def _ended(folders: Folders, paths: list[str]) -> list[str]:
    missing = {path for path in paths if path not in folders}
    ending = one_ending(folders, missing)
    if ending is None:
        return paths
    ended = {path for path in missing if folders.endings(path)}
    log.info("paths without an ending, which files have with %s: %s", ending, f"{len(ended):,}")
    return [path + ending if path in ended else path for path in paths]
