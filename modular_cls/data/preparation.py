"""How pictures become what a network sees: their size and scale, uint8 -> float tensors.

The same for training and prediction.
"""

from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np
import torch
from torch import Tensor

from modular_cls.config import Data
from modular_cls.data.colours import Range
from modular_cls.data.fitting import Fit, check_fit
from modular_cls.errors import ConfigError


@dataclass(frozen=True)
class Pixels:
    """The size and scale of pixels that a network was trained on.

    Args:
        size: (height, width).
        mean: Subtracted from pixel values in [0, 1], per channel.
        std: Divided by after that, per channel.
        range: The values that are black and white, in pictures of more than 8 bits; None as each
            file says.
        fit: What becomes of pictures of another shape.

    Raises:
        ConfigError: If the range or the fit is none.

    Example:
        >>> scale = Pixels(size=(1, 2), mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
        >>> scale(np.array([[[0, 0, 0], [255, 255, 255]]], dtype=np.uint8))[0]  # red
        tensor([[-2.,  2.]])
    """

    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    range: Range | None = None
    fit: Fit = "squash"

    def __post_init__(self) -> None:
        check_fit(self.fit)
        if not all(map(isfinite, (*self.mean, *self.std))) or not min(self.std) > 0:
            raise ConfigError(
                f"data.mean is {list(self.mean)} and data.std {list(self.std)}; they must be "
                "finite, std above 0"
            )
        if self.range and not (all(map(isfinite, self.range)) and self.range[0] != self.range[1]):
            raise ConfigError(
                f"data.range is {list(self.range)}; it must be two different numbers, the values "
                "that are black and white, as in [0, 4095]"
            )

    @classmethod
    def of(cls, data: Data) -> "Pixels":
        """As a configuration says."""
        return cls(data.height_width, *data.scale, data.range, data.fit)

    @cached_property
    def _scale_offset(self) -> tuple[Tensor, Tensor]:
        scale = torch.tensor([1 / (255 * s) for s in self.std])
        offset = torch.tensor([m / s for m, s in zip(self.mean, self.std, strict=True)])
        return scale[:, None, None], offset[:, None, None]

    def __call__(self, images: np.ndarray) -> Tensor:
        """Images (..., H, W, 3), uint8 -> (..., 3, H, W), float32; in memory channels stay last."""
        scale, offset = self._scale_offset
        own = images if images.flags.writeable else images.copy()  # torch warns of what is not
        scaled = torch.from_numpy(own).movedim(-1, -3).to(torch.float32)
        return scaled.mul_(scale).sub_(offset)
