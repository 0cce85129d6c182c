"""The images of a whole training in order, update after update, as `(epoch, position)` pairs.

One pass of the loader is the whole run, so a fixed number of updates needs no epochs, no batch is
short, and loader processes start once. `epoch` and the image's row decide its augmentation.
"""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class UpdateSampler(Sampler[tuple[int, int]]):
    """Shuffled passes over all images.

    Each image has its place in each pass by a random key of (seed, epoch, row): images that two
    scarcity levels share come in the same relative order.

    Args:
        rows: The manifest row of each position, shape (N,).
        length: Number of images to yield: updates times batch size.
        seed: Which order.
    """

    def __init__(self, rows: np.ndarray, length: int, seed: int) -> None:
        self.rows = rows
        self.length = length
        self.seed = seed

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for i in range(self.length):
            epoch, place = divmod(i, len(self.rows))
            if place == 0:
                keys = np.random.default_rng((self.seed, epoch)).random(int(self.rows.max()) + 1)
                order = np.argsort(keys[self.rows], kind="stable")
            yield epoch, int(order[place])


class BalancedSampler(Sampler[tuple[int, int]]):
    """Every joint class equally often.

    A class at random, then one of its images (after Kang et al., ICLR 2020).

    A class without images has no turn. Images are drawn with replacement; each draw counts as an
    epoch of its own, so that an image drawn twice is augmented twice.

    Args:
        targets: The joint class of each position, shape (N,); -1 (not fully known) is never drawn.
        length: Number of images to yield: updates times batch size.
        seed: Which order.
    """

    def __init__(self, targets: np.ndarray, length: int, seed: int) -> None:
        self.classes = [np.flatnonzero(targets == z) for z in np.unique(targets[targets >= 0])]
        self.length = length
        self.seed = seed

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        rng = np.random.default_rng(self.seed)
        for i in range(self.length):
            yield i, int(rng.choice(self.classes[rng.integers(len(self.classes))]))
