"""The figures of the claim on circuits: gates, neurons and linear pieces."""

from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modular_cls.lecture.constructed import corners, folding_net
from modular_cls.lecture.kit.curves import curve, frame
from modular_cls.report.style import COLOURS


def draw_parity(parity: pd.DataFrame, learned: pd.DataFrame) -> Figure:
    """Gates of built circuits and neurons of learned nets against bits.

    Args:
        parity: The table `parity` of the claim.
        learned: The table `learned` of the claim.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    _lines(left, parity, ("network", "bits", "gates"), str)
    _on_log_axis(left, "parity, built", "bits", "gates or threshold units", 10)
    _lines(right, learned, ("depth", "bits", "neurons"), _layers)
    bits, enough = sorted(learned["bits"].unique()), "one hidden layer: these suffice"
    right.plot(bits, bits, color="#808080", linestyle=":", linewidth=1, label=enough)
    smallest = "hidden neurons of the smallest net"
    _on_log_axis(right, "parity, learned by gradient descent", "bits", smallest, 2)
    return figure


def draw_folding(table: pd.DataFrame) -> Figure:
    """Linear pieces against parameters, beside the functions that fold; `table` is `folding`."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    grid = figure.add_gridspec(2, 4)
    pieces = figure.add_subplot(grid[:, :2])
    _lines(pieces, table, ("network", "parameters", "pieces"), str)
    _on_log_axis(pieces, "nets with as many parameters", "parameters", "linear pieces", 2)
    for n in range(1, 5):
        axis = figure.add_subplot(grid[(n - 1) // 2, 2 + (n - 1) % 2])
        axis.plot(
            *zip(*((float(x), float(y)) for x, y in corners(folding_net(n))), strict=True),
            color=COLOURS[0],
        )
        axis.set_title(f"{n} layer{'s' * (n > 1)}, {2**n} pieces", fontsize=9)
        axis.set_xticks([0, 1])
        axis.set_yticks([0, 1])
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def _lines(
    axis: Axes, table: pd.DataFrame, columns: tuple[str, str, str], name: Callable[..., str]
) -> None:
    """One line for each kind of net, with the interval over seeds."""
    kind, across, up = columns
    for i, (value, rows) in enumerate(table.groupby(kind, sort=False)):
        curve(axis, rows, across, up, i, name(value), markersize=5)


def _on_log_axis(axis: Axes, title: str, across: str, up: str, base: int) -> None:
    axis.set_yscale("log", base=base)
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    frame(axis, title, across, up)
    axis.legend(frameon=False)


def _layers(depth: int) -> str:
    return f"{depth} hidden layer{'s' * (depth > 1)}"
