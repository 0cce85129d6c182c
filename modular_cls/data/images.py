"""One picture: bytes -> RGB uint8, or an error that says which picture and why.

The only decoder: training, audit and prediction see the same pixels.
"""

import io
import math
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin, features  # noqa: F401

from modular_cls.data.colours import Encoding, Range
from modular_cls.data.fitting import Fit, fill_up, fit_picture
from modular_cls.errors import ImageError

Box = tuple[float, float, float, float]  # x, y, width, height in pixels
# Change it whenever the same file would give other pixels: decoded pictures are kept by it.
VERSION = 2
MAX_PIXELS = 100_000_000  # refused from the header, before anything is unpacked
MAX_SIDE = 65_535  # what a JPEG may have; one row of a wider picture can take more than memory has
MAX_BYTES = 500_000_000  # of a file, for it is read whole
MAX_SCANS = 100  # of a JPEG, each of which is a pass over all of its pixels; cameras write up to 10
_ORIENTATION = 0x0112  # EXIF
_QUARTERS = (5, 6, 7, 8)  # its values that are turned by a quarter
# All others are refused: some run other programs (EPS), some are no pictures (PDF, video).
FORMATS = ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM"]
if features.check("avif"):
    from PIL import AvifImagePlugin  # noqa: F401

    FORMATS.append("AVIF")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # ours is the limit


def read_image(
    path: Path,
    named: str,
    size: tuple[int, int] | None = None,
    box: Box | None = None,
    depth: Range | None = None,
    fit: Fit = "squash",
) -> np.ndarray:
    """Decode a picture.

    EXIF orientation is applied; transparency is laid on white; colours with a profile are brought
    to sRGB; 16-bit grey is scaled to 8 bits; of an animation the first frame is taken.

    Args:
        path: The file.
        named: How to name the picture in an error, for example with its manifest row.
        size: (height, width) to resize to, antialiased; None leaves it.
        box: (x, y, width, height) in pixels, the part to cut out of the upright picture; what lies
            outside of the picture is left away.
        depth: The values that are black and white, in pictures of more than 8 bits; by default as
            the file says.
        fit: What becomes of other proportions than those of the size; see `fit_picture`.

    Returns:
        Array of shape (height, width, 3), RGB, uint8.

    Raises:
        ImageError: If the file is missing, truncated, too large or not a picture, the box is
            beside it, or nobody knows which of its values are black and white.
    """
    return decode_image(read_file(path, named), named, size, box, depth, fit=fit)


def read_file(path: Path, named: str) -> bytes:
    """Read a picture's bytes.

    Raises ImageError if it is missing, unreadable, no file, or too large for a picture.
    """
    try:
        _check_file(path, named)
        return path.read_bytes()
    except FileNotFoundError:
        raise ImageError(f"{named}: no such file") from None
    except OSError as error:
        raise ImageError(f"{named}: cannot be read: {error.strerror}") from None
    except MemoryError:
        raise ImageError(f"{named}: too large: there is no memory for its bytes") from None


def parse_box(text: str) -> Box | None:
    """A box from `x y width height`; None for what is none."""
    try:
        x, y, width, height = map(float, text.split())
    except ValueError:
        return None
    known = math.isfinite(x) and math.isfinite(y) and 0 < width < math.inf and 0 < height < math.inf
    return (x, y, width, height) if known else None


def decode_image(
    data: bytes,
    named: str,
    size: tuple[int, int] | None = None,
    box: Box | None = None,
    depth: Range | None = None,
    most: int | None = None,
    fit: Fit = "squash",
) -> np.ndarray:
    """Decode the bytes of a picture of at most so many pixels; see `read_image`."""
    with _told(named), open_image(data) as opened:
        _check_scans(data, opened, named)
        return convert_image(opened, named, size, box, depth, most, fit)


def open_image(data: bytes) -> Image.Image:
    """Open the bytes of a picture of a format that is accepted; nothing is unpacked yet."""
    heif = ["HEIF"] if "HEIF" in Image.OPEN else []  # a plug-in of Pillow's that a program loaded
    return Image.open(io.BytesIO(data), formats=[*FORMATS, *heif])


def convert_image(
    picture: Image.Image,
    named: str,
    size: tuple[int, int] | None = None,
    box: Box | None = None,
    depth: Range | None = None,
    most: int | None = None,
    fit: Fit = "squash",
) -> np.ndarray:
    """Bring a picture opened by Pillow to upright RGB pixels; see `read_image`."""
    check_size(picture, named, most)
    with _told(named):
        encoding = Encoding.of(picture)
        if picture.getexif().get(_ORIENTATION, 1) != 1:
            picture = ImageOps.exif_transpose(picture)
        picture = encoding.reduce(picture, named, depth)
        if box is not None:
            picture = picture.crop(_inside(box, picture.size, named))
        if size is not None:
            picture = fit_picture(picture, size, fit)
        picture = encoding.to_srgb(picture)
        return np.asarray(picture if size is None else fill_up(picture, size))


def upright_size(opened: Image.Image) -> tuple[int, int]:
    """Width and height of an opened picture once it is upright."""
    quarter = orientation(opened) in _QUARTERS
    return (opened.height, opened.width) if quarter else (opened.width, opened.height)


def orientation(opened: Image.Image) -> int:
    """What EXIF says of how a picture has to be turned or mirrored; 1 is not at all."""
    if opened.format == "PNG" and "exif" not in opened.info:
        return 1  # Pillow would unpack the whole picture to look for it behind the pixels
    return int(opened.getexif().get(_ORIENTATION, 1))


def read_shape(path: Path, named: str, box: Box | None = None) -> tuple[float, float]:
    """Width and height of a picture, or of its box, from its header; raises ImageError."""
    with _told(named):
        _check_file(path, named)
        with Image.open(path, formats=FORMATS) as opened:
            return upright_size(opened) if box is None else (box[2], box[3])


def check_size(picture: Image.Image, named: str, most: int | None = None) -> None:
    """Raise ImageError for a picture of too many pixels, before they are unpacked."""
    most = MAX_PIXELS if most is None else most
    if picture.width * picture.height > most:
        raise ImageError(f"{named}: {picture.width} x {picture.height} pixels is over {most:,}")
    if max(picture.size) > MAX_SIDE:
        raise ImageError(
            f"{named}: {picture.width} x {picture.height}: a side is over {MAX_SIDE:,} pixels"
        )


@contextmanager
def _told(named: str) -> Iterator[None]:
    """Whatever goes wrong with a picture as an ImageError that names it."""
    try:
        yield
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError(
            f"{named}: not a picture that can be read ({', '.join(FORMATS)})"
        ) from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{named}: too large: {error}") from None
    except MemoryError:
        raise ImageError(f"{named}: too large: there is no memory for its pixels") from None
    except Exception as error:  # Pillow's words for broken content are of every kind
        raise ImageError(f"{named}: broken: {error or type(error).__name__}") from None


def _check_file(path: Path, named: str) -> None:
    seen = path.stat()
    if not stat.S_ISREG(seen.st_mode):  # reading a pipe or a device may never end
        raise ImageError(f"{named}: cannot be read: it is no file")
    if seen.st_size > MAX_BYTES:
        raise ImageError(f"{named}: {seen.st_size:,} bytes is over {MAX_BYTES:,}")


def _check_scans(data: bytes, picture: Image.Image, named: str) -> None:
    if picture.format in ("JPEG", "MPO") and data.count(b"\xff\xda") > MAX_SCANS:
        raise ImageError(f"{named}: too large: it takes over {MAX_SCANS} passes to unpack")


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
