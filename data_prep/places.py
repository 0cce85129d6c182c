"""Where things are in a data set's folder: annotation files and pictures."""

import os
from collections.abc import Sequence
from pathlib import Path

from modular_cls.data.whereabouts import PICTURES
from modular_cls.errors import ManifestError


def check_folder(root: Path) -> None:
    """Raise ManifestError where a folder does not exist."""
    if not root.is_dir():
        raise ManifestError(root, [f"no such folder (current folder: {Path.cwd()})"])


def find(root: Path, name: str, folders: Sequence[str] = ()) -> Path | None:
    """Find a file in a data set's folder or in one of the subfolders where it usually is.

    Raises:
        ManifestError: If the folder does not exist.
    """
    check_folder(root)
    places = (root / folder / name for folder in ("", *folders))
    return next((place for place in places if place.is_file()), None)


def need(root: Path, name: str, folders: Sequence[str], download: str) -> Path:
    """Find a file as `find` does.

    Args:
        root: Folder of the data set.
        name: Name of the file.
        folders: Subfolders to look in, too.
        download: What to download, and from where; told where the file is missing.

    Raises:
        ManifestError: If it is not there.
    """
    if found := find(root, name, folders):
        return found
    places = " or ".join(["here", *(f"in {folder}/" for folder in folders)])
    raise ManifestError(root, [f"no {name} {places}; {download}"])


def folder_of_pictures(root: Path, *folders: str) -> str:
    """The first of some folders that exists, or else the last."""
    return next((folder for folder in folders if (root / folder).is_dir()), folders[-1])


def pictures(root: Path) -> tuple[list[str], int]:
    """List all pictures under a folder, in order of their paths, and count the files that are none.

    Linked folders are followed, each once. Hidden files, and those that archives of macOS add,
    count nowhere.

    Returns:
        Paths relative to the folder, with `/`; and how many other files there are, a picture whose
        name is no valid text among them.

    Raises:
        ManifestError: If the folder does not exist.
    """
    check_folder(root)
    found: list[str] = []
    others, seen = 0, {os.path.realpath(root)}
    for place, folders, names in os.walk(root, followlinks=True):
        folders[:] = [
            f
            for f in sorted(folders)
            if not _hidden(f) and _is_new(os.path.realpath(f"{place}/{f}"), seen)
        ]
        inside = (
            "" if place == str(root) else os.path.relpath(place, root).replace(os.sep, "/") + "/"
        )
        paths = [inside + name for name in names if not _hidden(name)]
        found += [path for path in paths if path.lower().endswith(PICTURES) and _is_text(path)]
        others += len(paths)
    return sorted(found), others - len(found)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


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
