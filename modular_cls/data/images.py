"""One picture: bytes -> RGB uint8, or an error that says which picture and why.

The only decoder: training, audit and prediction see the same pixels.
"""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from modular_cls.errors import ImageError

Box = tuple[float, float, float, float]  # x, y, width, height in pixels
# Change it whenever the same file would give other pixels: decoded pictures are kept by it.
VERSION = 2
MAX_PIXELS = 100_000_000  # refused from the header, before anything is unpacked
MAX_BYTES = 500_000_000
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # ours is the limit


def read_image(
    path: Path, named: str, size: tuple[int, int] | None = None, box: Box | None = None
) -> np.ndarray:
    """Decode a picture.

    EXIF orientation is applied; transparency is laid on white; 16-bit grey is scaled to 8 bit; of
    an animation the first frame is taken.

    Args:
        path: The file.
        named: How to name the picture in an error, for example with its manifest row.
        size: (height, width) to resize to, antialiased; None leaves it.
        box: (x, y, width, height) in pixels, the part to cut out of the upright picture; what lies
            outside of the picture is left away.

    Returns:
        Array of shape (height, width, 3), RGB, uint8.

    Raises:
        ImageError: If the file is missing, truncated, too large or not a picture, or the box is
            beside it.
    """
    return decode_image(read_file(path, named), named, size, box)


def read_file(path: Path, named: str) -> bytes:
    """Read a picture's bytes.

    Raises ImageError if it is missing, unreadable, or too large for a picture.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ImageError(f"{named}: {path.stat().st_size:,} bytes is over {MAX_BYTES:,}")
        return path.read_bytes()
    except FileNotFoundError:
        raise ImageError(f"{named}: no such file") from None
    except OSError as error:
        raise ImageError(f"{named}: cannot be read: {error.strerror}") from None


def decode_image(
    data: bytes, named: str, size: tuple[int, int] | None = None, box: Box | None = None
) -> np.ndarray:
    """Decode the bytes of a picture; see `read_image`."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            _check_pixels(opened, named)
            if size is not None and box is None:
                # JPEG: unpack no more than needed.
                opened.draft("RGB", (2 * max(size), 2 * max(size)))
            return convert_image(opened, named, size, box)
    except UnidentifiedImageError:
        raise ImageError(f"{named}: not a picture that can be read") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{named}: too large: {error}") from None
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's words for broken content
        raise (
            error if isinstance(error, ImageError) else ImageError(f"{named}: broken: {error}")
        ) from None


def convert_image(
    picture: Image.Image, named: str, size: tuple[int, int] | None = None, box: Box | None = None
) -> np.ndarray:
    """Bring a picture opened by Pillow to upright RGB pixels; see `read_image`."""
    _check_pixels(picture, named)
    picture = _rgb(ImageOps.exif_transpose(picture), named)
    if box is not None:
        picture = picture.crop(_inside(box, picture.size, named))
    if size is not None and picture.size != size[::-1]:
        picture = picture.resize(size[::-1], Image.Resampling.BILINEAR)
    return np.asarray(picture)


def _check_pixels(picture: Image.Image, named: str) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise ImageError(
            f"{named}: {picture.width} x {picture.height} pixels is over {MAX_PIXELS:,}"
        )


def _rgb(picture: Image.Image, named: str) -> Image.Image:
    if picture.mode == "F":
        raise ImageError(
            f"{named}: floating-point pixels have no fixed range; save it with 8 or 16 bits"
        )
    if picture.mode.startswith("I"):  # 16 bits and more
        grey = np.asarray(picture, dtype=np.float64)
        return Image.fromarray(np.clip(grey / 257, 0, 255).round().astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert(
            "RGB"
        )
    return picture.convert("RGB")


def _inside(box: Box, size: tuple[int, int], named: str) -> tuple[int, int, int, int]:
    """The box as left, upper, right and lower pixel edges, clipped to the picture."""
    x, y, width, height = box
    left, upper = max(0, round(x)), max(0, round(y))
    right, lower = min(size[0], round(x + width)), min(size[1], round(y + height))
    if left >= right or upper >= lower:
        raise ImageError(
            f"{named}: the box {x:g} {y:g} {width:g} {height:g} is beside its {size[0]} x "
            f"{size[1]} pixels"
        )
    return left, upper, right, lower
