"""The lines of the lecture's figures.

Means over seeds with 95 % intervals, told apart by colour, marker and dashes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from modular_cls.report.statistics import mean_interval
from modular_cls.report.style import COLOURS, LINES, MARKERS


def curve(
    axis: Axes,
    rows: pd.DataFrame,
    across: str,
    up: str,
    look: int,
    label: str | None = None,
    at: Sequence[float] | np.ndarray | None = None,
    **marks: Any,
) -> None:
    """Draw one line.

    Args:
        axis: Where.
        rows: Several seeds at each place.
        across: Column of the places.
        up: Column that is averaged.
        look: Number of its colour, marker and dashes.
        label: For the legend.
        at: Where the places lie, in the order in which they appear; default their own numbers,
            ascending.
        marks: Of `Axes.errorbar`, over those of `look`.
    """
    groups = rows.dropna(subset=[up]).groupby(across, sort=at is None)[up]
    estimates = {place: mean_interval(values.astype(float).tolist()) for place, values in groups}
    means, halves = (
        [e.mean for e in estimates.values()],
        np.nan_to_num([e.half for e in estimates.values()]),
    )
    plain = {
        "color": COLOURS[look],
        "marker": MARKERS[look],
        "linestyle": LINES[look],
        "linewidth": 1.7,
        "elinewidth": 0.8,
        "capsize": 2,
    }
    places = np.array([float(str(place)) for place in estimates]) if at is None else np.array(at)
    axis.errorbar(places, means, halves, label=label, **(plain | marks))


def frame(
    axis: Axes, title: str, across: str, up: str = "", grid: str = "y", percent: bool = False
) -> None:
    """Title, names of both axes and a light grid; fractions can be written as percent."""
    axis.set_title(title, fontsize="medium")
    axis.set_xlabel(across)
    axis.set_ylabel(up)
    axis.grid(axis=grid, color="#e5e5e5", linewidth=0.6)  # type: ignore[arg-type]  # x, y or both
    axis.spines[["top", "right"]].set_visible(False)
    if percent:
        axis.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
