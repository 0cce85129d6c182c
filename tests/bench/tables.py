"""How measurements are printed, kept and held to their limits: medians with their range."""

import csv
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One number measured.

    Attributes:
        name: What it is.
        values: One a round.
        at_most: The limit of the median, if that is one.
        at_least: Likewise.
    """

    name: str
    values: list[float]
    at_most: float | None = None
    at_least: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the median is within the limits."""
        middle = median(self.values)
        above = self.at_most is None or middle <= self.at_most
        return above and (self.at_least is None or middle >= self.at_least)

    @property
    def limit(self) -> str:
        """The limit in words; blank where there is none."""
        words = (("at most", self.at_most), ("at least", self.at_least))
        return ", ".join(f"{word} {limit:g}" for word, limit in words if limit is not None)


class Results:
    """What was measured, for a file and for the exit status."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def held(
        self,
        name: str,
        values: list[float],
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> str:
        """Keep a number; returns its limit and whether it holds, for the table."""
        self.rows.append(row := Row(name, values, at_most, at_least))
        return f"{row.limit}: {yes(row.holds)}" if row.limit else ""

    def missed(self) -> list[str]:
        """The numbers beyond their limits, in words."""
        return [
            f"{row.name}: {median(row.values):.3g}, {row.limit}"
            for row in self.rows
            if not row.holds
        ]

    def write(self, path: Path, renew: bool = False) -> None:
        """Write all numbers as CSV, with the machine and its load beside them.

        Args:
            path: The file.
            renew: Leave numbers of other names that are there already.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        machine = f"{os.cpu_count()} cores, {platform.machine()}, load {os.getloadavg()[1]:.1f}"
        rows: dict[str, list[str]] = {}
        if renew and path.is_file():
            with path.open(encoding="utf-8", newline="") as file:
                rows = {row[0]: row for row in list(csv.reader(file))[1:]}
        for row in self.rows:
            numbers = (median(row.values), min(row.values), max(row.values))
            told = [f"{number:.4g}" for number in numbers]
            holds = yes(row.holds) if row.limit else ""
            rows[row.name] = [row.name, *told, str(len(row.values)), row.limit, holds, machine]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["name", "median", "least", "most", "rounds", "limit", "holds", "on"])
            writer.writerows(rows.values())


RESULTS = Results()


def spread(values: list[float], unit: str = "", digits: int = 3) -> str:
    """Median (min - max), with a unit."""
    middle, low, high = (f"{v:.{digits}f}" for v in (median(values), min(values), max(values)))
    return f"{middle} ({low} - {high}) {unit}".rstrip()


def show(title: str, rows: list[tuple[str, str, str]]) -> None:
    """Print a table; values are medians with their range."""
    table = Table("", "median (min - max)", "", title=f"\n{title}", title_justify="left")
    for row in rows:
        table.add_row(*row)
    Console(width=110).print(table)


def yes(holds: bool) -> str:
    """Yes or no."""
    return "yes" if holds else "no"
