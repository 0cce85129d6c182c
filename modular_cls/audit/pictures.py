"""One pass over the pictures.

What their headers say, whether they decode, and what they look like.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import imagehash
import numpy as np
from PIL import Image
from rich.console import Console

from modular_cls.data.images import MAX_PIXELS, decode_image, read_file
from modular_cls.data.manifest import Manifest
from modular_cls.errors import ImageError
from modular_cls.jobs.cores import on_all_cores

LOOK = 16  # side of the small colour picture that near copies are compared by
_DECODED = 64  # side that pictures are decoded to for it
_ORIENTATION = 0x0112  # EXIF


@dataclass(frozen=True)
class Picture:
    """What one look at a picture, or at the box of it that its row is about, gives.

    Attributes:
        problem: Why it cannot be used; blank if it can, and then all that follows is there.
        oversized: Whether that is for its size.
        mode: Pillow's mode of the file.
        size: Width and height in pixels, of the box if there is one.
        frames: Whether it has several.
        turned: Whether EXIF says that it has to be turned or mirrored.
        digest: Of the file's bytes.
        hash: 64 bits that copies nearly share.
        look: Small colour picture, shape (16, 16, 3), uint8.
    """

    problem: str = ""
    oversized: bool = False
    mode: str = ""
    size: tuple[int, int] = (0, 0)
    frames: bool = False
    turned: bool = False
    digest: bytes = b""
    hash: int = 0
    look: np.ndarray | None = None


def look_at(manifest: Manifest, positions: Sequence[int], progress: bool) -> list[Picture]:
    """Decode pictures on all cores.

    Args:
        manifest: The table.
        positions: The rows whose files are there.
        progress: Show a progress bar, on the standard error.

    Returns:
        What there is to see, in order.
    """
    told = "Looking at pictures" if progress else ""
    every = on_all_cores(lambda i: _picture(manifest, i), positions, told, Console(stderr=True))
    return [
        Picture(problem=str(found)) if isinstance(found, ImageError) else found
        for _, found in every
    ]


def _picture(manifest: Manifest, position: int) -> Picture:
    named, box = manifest.named(position), manifest.box(position)
    data = read_file(manifest.file(position), named)
    try:
        with Image.open(io.BytesIO(data)) as opened:
            size, mode = opened.size, opened.mode
            frames, turned = bool(getattr(opened, "is_animated", False)), _turned(opened)
    except Image.DecompressionBombError as error:
        return Picture(f"{named}: {error}", oversized=True)
    except Exception as error:  # whatever Pillow makes of a broken header, decoding words it
        decode_image(data, named)
        raise ImageError(f"{named}: broken: {error}") from None
    if size[0] * size[1] > MAX_PIXELS:
        return Picture(
            f"{named}: {size[0]} x {size[1]} pixels is over {MAX_PIXELS:,}", oversized=True
        )
    small = Image.fromarray(decode_image(data, named, (_DECODED, _DECODED), box))
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


def _turned(opened: Image.Image) -> bool:
    if opened.format == "PNG" and "exif" not in opened.info:
        return False  # Pillow would unpack the whole picture to look for it behind the pixels
    return opened.getexif().get(_ORIENTATION, 1) != 1
