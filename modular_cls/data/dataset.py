"""A manifest as a torch dataset: decode, transform, and the target of every output."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from modular_cls.data.images import read_image
from modular_cls.data.manifest import Manifest
from modular_cls.data.preparation import Pixels

Example = dict[str, Any]
Batch = dict[str, Any]
Key = int | tuple[int, int]  # a position; or (epoch, position), where something is random


class AttributeDataset(Dataset[Example]):
    """Images and targets of a manifest, one by one, or a batch at a time as a loader asks.

    An item is `{"image": (3, H, W) float32, "target": {name: int}, "row": int}`, with a target for
    every attribute, composite and joint space of the schema; -1 where unknown. It is asked for by
    `(epoch, position)`, or by position alone where nothing is random.

    Args:
        manifest: The images, in order.
        pixels: Size to resize to, and scale.
        transform: Called as `transform(image, epoch, row)`; None leaves images alone.
    """

    def __init__(
        self,
        manifest: Manifest,
        pixels: Pixels,
        transform: Callable[[np.ndarray, int, int], np.ndarray] | None = None,
    ) -> None:
        self.manifest = manifest
        self.transform = transform
        self.pixels = pixels
        schema = manifest.schema
        self.targets = {
            c.name: torch.from_numpy(manifest.targets(c)) for c in (*schema.outputs, *schema.joints)
        }
        self._decoded: Sequence[np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.manifest)

    def __getitem__(self, key: Key) -> Example:
        _, position = _epoch_position(key)
        target = {name: int(values[position]) for name, values in self.targets.items()}
        row = int(self.manifest.rows[position])
        return {"image": self.pixels(self._image(key)), "target": target, "row": row}

    def __getitems__(self, keys: Sequence[Key]) -> Batch:
        """The items of some keys, stacked: image (B, 3, H, W), targets and rows (B,) int64.

        What is the same for all is done once: torch's loaders call this where they find it.
        """
        positions = [_epoch_position(key)[1] for key in keys]
        return {
            "image": self.pixels(np.stack([self._image(key) for key in keys])),
            "target": {name: values[positions] for name, values in self.targets.items()},
            "row": torch.from_numpy(self.manifest.rows[positions]),
        }

    @property
    def bytes_decoded(self) -> int:
        """What all images need once decoded, in bytes."""
        return len(self) * math.prod(self.pixels.size) * 3

    def decode(self, position: int) -> np.ndarray:
        """Read one image, shape (H, W, 3), uint8; raises ImageError naming its manifest row."""
        manifest = self.manifest
        return read_image(
            manifest.file(position),
            manifest.named(position),
            self.pixels.size,
            manifest.box(position),
            self.pixels.range,
            self.pixels.fit,
        )

    @property
    def is_decoded(self) -> bool:
        """Whether images come decoded."""
        return self._decoded is not None

    @property
    def content(self) -> np.ndarray | None:
        """Numbers that are equal where pictures are, shape (N,); None if not decoded by a cache."""
        return getattr(self._decoded, "content", None)

    def keep_decoded(self, images: Sequence[np.ndarray] | None) -> None:
        """Serve these images from now on: N of shape (H, W, 3), uint8; None reads them anew."""
        self._decoded = images

    def share_decoded(self, other: "AttributeDataset") -> None:
        """Serve the images that another dataset of the same rows holds decoded, if it does."""
        self.keep_decoded(other._decoded)

    def _image(self, key: Key) -> np.ndarray:
        """One image, shape (H, W, 3), uint8, changed at random where there is a transform."""
        epoch, position = _epoch_position(key)
        image = self._decoded[position] if self._decoded is not None else self.decode(position)
        if self.transform is None:
            return image
        return self.transform(image, epoch, int(self.manifest.rows[position]))


def as_it_is(batch: Any) -> Any:
    """What a loader does with a batch that `AttributeDataset` has stacked: nothing."""
    return batch


def _epoch_position(key: Key) -> tuple[int, int]:
    return key if isinstance(key, tuple) else (0, key)
