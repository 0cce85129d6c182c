"""What all converters share: the command line, how a manifest is made, notes and warnings.

A converter is `convert(root, ...) -> Manifest` and a `main` that hands it to `run`.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from telling import class_table, listed, log, printed_notes, value_lines

from modular_cls.data.manifest import SPLITS, UNKNOWN, Manifest
from modular_cls.data.whereabouts import Folders, likely_reason
from modular_cls.errors import ManifestError, ModularClsError, OutputExistsError
from modular_cls.schema import MAX_JOINT_CLASSES, Attribute, Composite, Schema

NO_YES = ("no", "yes")
_HEAD = b"path,split"  # how a manifest begins
Pictures = Literal["needed", "if unpacked", "optional"]


class Labels(NamedTuple):
    """One attribute of all rows.

    Attributes:
        values: Its values.
        codes: The index of each row's value, -1 where unknown, shape (N,).
    """

    values: tuple[str, ...]
    codes: np.ndarray


def make_manifest(
    root: Path,
    paths: Sequence[str],
    splits: np.ndarray,
    labels: Mapping[str, Labels],
    extra: Mapping[str, Sequence[str]] | None = None,
    joint: int = 2,
    pictures: Pictures = "if unpacked",
) -> Manifest:
    """Put a manifest together; tells of pictures that are not there, and of values without rows.

    Args:
        root: Folder that the paths are relative to.
        paths: Paths of the N pictures.
        splits: Index into `SPLITS`, shape (N,).
        labels: The attributes, by name.
        extra: Other columns that a manifest knows, by name.
        joint: So many of the attributes, from the first, make the joint classes that are counted.
        pictures: Whether it is an error that none is there: needed; optional; or an error if there
            are pictures where these should be (otherwise the data set is not unpacked yet).

    Raises:
        ManifestError: If there are no rows, a path is there twice, an attribute has fewer than 2
            values, or no picture is there.
    """
    files = np.array(paths, dtype=object)
    columns = {name: np.array(column, dtype=object) for name, column in (extra or {}).items()}
    boxes = columns.get("box", "")
    _check(root, pd.DataFrame({"path": files, "box": boxes}), labels)
    manifest = Manifest(
        schema=_schema(labels, joint),
        root=root,
        paths=files,
        splits=splits.astype(np.int8),
        labels=np.stack([v.codes for v in labels.values()], axis=1).astype(np.int16),
        rows=np.arange(len(files)) + 2,  # as the manifest will have them, below its header
        extra=columns,
    )
    for i in np.setdiff1d(np.arange(len(SPLITS)), splits).tolist():
        log.info("split %r has no rows", SPLITS[i])
    _look_for(root, files.tolist(), pictures)
    return manifest


def manifests(manifest: Manifest, drawn: Sequence[np.ndarray]) -> list[Manifest]:
    """The same manifest with each of several draws of the split, shape (N,) each; tells of them."""
    folds = [replace(manifest, splits=splits.astype(np.int8)) for splits in drawn]
    for one in folds:
        _tell_of_values(one)
    return folds


def command_line(
    description: str,
    source: str | None = "root",
    about: str = "folder of the data set",
    also: bool = True,
    out: str = "manifest to write",
) -> argparse.ArgumentParser:
    """The arguments that every converter takes.

    Args:
        description: First line of the help.
        source: Name of the argument that says what is converted; None for none.
        about: Its help.
        also: Offer `--also`.
        out: Help of `--out`.
    """
    shown = argparse.ArgumentDefaultsHelpFormatter
    parser = argparse.ArgumentParser(description=description, formatter_class=shown)
    if source:
        parser.add_argument(source, type=path_argument, help=about)
    parser.add_argument("--out", type=path_argument, required=True, help=out)
    if also:
        parser.add_argument(
            "--also",
            action="append",
            default=[],
            metavar="NAME",
            help="another label of the data set to take over; repeat, or all",
        )
    return parser


def run(
    parser: argparse.ArgumentParser,
    convert: Callable[[argparse.Namespace], Manifest | Sequence[Manifest]],
    arguments: Sequence[str] | None = None,
    write: bool = True,
) -> int:
    """Run a converter from the command line and return its exit status.

    Args:
        parser: From `command_line`.
        convert: Makes the manifest of parsed arguments, or one for each fold: m.csv is then
            written as m_1.csv, m_2.csv ...
        arguments: The command line; default that of this process.
        write: Write the manifest; otherwise `convert` has.
    """
    options = parser.parse_args(arguments)
    with printed_notes():
        try:
            if write:
                _check_replaceable(options.out)
                _check_no_input(options)
            converted = convert(options)
            manifests = [converted] if isinstance(converted, Manifest) else list(converted)
            outs = _outs(options.out, len(manifests))
            for manifest, out in zip(manifests, outs, strict=True) if write else ():
                _check_replaceable(out)
                manifest.write(out)
        except (ModularClsError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    print(value_lines(manifests[0]))
    for manifest, out in zip(manifests, outs, strict=True):
        print(class_table(manifest))
        print(
            f"{len(manifest):,} rows written to {out}; the pictures' paths are relative to "
            f"{manifest.root}"
        )
    return 0


def path_argument(text: str) -> Path:
    """A path of the command line; ~ is the home folder, also where no shell has replaced it."""
    return Path(text).expanduser()


def _check(root: Path, rows: pd.DataFrame, labels: Mapping[str, Labels]) -> None:
    if rows.empty:
        raise ManifestError(root, ["no pictures are left to write to a manifest"])
    if repeated := rows["path"][rows.duplicated()].tolist():
        what = "is there twice; a manifest names it once"
        raise ManifestError(root, [f"picture {path!r} {what}" for path in repeated])
    if few := [(n, list(v.values)) for n, v in labels.items() if len(v.values) < 2]:
        what = "has fewer than 2 values"
        raise ManifestError(root, [f"attribute {n!r} {what}: {values}" for n, values in few])


def _schema(labels: Mapping[str, Labels], joint: int) -> Schema:
    attributes = tuple(Attribute(name, v.values) for name, v in labels.items())
    # A manifest holds attributes only; its joint classes are those counted below. Names of values
    # that run together (x_y + z, x + y_z) cannot name them: the first attribute stands alone.
    composite = Composite("_".join(labels) + "_", attributes[:joint])
    if composite.size > MAX_JOINT_CLASSES or len(set(composite.class_names)) < composite.size:
        composite = Composite(composite.name, attributes[:1])
    return Schema(attributes, (composite,))


def _look_for(root: Path, paths: Sequence[str], pictures: Pictures) -> None:
    """Look whether pictures are there, and tell."""
    folders = Folders(root)
    missing = sum(path not in folders for path in paths)
    if not missing:
        return
    what = f"{missing:,} of {len(paths):,} pictures are missing under {root}"
    if missing < len(paths) or pictures == "optional":
        log.warning(what)
        return
    if pictures == "needed" or folders.has_pictures(paths[0].rpartition("/")[0]):
        raise ManifestError(root, [f"{what}: {likely_reason(root, paths)}"])
    log.warning(what)


def _tell_of_values(manifest: Manifest) -> None:
    """Tell of values without rows in a split that has some."""
    for i in np.unique(manifest.splits).tolist():
        inside = manifest.labels[manifest.splits == i].T
        lacks: list[str] = []
        for a, codes, mine in zip(
            manifest.schema.attributes, manifest.labels.T, inside, strict=True
        ):
            none = np.setdiff1d(codes[codes != UNKNOWN], mine).tolist()
            lacks += [f"{a.name} {a.values[v]}" for v in none]
        if lacks:
            level = logging.WARNING if SPLITS[i] == "train" else logging.INFO
            log.log(level, "values without a row in %s: %s", SPLITS[i], listed(lacks))


def _outs(out: Path, count: int) -> list[Path]:
    if count == 1:
        return [out]
    return [out.with_stem(f"{out.stem}_{i}") for i in range(1, count + 1)]


def _check_no_input(options: argparse.Namespace) -> None:
    """Refuse to write over a table that is read: its other columns would be lost."""
    given = [value for name, value in vars(options).items() if name != "out"]
    for path in _paths(given):
        if path.is_file() and options.out.exists() and path.samefile(options.out):
            raise OutputExistsError(f"--out {options.out} is what is read; give another --out")


def _paths(value: object) -> Iterator[Path]:
    """All paths among what was given, in lists of tuples too."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _paths(each)


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
