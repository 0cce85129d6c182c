"""The last step before a network: uint8 pixels -> normalised float tensors.

The same for training and prediction.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from modular_cls.errors import ConfigError


@dataclass(frozen=True)
class Pixels:
    """The size and scale of pixels that a network was trained on.

    Args:
        size: (height, width).
        mean: Subtracted from pixel values in [0, 1], per channel.
        std: Divided by after that, per channel.
    """

    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (*self.mean, *self.std))) or not min(self.std) > 0:
            raise ConfigError(
                f"data.mean is {list(self.mean)} and data.std {list(self.std)}; they must be "
                "finite, std above 0"
            )

    @cached_property
    def _scale_offset(self) -> tuple[Tensor, Tensor]:
        scale = torch.tensor([1 / (255 * s) for s in self.std])
        offset = torch.tensor([m / s for m, s in zip(self.mean, self.std, strict=True)])
        return scale[:, None, None], offset[:, None, None]

    def __call__(self, image: np.ndarray) -> Tensor:
        """An image (H, W, 3), uint8 -> (3, H, W), float32."""
        scale, offset = self._scale_offset
        return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))) * scale - offset
