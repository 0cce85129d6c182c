"""How many pictures pass the network at once: what is fastest here, found on the way."""

import itertools
import math
from collections.abc import Iterator
from typing import TypeVar

_T = TypeVar("_T")
SIZES = (32, 64, 128, 256)
_TRIALS = 2  # batches of each size, for the very first one also warms up


class BatchSizes:
    """The size of each batch; those of the trial are pictures of the job like all others.

    Args:
        fixed: One size for all; None to try.

    Attributes:
        size: Of the next batch.

    Example:
        >>> sizes = BatchSizes(fixed=None)
        >>> first = next(sizes.cut(iter(range(1000))))
        >>> sizes.took(seconds=0.5, pictures=len(first))
        >>> len(first), sizes.size
        (32, 64)
    """

    def __init__(self, fixed: int | None) -> None:
        self._left = iter(() if fixed else SIZES * _TRIALS)
        self._seconds: dict[int, float] = {}  # per picture, by size
        self.size = fixed or next(self._left)

    def took(self, seconds: float, pictures: int) -> None:
        """Tell how long the last batch took, and how many pictures it had."""
        if pictures:
            earlier = self._seconds.get(self.size, math.inf)
            self._seconds[self.size] = min(seconds / pictures, earlier)
        fastest = min(self._seconds, key=self._seconds.__getitem__, default=self.size)
        self.size = next(self._left, fastest)

    def cut(self, items: Iterator[_T]) -> Iterator[list[_T]]:
        """Cut items into batches."""
        while batch := list(itertools.islice(items, self.size)):
            yield batch
