"""The same for each of many pictures, on all cores."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from modular_cls.errors import ImageError

_T = TypeVar("_T")


def on_all_cores(
    do: Callable[[int], _T],
    positions: Sequence[int],
    title: str,
    console: Console | None = None,
    passing: bool = False,
) -> Iterator[tuple[int, _T | ImageError]]:
    """Do something for each position, in order; an ImageError is a result like any other.

    Args:
        do: What to do; it spends its time outside Python's lock, as Pillow decodes.
        positions: For which.
        title: What to call it in a progress bar; blank shows none.
        console: Where the bar goes.
        passing: The bar goes when it is full: another one follows that says the same.
    """

    def attempt(i: int) -> tuple[int, _T | ImageError]:
        try:
            return i, do(i)
        except ImageError as error:
            return i, error

    threads = count_cores()
    window = 64 * threads  # results wait for their turn; not all of them, for they need memory
    with ThreadPoolExecutor(threads) as pool:
        windows = (positions[i : i + window] for i in range(0, len(positions), window))
        results = (result for part in windows for result in pool.map(attempt, part))
        silent = not (title and positions)
        yield from track(
            results, title, len(positions), console=console, transient=passing, disable=silent
        )


def count_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
