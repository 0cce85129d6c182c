"""An audit for people: tables of what there is, then one entry per finding."""

from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from modular_cls.audit.findings import LEVELS, Audit, Finding, JointClass

_MOST_ROWS = 20  # of one table
_EXAMPLES = 3
# Each of their examples is another matter.
_IN_FULL = ("spelling", "value", "schema_from_table")
_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def print_audit(audit: Audit) -> None:
    """Print an audit to the standard output."""
    console = Console(width=max(80, Console().width), highlight=False)
    looked = (
        "pictures only looked for"
        if audit.looked_at is None
        else f"{audit.looked_at:,} pictures looked at"
    )
    console.print(Text(f"{audit.manifest}: {audit.rows:,} rows, {looked}"))
    console.print(
        ", ".join(f"{name} {n:,}" for name, n in audit.labels.splits.items() if n or name != "none")
    )
    for table in _tables(audit):
        console.print(table)
    console.print(_findings(audit.findings))
    console.print(", ".join(_counted(audit.count(level), level) for level in LEVELS))


def _tables(audit: Audit) -> Iterator[Table]:
    labels = audit.labels
    yield _values(audit)
    if len(labels.together) > 1:
        yield _table(
            "known together",
            ["attributes", "rows"],
            [[", ".join(t["attributes"]) or "nothing", t["rows"]] for t in labels.together],
        )
    if labels.sources:
        columns = ["source", "rows", *labels.values]
        yield _table(
            "known by source", columns, [[name, *n.values()] for name, n in labels.sources.items()]
        )
    for name, classes in labels.classes.items():
        yield _classes(name, classes)


def _values(audit: Audit) -> Table:
    counts = audit.labels.values
    rows: list[list[str | int]] = [
        [name, ", ".join(f"{value} {n:,}" for value, n in of.items()), audit.labels.unknown[name]]
        for name, of in counts.items()
    ]
    title = "labels, as read off the table" if audit.schema_from_table else "labels"
    return _table(title, ["attribute", "rows of each value", "unknown"], rows)


def _classes(name: str, classes: list[JointClass]) -> Table:
    scarce = any(c.train != c.training for c in classes)
    shown = classes if len(classes) <= _MOST_ROWS else sorted(classes, key=lambda c: c.training)
    title = name if shown is classes else f"{name}, the rarest in training first"
    columns = [
        "joint class",
        "train",
        *(["after scarcity"] if scarce else []),
        "validation",
        "test",
    ]
    rows: list[list[str | int]] = [
        [c.name, c.train, *([c.training] if scarce else []), c.validation, c.test] for c in shown
    ]
    return _table(title, columns, rows)


def _table(title: str, columns: list[str], rows: list[list[str | int]]) -> Table:
    table = Table(title=Text(title), title_justify="left", title_style="bold")
    for i, column in enumerate(columns):
        numbers = all(isinstance(row[i], int) for row in rows)
        table.add_column(Text(column), justify="right" if numbers else "left")
    for row in rows[:_MOST_ROWS]:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else Text(cell) for cell in row))
    if len(rows) > _MOST_ROWS:
        table.add_row(f"... and {len(rows) - _MOST_ROWS:,} more")
    return table


def _findings(findings: list[Finding]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column(justify="right")
    for finding in findings:
        grid.add_row(
            Text(finding.level, _STYLES[finding.level]), f"{finding.count:,}", Text(finding.what)
        )
        if finding.advice:
            grid.add_row("", "", Text(f"to do: {finding.advice}", "dim"))
        shown = finding.examples if finding.name in _IN_FULL else finding.examples[:_EXAMPLES]
        for example in finding.kinds or shown:  # kinds say how many others are like each
            grid.add_row("", "", Padding(Text(example), (0, 0, 0, 2)))
        if not finding.kinds and len(shown) < min(finding.count, len(finding.examples)):
            grid.add_row(
                "", "", Padding(f"... and {finding.count - len(shown):,} more", (0, 0, 0, 2))
            )
    return grid


def _counted(count: int, level: str) -> str:
    return f"{count} {level}{'' if count == 1 else 's'}"
