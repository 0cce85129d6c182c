"""Metrics of one run for the terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table

from modular_cls.runs.score_table import NAMES, SCORES, percent

_MOST_ROWS = 40  # of the classes of one output


def print_metrics(outputs: dict[str, Any], title: str, split: str = "test") -> None:
    """Print recall and support per class of each composite, then the summary scores."""
    console = Console(width=max(80, Console().width))
    for name, values in outputs.items():
        if "rare_class_recall" in values:
            console.print(_classes(values, f"{title}: {name}", split))
            console.print(
                "   ".join(f"{NAMES[score]} {percent(values[score], '-')}" for score in SCORES)
            )
    basic = {name: values for name, values in outputs.items() if "rare_class_recall" not in values}
    console.print(
        "   ".join(
            f"{name} {percent(values['balanced_accuracy'], '-')}" for name, values in basic.items()
        )
    )


def _classes(values: dict[str, Any], title: str, split: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("joint class")
    table.add_column("recall", justify="right")
    table.add_column(f"{split} images", justify="right")
    recalls, more = values["recall"], len(values["recall"]) - _MOST_ROWS
    shown = list(recalls)
    if more > 0:
        shown = sorted((n for n in shown if recalls[n] is not None), key=recalls.__getitem__)
        table.caption = f"the lowest recall of {len(recalls):,} joint classes; all: metrics.json"
    for label in shown[:_MOST_ROWS]:
        table.add_row(label, percent(recalls[label], "-"), str(values["support"][label]))
    return table
