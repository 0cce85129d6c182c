"""The images of a whole training in order, update after update, as `(epoch, position)` pairs.

One pass of the loader is the whole run, so a fixed number of updates needs no epochs, no batch is
short, and loader processes start once. `epoch` and the image's row decide its augmentation.
"""

import math
from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class UpdateSampler(Sampler[tuple[int, int]]):
    """Shuffled passes over all images.

    Each image has its place in each pass by a random key of (seed, epoch, row): images that two
    scarcity levels share come in the same relative order.

    Args:
        rows: The manifest row of each position, shape (N,).
        length: Number of images in all: updates times batch size.
        seed: Which order.
        start: How many of them were seen before; the length stays what it is for a whole training.

    Example:
        >>> passes = list(UpdateSampler(rows=np.array([2, 3, 4]), length=6, seed=0))
        >>> [epoch for epoch, _ in passes], sorted(position for _, position in passes[3:])
        ([0, 0, 0, 1, 1, 1], [0, 1, 2])
        >>> list(UpdateSampler(np.array([2, 3, 4]), 6, seed=0, start=4)) == passes[4:]
        True
    """

    def __init__(self, rows: np.ndarray, length: int, seed: int, start: int = 0) -> None:
        self.rows = rows
        self.length = length
        self.seed = seed
        self.start = start

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for i in range(self.start, self.length):
            epoch, place = divmod(i, len(self.rows))
            if place == 0 or i == self.start:
                # One for every row of the table, there or not: what is left out moves no other.
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
        length: Number of images in all: updates times batch size.
        seed: Which order.
        start: As for `UpdateSampler`; what was drawn before is drawn once more, and left out.
    """

    def __init__(self, targets: np.ndarray, length: int, seed: int, start: int = 0) -> None:
        self.classes = [np.flatnonzero(targets == z) for z in np.unique(targets[targets >= 0])]
        self.length = length
        self.seed = seed
        self.start = start

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        rng = np.random.default_rng(self.seed)
        for i in range(self.length):
            drawn = self.classes[rng.integers(len(self.classes))]
            position = drawn[rng.integers(len(drawn))]
            if i >= self.start:
                yield i, int(position)


class SharedSampler(Sampler[tuple[int, int]]):
    """The part of one of several processes: of each batch of the whole, its share.

    Args:
        whole: What one process alone would see.
        batch: Images of an update, over all processes.
        process: Which of them, from 0.
        processes: How many there are.
    """

    def __init__(
        self, whole: UpdateSampler | BalancedSampler, batch: int, process: int, processes: int
    ) -> None:
        self.whole, self.batch, self.process, self.share = whole, batch, process, batch // processes
        self.length = whole.length // processes

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for i, item in enumerate(self.whole):  # a start is the start of a batch
            if i % self.batch // self.share == self.process:
                yield item


class SharedBatches(Sampler[list[int]]):
    """The part of one of several processes of images that are seen once each, none twice.

    Every process has as many batches, for they wait for one another.

    Args:
        images: Number of images, at least as many as processes.
        batch: Most images of a batch; one more where another batch of each could not be filled.
        process: Which of the processes, from 0.
        processes: How many there are.
    """

    def __init__(self, images: int, batch: int, process: int, processes: int) -> None:
        each = math.ceil(images / (processes * batch))
        parts = np.array_split(np.arange(images), processes * min(each, images // processes))
        self.batches = [part.tolist() for part in parts[process::processes]]

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.batches)
