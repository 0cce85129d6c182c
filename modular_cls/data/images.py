"""One picture from disk: bytes -> RGB uint8, or an error that says which picture and why."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from modular_cls.errors import ImageError

MAX_PIXELS = 100_000_000  # refused from the header, before anything is unpacked
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # ours is the limit


def read_image(path: Path, named: str, size: tuple[int, int] | None = None) -> np.ndarray:
    """Decode a picture.

    EXIF orientation is applied; transparency is laid on white; 16-bit grey is scaled to 8 bit; of an
    animation the first frame is taken.

    Args:
        path: The file.
        named: How to name the picture in an error, for example with its manifest row.
        size: (height, width) to resize to, antialiased; None leaves it.

    Returns:
        Array of shape (height, width, 3), RGB, uint8.

    Raises:
        ImageError: If the file is missing, truncated, too large or not a picture.
    """
    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise ImageError(f"{named}: {opened.width} x {opened.height} pixels is over {MAX_PIXELS}")
            if size is not None:
                opened.draft("RGB", (2 * max(size), 2 * max(size)))  # JPEG: unpack no more than needed
            picture = _rgb(ImageOps.exif_transpose(opened))
    except FileNotFoundError:
        raise ImageError(f"{named}: no such file") from None
    except UnidentifiedImageError:
        raise ImageError(f"{named}: not a picture that can be read") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{named}: too large: {error}") from None
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's words for broken content
        raise error if isinstance(error, ImageError) else ImageError(f"{named}: broken: {error}") from None
    if size is not None and picture.size != size[::-1]:
        picture = picture.resize(size[::-1], Image.Resampling.BILINEAR)
    return np.asarray(picture)


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I") or picture.mode == "F":  # 16 bit and more
        grey = np.asarray(picture, dtype=np.float64)
        return Image.fromarray(np.clip(grey / 257, 0, 255).round().astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture.convert("RGB")
