"""Progress of long jobs: a bar with the time left.

Each that is done also has a line, which a log file keeps.
"""

import time
from collections.abc import Sequence

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_SHOWN = 2  # of what is in work


class Meter:
    """A context in which progress is shown.

    Args:
        title: What is counted.
        total: How many there are.
    """

    def __init__(self, title: str, total: int) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self.progress = Progress(*columns, speed_estimate_period=7200)
        self.task = self.progress.add_task(title, total=total)
        self.title, self.started, self.total, self.done = title, time.monotonic(), total, 0

    def __enter__(self) -> "Meter":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def count(self, name: str, number: int = 1) -> None:
        """`number` more are done; `name` says which."""
        self.done += number
        self.progress.advance(self.task, number)
        left = (time.monotonic() - self.started) / self.done * (self.total - self.done)
        self.say(f"[{self.done}/{self.total}] {name} done, about {left / 60:.0f} min left")

    def show(self, names: Sequence[str]) -> None:
        """Say beside the bar what is in work."""
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        work = f", in work: {', '.join(names[:_SHOWN])}{more}" if names else ""
        self.progress.update(self.task, description=escape(self.title + work))

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self.progress.console.print(text, markup=False, highlight=False, soft_wrap=True)
