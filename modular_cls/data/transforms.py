"""Random changes of training images: ours, or a pipeline of the user's (pipelines.py).

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
from modular_cls.data.pipelines import build_pipeline, refuse_other

cv2.setNumThreads(0)  # loader processes already share the cores


class TrainTransform:
    """Augment one image; what happens to it is a function of (seed, epoch, row) alone.

    Args:
        augment: What is changed.
        seed: Decides how.
        pipeline: What is done instead, as `A.save` writes it.
    """

    def __init__(self, augment: Augment, seed: int, pipeline: object = None) -> None:
        self.seed, self.checked = seed, pipeline is not None
        self.compose = _ours(augment) if pipeline is None else build_pipeline(pipeline)

    def __call__(self, image: np.ndarray, epoch: int, row: int) -> np.ndarray:
        """Return the augmented image, of the same shape (H, W, 3) and type uint8."""
        key = (self.seed, epoch, row)
        # The hash of numbers is the same in every process, unlike that of text.
        self.compose.set_random_state(np.random.default_rng(key), random.Random(hash(key)))
        changed: np.ndarray = self.compose(image=image)["image"]
        if self.checked:
            refuse_other(changed, image, f", row {row}")
        return changed


def _ours(augment: Augment) -> A.Compose:
    return A.Compose(
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
