"""One pass over the pictures.

What their headers say, whether they decode, and what they look like.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import imagehash
import numpy as np
from PIL import Image
from rich.console import Console

from modular_cls.data.colours import Range
from modular_cls.data.images import (
    check_size,
    decode_image,
    open_image,
    orientation,
    read_file,
    upright_size,
)
from modular_cls.data.manifest import Manifest
from modular_cls.errors import DepthError, ImageError
from modular_cls.jobs.cores import on_all_cores

LOOK = 16  # side of the small colour picture that near copies are compared by
_DECODED = 64  # side that pictures are decoded to for it


@dataclass(frozen=True)
class Picture:
    """What one look at a picture, or at the box of it that its row is about, gives.

    Attributes:
        problem: Why it cannot be used; blank if it can, and then all that follows is there.
        oversized: Whether that is for its size.
        unscaled: Whether that is for its depth: which values are black and white is not known.
        mode: Pillow's mode of the file.
        size: Width and height in pixels, upright, of the box if there is one.
        frames: Whether it has several.
        turned: Whether EXIF says that it has to be turned or mirrored.
        digest: Of the file's bytes.
        hash: 64 bits that copies nearly share.
        look: Small colour picture, shape (16, 16, 3), uint8.
    """

    problem: str = ""
    oversized: bool = False
    unscaled: bool = False
    mode: str = ""
    size: tuple[int, int] = (0, 0)
    frames: bool = False
    turned: bool = False
    digest: bytes = b""
    hash: int = 0
    look: np.ndarray | None = None


def look_at(
    manifest: Manifest, positions: Sequence[int], progress: bool, depth: Range | None = None
) -> list[Picture]:
    """Decode pictures on all cores.

    Args:
        manifest: The table.
        positions: The rows whose files are there.
        progress: Show a progress bar, on the standard error.
        depth: The values that are black and white, as for `read_image`.

    Returns:
        What there is to see, in order.
    """
    title = "Looking at pictures" if progress else ""
    every = on_all_cores(
        lambda i: _picture(manifest, i, depth), positions, title, Console(stderr=True)
    )
    return [
        Picture(problem=str(picture)) if isinstance(picture, ImageError) else picture
        for _, picture in every
    ]


def _picture(manifest: Manifest, position: int, depth: Range | None) -> Picture:
    named, box = manifest.named(position), manifest.box(position)
    data = read_file(manifest.file(position), named)
    try:
        with open_image(data) as opened:
            check_size(opened, named)  # before anything is unpacked
            size, mode = upright_size(opened), opened.mode
            frames, turned = bool(getattr(opened, "is_animated", False)), orientation(opened) != 1
    except Image.DecompressionBombError as error:
        return Picture(f"{named}: {error}", oversized=True)
    except ImageError as error:
        return Picture(str(error), oversized=True)
    except Exception as error:  # whatever Pillow makes of a broken header, decoding words it
        decode_image(data, named)
        raise ImageError(f"{named}: broken: {error}") from None
    try:
        small = Image.fromarray(decode_image(data, named, (_DECODED, _DECODED), box, depth))
    except DepthError as error:
        return Picture(str(error), unscaled=True)
    bits = np.packbits(imagehash.phash(small).hash)
    return Picture(
        mode=mode,
        size=size if box is None else (round(box[2]), round(box[3])),
        frames=frames,
        turned=turned,
        digest=hashlib.blake2b(data, digest_size=16).digest(),
        hash=int.from_bytes(bits.tobytes()),
        look=np.asarray(small.resize((LOOK, LOOK), Image.Resampling.BOX)),
    )
