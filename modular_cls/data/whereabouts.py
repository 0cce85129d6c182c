"""Which of many paths are files, and where those may be that are none."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from modular_cls.data.picture_files import ENDINGS as PICTURES
from modular_cls.errors import ManifestError

_ASKED = 1000  # paths that are looked for elsewhere
_FOLDERS = 1000  # folders looked into for a picture that is somewhere else


class Folders:
    """What lies under a root; each folder is listed once, faster than to ask for each file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._names: dict[str, set[str]] = {}
        self._endings: dict[str, dict[str, list[str]]] = {}

    def __contains__(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        return name in self.names(folder if folder or path[:1] != "/" else "/")

    def names(self, folder: str) -> set[str]:
        """The names in a folder, none where it does not exist."""
        if folder not in self._names:
            place = self.root / folder
            self._names[folder] = set(os.listdir(place)) if place.is_dir() else set()
        return self._names[folder]

    def endings(self, path: str) -> list[str]:
        """Endings with which a path is a picture."""
        folder, _, name = path.rpartition("/")
        if folder not in self._endings:
            by_stem = self._endings.setdefault(folder, {})
            for file in self.names(folder):
                stem, ending = os.path.splitext(file)
                if ending.lower() in PICTURES:
                    by_stem.setdefault(stem, []).append(ending)
        return self._endings[folder].get(name, [])

    def has_pictures(self, folder: str) -> bool:
        """Whether a folder holds any picture."""
        return any(name.lower().endswith(PICTURES) for name in self.names(folder))

    def elsewhere(self, names: Sequence[str]) -> str | None:
        """The folder under the root that holds most of some names, the first of them among it."""
        best, most = None, 0
        for number, (folder, inside, files) in enumerate(os.walk(self.root)):
            inside[:] = sorted(name for name in inside if not name.startswith("."))
            count = len(set(names) & set(files)) if names[0] in files else 0
            if count > most:
                best, most = os.path.relpath(folder, self.root), count
            if number >= _FOLDERS:
                break
        return best


def is_inside(path: str, root: str) -> bool:
    """Whether a file lies under a root, symbolic links followed."""
    # Folders are resolved once; most pictures are no links and cost a look at them.
    here = os.getcwd()
    real = _real(here, path if os.path.islink(path) else os.path.dirname(path))
    top = _real(here, root)
    return real == top or real.startswith(os.path.join(top, ""))


@lru_cache(maxsize=4096)
def _real(here: str, path: str) -> str:
    return os.path.realpath(os.path.join(here, path))


def with_slashes(path: str) -> str:
    """A path as it is written outside of Windows."""
    return path.replace("\\", "/")


def one_ending(folders: Folders, paths: Iterable[str]) -> str | None:
    """The one ending with which paths are pictures; None if there is none, or several."""
    endings = Counter(ending for path in paths for ending in folders.endings(path))
    return next(iter(endings)) if len(endings) == 1 else None


def likely_reason(root: Path, paths: Sequence[str]) -> str:
    """Why none of some paths is a file, in words, by the first of them."""
    folders, path = Folders(root), str(paths[0])
    place, name = os.path.split(with_slashes(path))
    if not root.is_dir():
        return f"there is no folder {root}"
    if "\\" in path and with_slashes(path) in folders:
        return f"{path!r} is written with \\; {with_slashes(path)!r} is there"
    if endings := folders.endings(with_slashes(path)):
        return f"{path!r} has no ending; {name + endings[0]!r} is there"
    folded = {entry.casefold(): entry for entry in folders.names(place)}
    if other := folded.get(name.casefold()):
        return f"{name!r} differs in case; {other!r} is there"
    if endings := folders.endings(os.path.splitext(with_slashes(path))[0]):
        return f"{name!r} has another ending; {os.path.splitext(name)[0] + endings[0]!r} is there"
    names = [with_slashes(str(p)).rpartition("/")[2] for p in paths[:_ASKED]]
    if other := folders.elsewhere(names):
        return f"{path!r} is not there, but {os.path.normpath(os.path.join(other, name))!r} is"
    if os.path.isabs(place) or path[1:3] == ":\\":
        return f"{path!r} is a path of another computer"
    if place and not (root / place).is_dir():
        return f"there is no folder {root / place}"
    return f"no {name!r} is anywhere under {root}"


def check_there(table: str, root: Path, paths: Sequence[str]) -> None:
    """Raise ManifestError where no picture exists, with the likely reason; looks until one does."""
    folders = Folders(root)
    if not any(path in folders for path in paths):
        reason = likely_reason(root, paths)
        problem = f"none of its {len(paths):,} pictures exists under {root}: {reason}"
        raise ManifestError(table, [problem])
