"""How measurements are printed: medians with their range."""

from statistics import median

from rich.console import Console
from rich.table import Table


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
