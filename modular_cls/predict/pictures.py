"""What a person means by IMAGES.

Files, folders, patterns and tables -> a list of pictures, and their pixels.
"""

import glob
import itertools
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from modular_cls.data.images import Box, read_image
from modular_cls.data.manifest import UNKNOWN, Manifest, read_table
from modular_cls.data.pixels import Pixels
from modular_cls.errors import ConfigError, ImageError, ManifestError
from modular_cls.schema import Schema

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
_AHEAD = 32  # pictures decoded before they are asked for, by thread


class Picture(NamedTuple):
    """One picture to look at.

    Attributes:
        path: As it was given, or as it stands in a table.
        box: The part to look at as text, `x y width height`; blank for all of it.
        file: Where it is; None if it may not be opened.
        named: How messages call it.
        problem: Why it may not be opened.
    """

    path: str
    box: str
    file: Path | None
    named: str
    problem: str = ""


def find_pictures(images: Sequence[str], schema: Schema, root: str | None = None) -> list[Picture]:
    """List pictures, each once, in the order they are given; those of a folder by name.

    Args:
        images: Files, folders (searched through, for files named like pictures), glob patterns, or
            tables of images (CSV with a column `path` and optionally `box`, like a manifest).
        schema: Of the model.
        root: Folder that the paths of tables are relative to; default each table's own.

    Raises:
        ConfigError: If something given matches nothing, or `root` is given without a table.
        ManifestError: If a table cannot be used.
    """
    if root and not any(_is_table(i) for i in images):
        raise ConfigError(
            f"--root {root}: it belongs to a table of images (CSV), and none is given"
        )
    found: dict[tuple[str, str], Picture] = {}
    missing = []
    for given in images:
        pictures = (
            _of_table(Path(given), schema, root)
            if _is_table(given)
            else list(map(_of_file, _files(given)))
        )
        if not pictures:
            missing.append(_nothing(given))
        for picture in pictures:
            found.setdefault((str(picture.file or picture.named), picture.box), picture)
    if missing:
        raise ManifestError("images", missing)
    return list(found.values())


def decode_pictures(
    pictures: Iterable[Picture], pixels: Pixels
) -> Iterator[tuple[Picture, np.ndarray | ImageError]]:
    """Decode pictures to (height, width, 3), uint8, of that size, on all cores, ahead, in order.

    Errors are results.
    """
    threads = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    waiting: deque[tuple[Picture, Future[np.ndarray | ImageError]]] = deque()
    with ThreadPoolExecutor(threads) as pool:  # Pillow decodes outside Python's lock
        coming = iter(pictures)
        try:
            for picture in itertools.islice(coming, _AHEAD * threads):
                waiting.append((picture, pool.submit(_decode, picture, pixels)))
            while waiting:
                picture, image = waiting.popleft()
                for following in itertools.islice(coming, 1):
                    waiting.append((following, pool.submit(_decode, following, pixels)))
                yield picture, image.result()
        finally:
            # When interrupted, what is not asked for any more is left.
            pool.shutdown(cancel_futures=True)


def _decode(picture: Picture, pixels: Pixels) -> np.ndarray | ImageError:
    if picture.file is None:
        return ImageError(picture.problem)
    x, y, width, height = map(float, picture.box.split()) if picture.box else (0.0,) * 4
    box: Box | None = (x, y, width, height) if picture.box else None
    try:
        return read_image(picture.file, picture.named, pixels.size, box, pixels.range)
    except ImageError as error:
        return error


def _is_table(given: str) -> bool:
    return given.lower().endswith(".csv") and not Path(given).is_dir()


def _files(given: str) -> list[Path]:
    """The files that an argument means; a name that exists is no pattern, whatever stands in it."""
    places = [given] if Path(given).exists() else sorted(glob.glob(given, recursive=True))
    files: list[Path] = []
    for place in map(Path, places):
        inside = (
            sorted(p for p in place.rglob("*") if p.suffix.lower() in SUFFIXES)
            if place.is_dir()
            else [place]
        )
        files += [p for p in inside if p.is_file()]
    return files


def _of_file(file: Path) -> Picture:
    return Picture(str(file), "", file, str(file))


def _of_table(path: Path, schema: Schema, root: str | None) -> list[Picture]:
    table = read_table(path)
    if "path" not in table.columns:
        raise ManifestError(path, [f"no column 'path'; it has {', '.join(table.columns)}"])
    count = len(table)
    rows = Manifest(
        schema=schema,
        root=Path(root) if root else path.parent,
        paths=table["path"].to_numpy(dtype=object),
        splits=np.zeros(count, dtype=np.int8),
        labels=np.full((count, len(schema.attributes)), UNKNOWN, dtype=np.int16),
        rows=table.index.to_numpy(),
        extra={"box": table["box"].to_numpy(dtype=object)} if "box" in table.columns else {},
    )
    boxes = [str(b).strip() for b in rows.extra["box"]] if rows.extra else [""] * count
    problems = [
        f"row {rows.rows[i]}, column path: empty" for i in range(count) if not rows.paths[i]
    ]
    problems += [
        f"row {rows.rows[i]}, column box: {box!r} is not 'x y width height' in pixels, or blank"
        for i, box in enumerate(boxes)
        if box and rows.box(i) is None
    ]
    if problems:
        raise ManifestError(path, problems)
    return [_of_row(rows, i, box) for i, box in enumerate(boxes)]


def _of_row(rows: Manifest, i: int, box: str) -> Picture:
    try:
        return Picture(rows.paths[i], box, rows.file(i), rows.named(i))
    except ImageError:
        problem = f"{rows.named(i)}: it lies outside of the root {rows.root}; --root gives another"
        return Picture(rows.paths[i], box, None, rows.named(i), problem)


def _nothing(given: str) -> str:
    if Path(given).is_dir():
        return f"{given}: a folder without pictures ({', '.join(SUFFIXES)})"
    return f"{given}: no such file or folder, and no file matches it (current folder: {Path.cwd()})"
