"""What a configuration says of the pictures."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from modular_cls.config.varied import Scarcity
from modular_cls.errors import ConfigError, require

DATA_VARIABLE = "MODULAR_CLS_DATA"
MOST_PIXELS = 8192  # of a side
_LEAST_STD = 0.002  # half of one of the 256 values that a pixel mostly has


@dataclass(frozen=True)
class Augment:
    """Random changes of training images; all 0 turns them off.

    Args:
        flip: Probability of mirroring left and right.
        shift: Largest shift, as a share of the side.
        scale: Largest change of size, as a share.
        rotate: Largest rotation in degrees.
        brightness: Largest change of brightness, as a share of the range.
        contrast: Largest change of contrast, as a share.
    """

    flip: float = 0.5
    shift: float = 0.06
    scale: float = 0.1
    rotate: float = 6.0
    brightness: float = 0.2
    contrast: float = 0.2

    def __post_init__(self) -> None:
        for name, most in (("flip", 1), ("shift", 1), ("brightness", 1), ("contrast", 1)):
            value = getattr(self, name)
            require(0 <= value <= most, f"data.augment.{name}", value, "a share, from 0 to 1")
        require(0 <= self.scale < 1, "data.augment.scale", self.scale, "at least 0 and below 1")
        require(0 <= self.rotate <= 180, "data.augment.rotate", self.rotate, "from 0 to 180")


@dataclass(frozen=True)
class Data:
    """The pictures.

    Args:
        manifest: The table of images (CSV). ${MODULAR_CLS_DATA} stands for that environment
            variable.
        root: Folder of the images; default the manifest's.
        about: What the set is and where to get it; shown when it cannot be found.
        image_size: Side of the pictures in pixels, or [height, width]; pictures are resized to it.
        fit: Pictures of another shape are squashed into it; or padded: as large as they fit in, the
            rest grey; or cropped: their largest middle part of that shape.
        scarcity: Joint classes to make scarce: null, one entry, or a list of entries.
        per_class: Training images of each joint class at most, drawn by the seed; null for all.
        limit: Rows at most, over all splits, for a first look; null for all. See train --limit.
        batch_size: Images per update, over all devices.
        workers: Processes that load and augment.
        cache_gib: Decoded images are kept on disk for later runs when they need no more than this
            (in $MODULAR_CLS_CACHE, by default ~/.cache/modular_cls); 0 decodes them anew each time.
        on_bad_image: A picture that cannot be decoded is an error, or its row is skipped and
            counted (all pictures are then read before anything else).
        max_bad: Largest share of pictures that may be skipped.
        allow_outside: Let paths and symbolic links leave the root.
        mean: Subtracted from pixel values in [0, 1]; default what pretrained weights say of
            themselves, and 0.5 from scratch.
        std: Divided by after that; default likewise.
        range: [black, white] values in pictures of over 8 bits, as [0, 4095]; default: files' own.
        augment: Random changes of training images.
        augmentation: Others in place of these: a pipeline of albumentations, as a file that its
            A.save wrote (YAML or JSON); a run keeps what stands in it.
        sampling: Order of training images: shuffled passes, or joint classes drawn equally often.
        hold_out: Share of the rarest joint class's training images that the fit does not see;
            finish steps learn from them, and from up to ten times as many of each other class.
        test: Measure on the test split; off where a training is one of those to choose from.
    """

    manifest: str = "data/faces/manifest.csv"
    root: str | None = None
    about: str | None = None
    image_size: int | tuple[int, int] = 64
    fit: Literal["squash", "pad", "crop"] = "squash"
    scarcity: Scarcity | list[Scarcity] | None = None
    per_class: int | None = None
    limit: int | None = None
    batch_size: int = 64
    workers: int = 1
    cache_gib: float = 20.0
    on_bad_image: Literal["error", "skip"] = "error"
    max_bad: float = 0.01
    allow_outside: bool = False
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    range: tuple[float, float] | None = None
    augment: Augment = field(default_factory=Augment)
    augmentation: str | dict[str, Any] | None = None
    sampling: Literal["shuffled", "balanced"] = "shuffled"
    hold_out: float = 0.0
    test: bool = True

    def __post_init__(self) -> None:
        scaled = "pixels are in [0, 1] by then, so divide what is told of 0 to 255 by 255"
        if self.mean is not None:
            fits = all(0 <= m <= 1 for m in self.mean)
            require(fits, "data.mean", list(self.mean), f"from 0 to 1: {scaled}")
        if self.std is not None:
            fits = all(_LEAST_STD <= s <= 1 for s in self.std)
            require(fits, "data.std", list(self.std), f"from {_LEAST_STD:g} to 1: {scaled}")
        require(self.cache_gib >= 0, "data.cache_gib", self.cache_gib, "at least 0")
        require(0 <= self.max_bad <= 1, "data.max_bad", self.max_bad, "a share, from 0 to 1")
        require(0 <= self.hold_out < 1, "data.hold_out", self.hold_out, "at least 0 and below 1")
        sides, most = self.height_width, max(self.height_width)
        require(most <= MOST_PIXELS, "data.image_size", sides, f"at most {MOST_PIXELS:,} a side")

    @property
    def scarcities(self) -> list[Scarcity]:
        """The scarcity entries as a list, whichever way they were written."""
        if self.scarcity is None:
            return []
        return [self.scarcity] if isinstance(self.scarcity, Scarcity) else list(self.scarcity)

    @property
    def scale(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Mean and std of pixels, 0.5 where neither the configuration nor weights say."""
        half = (0.5, 0.5, 0.5)
        return self.mean or half, self.std or half

    @property
    def height_width(self) -> tuple[int, int]:
        """The picture's size as (height, width)."""
        size = self.image_size
        return (size, size) if isinstance(size, int) else size


def expand(path: str, about: str | None = None) -> Path:
    """Replace `${MODULAR_CLS_DATA}` in a path, and ~ at its start by the home folder.

    Raises:
        ConfigError: If the variable is unset, saying what belongs there (`about`).
    """

    def value(match: "re.Match[str]") -> str:
        name = match.group(1)
        if name != DATA_VARIABLE:
            accepted = f"only ${{{DATA_VARIABLE}}} is replaced in paths, not ${{{name}}}"
            raise ConfigError(f"{path}: {accepted}")
        if folder := os.environ.get(name):
            return folder
        hint = f"\n{about.strip()}" if about else ""
        unset = f"the environment variable {name} is not set; it names the folder of data sets"
        raise ConfigError(f"{path}: {unset}{hint}")

    try:
        return Path(re.sub(r"\$\{(\w+)\}", value, path)).expanduser()
    except RuntimeError as error:  # ~name, of nobody
        raise ConfigError(f"{path}: {error}") from None
