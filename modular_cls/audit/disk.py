"""Which files of a manifest are there: one look into each folder, no file opened."""

import os
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from modular_cls.audit.findings import SHOWN, Finding, cited
from modular_cls.data.manifest import Manifest
from modular_cls.data.whereabouts import likely_reason


def find_files(manifest: Manifest) -> tuple[np.ndarray, list[Finding]]:
    """Look for every file.

    Returns:
        The positions of rows whose file is there and may be opened, shape (n,), int64; and what is
        wrong with the others.
    """
    disk = _Disk(manifest.root)
    states = np.array(
        [disk.state(path) if path else "blank" for path in manifest.paths], dtype=object
    )
    outside = np.flatnonzero(states == "outside")
    there = np.flatnonzero((states == "there") | ((states == "outside") & (not manifest.contained)))
    missing = np.flatnonzero(states == "missing")
    actual = {
        i: name
        for i in missing.tolist()
        if (name := disk.other_case(manifest.paths[i])) is not None
    }
    findings = [
        *_missing(manifest, [i for i in missing.tolist() if i not in actual]),
        *_misnamed(manifest, actual),
    ]
    if len(outside) and manifest.contained:
        what = "files outside the root, or to which a symbolic link leads out of it"
        advice = "move them under the root, set data.root, or allow it with data.allow_outside"
        rows = manifest.rows[outside].tolist()
        findings.append(
            Finding("error", "outside", len(outside), what, advice, cited(manifest, outside), rows)
        )
    return there, findings


def _missing(manifest: Manifest, positions: list[int]) -> Iterator[Finding]:
    if positions:
        what = f"files that are not there (root: {manifest.root})"
        if len(positions) == len(manifest):
            what = f"{what}: none is; {likely_reason(manifest.root, manifest.paths.tolist())}"
        advice = "restore them, drop their rows, or set data.root"
        named = cited(manifest, positions)
        yield Finding(
            "error",
            "missing",
            len(positions),
            what,
            advice,
            named,
            manifest.rows[positions].tolist(),
        )


def _misnamed(manifest: Manifest, actual: dict[int, Path]) -> Iterator[Finding]:
    if actual:
        what = "files that are on disk under a name of other case or other Unicode form"
        advice = "write names as they are on disk; systems differ in whether they would find them"
        named = [
            f"{cited(manifest, [i])[0]}: on disk {name}" for i, name in list(actual.items())[:SHOWN]
        ]
        rows = manifest.rows[list(actual)].tolist()
        yield Finding("error", "misnamed", len(actual), what, advice, named, rows)


class _Disk:
    """What lies under a root, each folder listed once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.real = os.path.realpath(root)
        self.names = cache(self._names)
        self.by_case = cache(lambda folder: {_folded(name): name for name in self.names(folder)})
        self.inside = cache(lambda folder: self._within(os.path.realpath(folder)))

    def state(self, path: str) -> str:
        """`there`, `missing` or `outside` of the root, symbolic links followed."""
        folder, name = os.path.split(os.path.join(self.root, path))
        kind = self.names(folder).get(name, "missing")
        if kind == "link":
            target = os.path.realpath(os.path.join(folder, name))
            return (
                "missing"
                if not os.path.isfile(target)
                else "there"
                if self._within(target)
                else "outside"
            )
        return kind if kind == "missing" or self.inside(folder) else "outside"

    def other_case(self, path: str) -> Path | None:
        """The path as it is on disk, if only case or Unicode form differ."""
        here = str(self.root)
        for part in Path(path).parts:
            name = (
                part
                if part in self.names(here) or part == ".."
                else self.by_case(here).get(_folded(part))
            )
            if name is None:
                return None
            here = os.path.join(here, name)
        return Path(here).relative_to(self.root) if os.path.isfile(here) else None

    def _names(self, folder: str) -> dict[str, str]:
        """What a folder holds, by name.

        `there` is a file, `link` a symbolic link, anything else `missing`: no picture.
        """
        try:
            with os.scandir(folder) as entries:
                return {
                    e.name: "link" if e.is_symlink() else "there" if e.is_file() else "missing"
                    for e in entries
                }
        except OSError:
            return {}

    def _within(self, path: str) -> bool:
        return path == self.real or path.startswith(os.path.join(self.real, ""))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
