"""The pictures of a job, one by one, and those that a table lists."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from modular_cls.data.images import parse_box
from modular_cls.data.whereabouts import is_inside
from modular_cls.errors import ImageError, ManifestError
from modular_cls.schema import Schema


class Picture(NamedTuple):
    """One picture to look at.

    Attributes:
        path: As it was given, or as it stands in a table.
        box: The part to look at as text, `x y width height`; blank for all of it.
        file: Where it is; blank if it may not be opened.
        named: How messages call it.
        problem: Why it may not be opened.
    """

    path: str
    box: str
    file: str
    named: str
    problem: str = ""


def listed(paths: Sequence[str], boxes: Sequence[str], root: str | None = None) -> list[Picture]:
    """The pictures of some paths and boxes; what is wrong with one is its problem.

    Args:
        paths: Where they are.
        boxes: As a table has them; blank for all of the picture.
        root: Folder that the paths are relative to and may not leave; None takes them as they are.
    """

    def picture(path: str, box: str) -> Picture:
        place = os.path.join(root, path) if root else path
        problem = ""
        if not path or "\0" in path:
            problem = f"{path!r} is no path"
        elif box and parse_box(box) is None:
            problem = f"{place}: the box {box!r} is not 'x y width height' in pixels, or blank"
        elif root and not is_inside(place, root):
            problem = f"{place}: it lies outside of the root {root}"
        return Picture(path, box, "" if problem else place, place, problem)

    return [picture(path, box.strip()) for path, box in zip(paths, boxes, strict=True)]


def list_table(path: Path, schema: Schema, root: str | None) -> list[Picture]:
    """The pictures of a table with a column `path` and optionally `box`, as a manifest has them.

    Args:
        path: The table (CSV).
        schema: Of the model.
        root: Folder that its paths are relative to; default its own.

    Raises:
        ManifestError: If it cannot be used.
    """
    # Only tables need pandas.
    from modular_cls.data.manifest import UNKNOWN, Manifest
    from modular_cls.data.text_table import read_table

    table = read_table(path, columns=("path", "box"))
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

    def picture(i: int) -> Picture:
        try:
            return Picture(rows.paths[i], boxes[i], str(rows.file(i)), rows.named(i))
        except ImageError:
            problem = (
                f"{rows.named(i)}: it lies outside of the root {rows.root}; --root gives another"
            )
            return Picture(rows.paths[i], boxes[i], "", rows.named(i), problem)

    return [picture(i) for i in range(count)]
