"""Pictures of one shape, and a network that takes another: stretched, filled up, or cut."""

from typing import Literal, get_args

from PIL import Image, ImageOps

from modular_cls.errors import ConfigError, unknown

Fit = Literal["squash", "pad", "crop"]
# Of what is filled up: the middle of the range, which is 0 after the default mean and std.
GREY = (128, 128, 128)
FAR = 1.5  # times as wide for its height, or as high: stretched so far, things look like others


def check_fit(fit: object) -> None:
    """Raise ConfigError for a fit that there is not."""
    if fit not in get_args(Fit):
        raise ConfigError(unknown("fit", str(fit), get_args(Fit), "in data.fit"))


def fit_picture(picture: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    """Resize a picture, antialiased.

    Args:
        picture: Upright.
        size: (height, width).
        fit: squash: to that size; crop: its largest middle part of that shape, to that size; pad:
            as large as it fits in, to be filled up (`fill_up`).
    """
    wanted = size[::-1]
    if fit == "crop":
        return ImageOps.fit(picture, wanted, Image.Resampling.BILINEAR)
    if fit == "pad":
        wanted = _contained(picture.size, wanted)
    if picture.size == wanted:
        return picture
    return picture.resize(wanted, Image.Resampling.BILINEAR)


def fill_up(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Lay an RGB picture in the middle of a grey one of size (height, width)."""
    height, width = size
    if picture.size == (width, height):
        return picture
    filled = Image.new("RGB", (width, height), GREY)
    filled.paste(
        picture, (round((width - picture.width) / 2), round((height - picture.height) / 2))
    )
    return filled


def is_far(shape: tuple[float, float], size: tuple[int, int]) -> bool:
    """Whether a picture of (width, height) has other proportions than (height, width), by far."""
    times = shape[0] * size[0] / (shape[1] * size[1])
    return max(times, 1 / times) > FAR


def _contained(size: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int]:
    """The largest (width, height) of a picture's proportions within another, at least 1 x 1."""
    (width, height), (most_wide, most_high) = size, wanted
    if width * most_high > most_wide * height:
        return most_wide, max(1, round(height / width * most_wide))
    return max(1, round(width / height * most_high)), most_high
