"""Random changes of training images. The only file that knows albumentations.

albumentations 2.0.8 repeats one random stream in every loader worker and ties sibling transforms
together when seeded; handing it fresh generators before each image avoids both.
"""

import os
import random

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # its import would ask a server for news

import albumentations as A
import cv2
import numpy as np

from modular_cls.config import Augment

cv2.setNumThreads(0)  # loader processes already share the cores


class TrainTransform:
    """Augment one image; what happens to it is a function of (seed, epoch, row) alone."""

    def __init__(self, augment: Augment, seed: int) -> None:
        self.seed = seed
        self.compose = A.Compose(
            [
                A.HorizontalFlip(p=augment.flip),
                A.Affine(
                    scale=(1 - augment.scale, 1 + augment.scale),
                    translate_percent=(-augment.shift, augment.shift),
                    rotate=(-augment.rotate, augment.rotate),
                    border_mode=cv2.BORDER_REFLECT_101,
                    p=1.0,
                ),
                A.RandomBrightnessContrast(augment.brightness, augment.contrast, p=1.0),
            ]
        )

    def __call__(self, image: np.ndarray, epoch: int, row: int) -> np.ndarray:
        """Return the augmented image, of the same shape (H, W, 3) and type uint8."""
        key = (self.seed, epoch, row)
        self.compose.set_random_state(np.random.default_rng(key), random.Random(hash(key)))
        return self.compose(image=image)["image"]
