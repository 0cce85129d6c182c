"""Levels of folders: which one is the split, and which ones are the class."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from telling import listed, log

from modular_cls.data.manifest import SPLIT_NAMES
from modular_cls.errors import ConfigError, ManifestError


class Placed(NamedTuple):
    """Where N pictures lie.

    Attributes:
        paths: The pictures that lie in a class's folder.
        splits: The split of each; empty where no level of folders is the split.
        classes: The class of each: its folder, or several levels with / between.
        levels: How many levels make the class.
    """

    paths: list[str]
    splits: list[str]
    classes: list[str]
    levels: int


def place(
    root: Path, paths: Sequence[str], attributes: int, levels: int | None, separator: str
) -> Placed:
    """Find out which levels of folders are the split and the class.

    Args:
        root: Where the pictures lie.
        paths: Relative to it, with /.
        attributes: How many attributes a class has.
        levels: How many levels make the class; default: one for each attribute where all pictures
            lie so deep, otherwise one.
        separator: What stands between the parts of a name.

    Raises:
        ManifestError: If there are no pictures in folders, folders of splits stand beside others,
            or folders with pictures lie below those that are read, and `levels` is not given.
        ConfigError: If `levels` is neither 1 nor the number of attributes, or it is not given and
            the attributes may be levels as well as parts of names.
    """
    if levels not in (None, 1, attributes):
        accepted = " or ".join(map(str, sorted({1, attributes})))
        raise ConfigError(f"--levels must be {accepted}, as there are attributes; got {levels}")
    folders = {path: path.split("/")[:-1] for path in paths}
    level = _split_level(root, list(folders.values()))
    splits = {}
    if level is not None:
        inside = [path for path in folders if len(folders[path]) > level]
        splits = {path: SPLIT_NAMES[folders[path].pop(level).casefold()] for path in inside}
    read = levels or _levels(list(folders.values()), attributes, separator)
    placed = [p for p in folders if len(folders[p]) >= read and (level is None or p in splits)]
    if len(placed) < len(paths):
        left = [path for path in paths if path not in set(placed)]
        message = "pictures in no folder of a class, left out: %s (%s)"
        log.warning(message, f"{len(left):,}", listed(left, 3))
    if not placed:
        accepted = "CLASS/PICTURE, or train/CLASS/PICTURE"
        raise ManifestError(root, [f"no pictures in folders of classes: {accepted}"])
    _tell_of_lower(root, [folders[path] for path in placed], read, levels is not None)
    if read > 1:
        log.info("each level of folders is read as one attribute")
    classes = ["/".join(folders[path][:read]) for path in placed]
    return Placed(placed, [splits[path] for path in placed] if splits else [], classes, read)


def _split_level(root: Path, folders: Sequence[Sequence[str]]) -> int | None:
    """The level whose folders are all called as splits, if there is one."""
    deepest = max(map(len, folders), default=0)
    for level in range(deepest):
        names = sorted({folder[level] for folder in folders if len(folder) > level})
        of_splits = [name for name in names if name.casefold() in SPLIT_NAMES]
        if of_splits and len(of_splits) == len(names):
            return level
        if of_splits and level == 0:
            others = listed([name for name in names if name not in of_splits])
            problem = f"folders of splits ({listed(of_splits)}) stand beside others ({others})"
            raise ManifestError(root, [f"{problem}; accepted: either"])
    return None


def _levels(folders: Sequence[Sequence[str]], attributes: int, separator: str) -> int:
    depths = {len(folder) for folder in folders if folder}
    if attributes == 1 or depths != {attributes}:
        return 1
    names = sorted({folder[0] for folder in folders if folder})
    if all(len(name.split(separator)) == attributes for name in names):
        problem = f"{listed(names, 3)} have {attributes} parts, and there are {attributes} levels"
        advice = f"--levels 1 reads the parts, --levels {attributes} the levels"
        raise ConfigError(f"{problem}: {advice}")
    return attributes


def _tell_of_lower(root: Path, folders: Sequence[Sequence[str]], read: int, wanted: bool) -> None:
    """Refuse, or tell if that is wanted, folders below those that are read."""
    lower = Counter(("/".join(f[:read]), "/".join(f[read:])) for f in folders if len(f) > read)
    if not lower:
        return
    if wanted:
        log.info("pictures in folders below the classes, taken with them: %s",
                 f"{lower.total():,}")  # fmt: skip
        return
    by_class: dict[str, list[str]] = {}
    for name, below in sorted(lower):
        by_class.setdefault(name, []).append(below)
    problems = [f"folders below {name}: {listed(below, 5)} are not read"
            for name, below in by_class.items()]  # fmt: skip
    advice = "--attributes NAME NAME reads a level each; --levels 1 takes them with the first"
    raise ManifestError(root, [*problems, advice])
