"""What a person means by IMAGES.

Files, folders, patterns and tables -> a list of pictures, and their pixels.
"""

import fnmatch
import glob
import itertools
import os
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from modular_cls.data.images import parse_box, read_image
from modular_cls.data.picture_files import ENDINGS, Found, find_picture_files, sign_file
from modular_cls.data.preparation import Pixels
from modular_cls.errors import ConfigError, ImageError, ManifestError
from modular_cls.features.kept import KeptFeatures
from modular_cls.jobs.cores import count_cores
from modular_cls.predict.listed import Picture, list_table
from modular_cls.schema import Schema

_AHEAD = 32  # pictures decoded before they are asked for, by thread


class Look(NamedTuple):
    """A picture looked at.

    Attributes:
        picture: Which one.
        image: Shape (height, width, 3), uint8; or its features, shape (F,), where they are kept; or
            why there is neither.
        sign: Of its file, before it was read.
    """

    picture: Picture
    image: np.ndarray | ImageError
    sign: str


def find_pictures(
    images: Sequence[str], schema: Schema, root: str | None = None, known: Collection[str] = ()
) -> tuple[list[Picture], str]:
    """List pictures, each once, in the order they are given; those of a folder by name.

    Args:
        images: Files, folders (searched through, for files named like pictures), glob patterns, or
            tables of images (CSV or Parquet with a column `path` and optionally `box`, like a
                manifest).
        schema: Of the model.
        root: Folder that the paths of tables are relative to; default each table's own.
        known: Paths that were there once, and need not be there any more.

    Returns:
        The pictures, and what was left out of folders, in words.

    Raises:
        ConfigError: If something given matches nothing, or `root` is given without a table.
        ManifestError: If a table cannot be used.
    """
    if root and not any(is_table(i) for i in images):
        raise ConfigError(
            f"--root {root}: it belongs to a table of images (CSV), and none is given"
        )
    listing: dict[tuple[str, str], Picture] = {}
    missing, left_out = [], []
    for argument in images:
        if is_table(argument):
            pictures = list_table(Path(argument), schema, root)
        else:
            pictures, left = _files(argument)
            left_out += [f"{what} in {where}" for where, what in left if str(what)]
        if not pictures and not _was_there(argument, known):
            missing.append(_nothing(argument))
        for picture in pictures:
            listing.setdefault((picture.file or picture.named, picture.box), picture)
    if missing:
        raise ManifestError("images", missing)
    return list(listing.values()), "; ".join(left_out)


def sign_picture(picture: Picture) -> str:
    """What changes whenever the bytes of a picture's file do; blank if there is none."""
    try:
        return sign_file(os.stat(picture.file)) if picture.file else ""
    except OSError:
        return ""


def decode_pictures(
    pictures: Iterable[Picture], pixels: Pixels, kept: KeptFeatures | None = None
) -> Iterator[Look]:
    """Decode pictures to (height, width, 3), uint8, of that size, on all cores, ahead, in order.

    Errors are results. A picture whose features are kept is not decoded.
    """
    threads = count_cores()
    waiting: deque[Future[Look]] = deque()
    with ThreadPoolExecutor(threads) as pool:  # Pillow decodes outside Python's lock
        coming = iter(pictures)
        try:
            for picture in itertools.islice(coming, _AHEAD * threads):
                waiting.append(pool.submit(_look, picture, pixels, kept))
            while waiting:
                look = waiting.popleft()
                for following in itertools.islice(coming, 1):
                    waiting.append(pool.submit(_look, following, pixels, kept))
                yield look.result()
        finally:
            # When interrupted, what is not asked for any more is left.
            pool.shutdown(cancel_futures=True)


def _look(picture: Picture, pixels: Pixels, kept: KeptFeatures | None) -> Look:
    if not picture.file:
        return Look(picture, ImageError(picture.problem), "")
    box = parse_box(picture.box) if picture.box else None
    sign = sign_picture(picture)
    file, named = Path(picture.file), picture.named
    try:
        if kept is not None and (features := kept.find(file, named, box)) is not None:
            return Look(picture, features, sign)
        image = read_image(file, named, pixels.size, box, pixels.range, pixels.fit)
    except ImageError as error:
        return Look(picture, error, sign)
    return Look(picture, image, sign)


def is_table(argument: str) -> bool:
    """Whether an argument means a table of pictures, by its ending."""
    return argument.lower().endswith((".csv", ".parquet")) and not Path(argument).is_dir()


def _files(argument: str) -> tuple[list[Picture], list[tuple[str, Found]]]:
    """The files that an argument means; a name that exists is no pattern, whatever stands in it.

    And what each folder holds besides.
    """
    places = [argument] if Path(argument).exists() else sorted(glob.glob(argument, recursive=True))
    folders = {place: find_picture_files(place) for place in places if os.path.isdir(place)}
    files: list[Path] = []
    for place in places:
        inside = folders[place].paths if place in folders else [""]
        files += [Path(place, name) for name in inside]
    return [Picture(f, "", f, f) for f in map(str, files)], list(folders.items())


def _was_there(argument: str, known: Collection[str]) -> bool:
    folder = os.path.join(argument, "")
    return any(p == argument or p.startswith(folder) or fnmatch.fnmatch(p, argument) for p in known)


def _nothing(argument: str) -> str:
    if Path(argument).is_dir():
        left = str(find_picture_files(argument))
        besides = f"; it holds {left}" if left else ""
        return f"{argument}: a folder without pictures ({', '.join(ENDINGS)}){besides}"
    return (
        f"{argument}: no such file or folder, and no file matches it (current folder: {Path.cwd()})"
    )
