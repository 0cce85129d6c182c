"""How a file writes its colours, and the same picture in 8 bits of sRGB.

More than 8 bits, floating point, transparency and colour profiles end here.
"""

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

from modular_cls.errors import DepthError

Range = tuple[float, float]  # the values that are black and white
_FULL = (0.0, 65535.0)
# 16-bit files of cameras, microscopes and X-rays often use 10 to 14 bits: scaled by 16 they turn
# black. One that never passes this is not guessed about.
_FEW = 2**14
_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339  # tags of TIFF
_SPACES = {  # of a profile: the modes it may be about, and the one it is applied to
    b"RGB ": (("RGB", "RGBA", "RGBX", "P", "PA"), "RGB"),
    b"GRAY": (("L", "LA", "1", "I", "I;16", "I;16L", "I;16B", "I;16N"), "L"),
    b"CMYK": (("CMYK",), "CMYK"),
}


@dataclass(frozen=True)
class Encoding:
    """How a file writes its colours; to be looked up before its pixels are unpacked.

    Attributes:
        profile: The ICC profile, if it has one that is about such pixels; blank is taken as sRGB.
        mode: Pillow's mode that the profile is about.
        own: The range of values that the file says it has; None where it has no fixed one.
        doubtful: Whether it may well use a part of that range only.
        deep_colour: Whether Pillow drops half of its 16 bits a channel.
    """

    profile: bytes
    mode: str
    own: Range | None
    doubtful: bool
    deep_colour: bool

    @classmethod
    def of(cls, picture: Image.Image) -> "Encoding":
        """Look it up."""
        profile = picture.info.get("icc_profile") or b""
        modes, mode = _SPACES.get(profile[16:20], ((), "RGB"))
        if picture.mode not in modes:  # damaged, or of another picture: as browsers do
            profile, mode = b"", "RGB"
        tiles = [str(tile[3]) for tile in getattr(picture, "tile", [])]
        deep = any(";16" in tile for tile in tiles)
        scaled = picture.format == "PPM" and not deep  # by the maximum that it says
        own = _own_range(picture)
        return cls(
            profile=profile,
            mode=mode,
            own=own,
            doubtful=own is not None and sorted(own) == sorted(_FULL) and not scaled,
            deep_colour=deep and picture.mode[0] not in "IF",
        )

    def reduce(self, picture: Image.Image, named: str, depth: Range | None) -> Image.Image:
        """Bring a picture to 8 bits without transparency: RGB, or what its profile is about.

        Args:
            picture: The picture, unpacked.
            named: How to name it in an error.
            depth: The values that are black and white, if they are known.

        Raises:
            DepthError: If these are not known and the file does not say them.
        """
        if picture.mode[0] in "IF":
            picture = Image.fromarray(self._scaled(np.asarray(picture), named, depth))
        elif self.deep_colour:
            _check_colour(picture, named, depth)
        if picture.has_transparency_data:
            picture = picture.convert("RGBA")
            white = Image.new("RGBA", picture.size, "white")
            picture = Image.alpha_composite(white, picture).convert("RGB")
        return picture if picture.mode == self.mode else picture.convert(self.mode)

    def to_srgb(self, picture: Image.Image) -> Image.Image:
        """Bring a picture that `reduce` gave to sRGB."""
        transform = _transform(self.profile, self.mode) if self.profile else None
        if transform is not None:
            return ImageCms.applyTransform(picture, transform) or picture
        return picture if picture.mode == "RGB" else picture.convert("RGB")

    def _scaled(self, values: np.ndarray, named: str, depth: Range | None) -> np.ndarray:
        """Values of shape (H, W), integers or floats -> uint8."""
        black, white = depth or self.own or _unknown(values, named)
        if depth is None and self.doubtful:
            _check_used(int(values.min()), int(values.max()), named)
        scaled = values.astype(np.float32)
        if not np.isfinite(scaled).all():
            raise DepthError(f"{named}: some of its pixels are not finite numbers")
        scaled -= black
        scaled *= 255 / (white - black)
        return np.rint(np.clip(scaled, 0, 255, out=scaled), out=scaled).astype(np.uint8)


def _own_range(picture: Image.Image) -> Range | None:
    tags = getattr(picture, "tag_v2", {})
    signed_or_wide = tags.get(_BITS, (16,))[0] > 16 or tags.get(_SAMPLE_FORMAT, (1,))[0] != 1
    if picture.mode == "F" or (picture.mode[0] == "I" and signed_or_wide):
        return None
    white = 2.0 ** tags.get(_BITS, (16,))[0] - 1
    return (white, 0.0) if tags.get(_PHOTOMETRIC, 1) == 0 else (0.0, white)


def _unknown(values: np.ndarray, named: str) -> Range:
    kind = "floating-point pixels" if values.dtype.kind == "f" else "pixels of 32 or signed bits"
    raise DepthError(
        f"{named}: {kind} have no fixed range (here {values.min():g} to {values.max():g}); say "
        "which values are black and white, as in data.range: [0, 4095], or save it with 8 bits"
    )


def _check_used(least: int, most: int, named: str) -> None:
    """Refuse pixels of 16 bits, as whole numbers, that use a part of them only."""
    if least < 0 or most > _FULL[1]:
        raise DepthError(f"{named}: pixels from {least} to {most}; say their data.range")
    if most < _FEW:
        bits = max(most.bit_length() + most.bit_length() % 2, 8)  # sensors have 10, 12 or 14
        raise DepthError(
            f"{named}: a 16-bit file that uses {bits} bits (up to {most:,}) and would turn black; "
            f"say which values are black and white, as in data.range: [0, {2**bits - 1}]; "
            "[0, 65535] if it is meant to be dark"
        )


def _check_colour(picture: Image.Image, named: str, depth: Range | None) -> None:
    """Of 16-bit colour Pillow keeps the upper 8 bits: right if all are used."""
    if depth is not None:
        if tuple(depth) == _FULL:
            return
        raise DepthError(
            f"{named}: 16-bit colour, of which data.range cannot take a part; save it with 8 bits"
        )
    colours = np.asarray(picture)[..., : 1 if picture.mode == "LA" else 3]
    most = int(colours.max())
    if most < _FEW // 256:
        raise DepthError(
            f"{named}: 16-bit colour that uses {max(8 + most.bit_length(), 8)} bits and would turn "
            "black; save it with 8 bits, or set data.range: [0, 65535] if it is meant to be dark"
        )


@lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From a profile to sRGB; None for a damaged one, which says nothing, as browsers do."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError):
        return None
