"""Where things are in a data set's folder: annotation files and pictures."""

from collections.abc import Sequence
from pathlib import Path

from modular_cls.data.picture_files import find_picture_files
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
    if place := find(root, name, folders):
        return place
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
    files = find_picture_files(root, skip_bad_names=True)
    return files.paths, files.others
