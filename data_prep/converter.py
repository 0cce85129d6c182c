"""What all converters share: one shape of command line, how a manifest is put together, notes and warnings.

A converter is `convert(root, ...) -> Manifest` and a `main` that hands it to `run`.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from modular_cls.data.manifest import SPLITS, UNKNOWN, Manifest
from modular_cls.errors import ManifestError, ModularClsError, OutputExistsError
from modular_cls.schema import MAX_JOINT_CLASSES, Attribute, Composite, Schema

log = logging.getLogger("data_prep")
log.setLevel(logging.INFO)
NO_YES = ("no", "yes")
_SHOWN_CLASSES = 20
_HEAD = b"path,split"  # how a manifest begins


class Labels(NamedTuple):
    """One attribute of all rows: its values, and the index of each row's value, -1 where unknown; shape (N,)."""

    values: tuple[str, ...]
    codes: np.ndarray


def make_manifest(
    root: Path,
    paths: Sequence[str],
    splits: np.ndarray,
    labels: Mapping[str, Labels],
    extra: Mapping[str, Sequence[str]] | None = None,
    joint: int = 2,
) -> Manifest:
    """Put a manifest together; warns of pictures that are not there, and notes splits without rows.

    Args:
        root: Folder that the paths are relative to.
        paths: Paths of the N pictures.
        splits: Index into `SPLITS`, shape (N,).
        labels: The attributes, by name.
        extra: Other columns that a manifest knows, by name.
        joint: So many of the attributes, from the first, make the joint classes that are counted in the end.

    Raises:
        ManifestError: If there are no rows, a path is there twice, or an attribute has fewer than 2 values.
    """
    files = np.array(paths, dtype=object)
    columns = {name: np.array(column, dtype=object) for name, column in (extra or {}).items()}
    _check(root, pd.DataFrame({"path": files, "box": columns.get("box", "")}), labels)
    for i in sorted(set(range(len(SPLITS))) - set(splits.tolist())):
        log.info("split %r has no rows", SPLITS[i])
    if missing := _missing(root, files):
        log.warning("%s of %s pictures are missing under %s", f"{missing:,}", f"{len(files):,}", root)
    return Manifest(
        schema=_schema(labels, joint),
        root=root,
        paths=files,
        splits=splits.astype(np.int8),
        labels=np.stack([v.codes for v in labels.values()], axis=1).astype(np.int16),
        rows=np.arange(len(files)) + 2,
        extra=columns,
    )


def command_line(
    description: str,
    source: str = "root",
    about: str = "folder of the data set",
    also: bool = True,
    out: str = "manifest to write",
) -> argparse.ArgumentParser:
    """The arguments that every converter takes.

    Args:
        description: First line of the help.
        source: Name of the argument that says what is converted.
        about: Its help.
        also: Offer `--also`.
        out: Help of `--out`.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument(source, type=Path, help=about)
    parser.add_argument("--out", type=Path, required=True, help=out)
    if also:
        parser.add_argument("--also", action="append", default=[], metavar="NAME",
                            help="another label of the data set to take over; repeat, or all")  # fmt: skip
    return parser


def run(
    parser: argparse.ArgumentParser,
    convert: Callable[[argparse.Namespace], Manifest],
    arguments: Sequence[str] | None = None,
    write: bool = True,
) -> int:
    """Run a converter from the command line and return its exit status.

    Args:
        parser: From `command_line`.
        convert: Makes the manifest of parsed arguments.
        arguments: The command line; default that of this process.
        write: Write the manifest; otherwise `convert` has.
    """
    given = parser.parse_args(arguments)
    with _told():
        try:
            if write:
                _check_replaceable(given.out)
            manifest = convert(given)
            if write:
                manifest.write(given.out)
        except (ModularClsError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    print(_counts(manifest))
    print(f"{len(manifest):,} rows written to {given.out}; the pictures' paths are relative to {manifest.root}")
    return 0


def listed(items: Sequence[object], most: int = 20) -> str:
    """Name some things in a message, and say how many more there are."""
    more = f" ... and {len(items) - most:,} more" if len(items) > most else ""
    return ", ".join(map(str, items[:most])) + more


def _check(root: Path, rows: pd.DataFrame, labels: Mapping[str, Labels]) -> None:
    if rows.empty:
        raise ManifestError(root, ["no pictures are left to write to a manifest"])
    if repeated := rows["path"][rows.duplicated()].tolist():
        raise ManifestError(root, [f"picture {path!r} is there twice; a manifest names it once" for path in repeated])
    if few := [(n, list(v.values)) for n, v in labels.items() if len(v.values) < 2]:
        raise ManifestError(root, [f"attribute {n!r} has fewer than 2 values: {values}" for n, values in few])


def _schema(labels: Mapping[str, Labels], joint: int) -> Schema:
    attributes = tuple(Attribute(name, v.values) for name, v in labels.items())
    # A manifest holds attributes only; its joint classes are those counted below. Names of values that run together
    # (x_y + z, x + y_z) cannot name joint classes: the first attribute then stands alone.
    composite = Composite("_".join(labels) + "_", attributes[:joint])
    if composite.size > MAX_JOINT_CLASSES or len(set(composite.class_names)) < composite.size:
        composite = Composite(composite.name, attributes[:1])
    return Schema(attributes, (composite,))


def _counts(manifest: Manifest) -> str:
    """Rows of each joint class in each split, as a table."""
    composite = manifest.schema.composites[0]
    targets = manifest.targets(composite)
    names = [" ".join(a.values[v] for a, v in zip(composite.attributes, cell, strict=True)) for cell in composite.cells]
    table = pd.crosstab(targets, manifest.splits)
    table = table.reindex(index=[*range(len(names)), UNKNOWN], columns=range(len(SPLITS)), fill_value=0)
    table.index, table.columns = pd.Index([*names, "unknown"]), pd.Index(SPLITS)
    table.loc["all"] = table.sum()
    shown = table if composite.size <= _SHOWN_CLASSES else table.loc[["unknown", "all"]]
    return shown.map("{:,}".format).to_string()


def _missing(root: Path, paths: np.ndarray) -> int:
    """How many files are not there; every folder is listed once, which is faster than to ask for each file."""
    folders: dict[str, set[str]] = {}
    missing = 0
    for path in paths.tolist():
        folder, _, name = path.rpartition("/")
        if folder not in folders:
            place = root / folder
            folders[folder] = set(os.listdir(place)) if place.is_dir() else set()
        missing += name not in folders[folder]
    return missing


def _check_replaceable(out: Path) -> None:
    """Refuse to write a manifest over something else, before anything slow runs."""
    if not out.exists():
        return
    head = b"a folder"
    if out.is_file():
        with out.open("rb") as file:
            head = file.read(len(_HEAD))
    if head not in (_HEAD, b""):
        raise OutputExistsError(f"{out} exists and is not a manifest; give another --out")


class _Told(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        kind = "warning" if record.levelno >= logging.WARNING else "note"
        print(f"{kind}: {record.getMessage()}", file=sys.stderr)


@contextmanager
def _told() -> Iterator[None]:
    """Print notes and warnings for a while."""
    handler = _Told()
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
