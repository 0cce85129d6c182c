"""The figure of the claim on mimics: test errors."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modular_cls.lecture.kit.curves import frame
from modular_cls.report.statistics import mean_interval
from modular_cls.report.style import COLOURS, MARKERS


def draw_errors(errors: pd.DataFrame, nets: Sequence[str]) -> Figure:
    """Test error of each net, one panel for each set and number of pictures.

    Bars are 95 % intervals over seeds.

    Args:
        errors: The table `errors` of the claim.
        nets: Their names, from the top down; the first is what the others are compared with.
    """
    groups = list(errors.groupby(["set", "pictures"], sort=False))
    figure = Figure(figsize=(3 * len(groups), 3.2), layout="constrained")
    axes = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for axis, ((of, count), rows) in zip(axes, groups, strict=True):
        _panel(axis, rows, nets)
        frame(axis, f"{of},\n{count:,} pictures", "test error, %", grid="x")
    axes[0].set_yticks(range(len(nets)), [n.replace("_", " ") for n in nets])
    axes[0].invert_yaxis()
    return figure


def _panel(axis: Axes, rows: pd.DataFrame, nets: Sequence[str]) -> None:
    for i, net in enumerate(nets):
        estimate = mean_interval((100 * rows.loc[rows["net"] == net, "error"]).tolist())
        colour, marker, half = COLOURS[i], MARKERS[i], np.nan_to_num(estimate.half)
        axis.errorbar(estimate.mean, i, xerr=half, color=colour, marker=marker, capsize=3)
        if not i:
            axis.axvline(estimate.mean, color="#808080", linestyle=":", linewidth=0.8, zorder=0)
    axis.margins(x=0.15, y=0.12)
