"""Figures of a comparison.

Scores against the number kept, recall of each class, confusion, missed images.
"""

import math
from collections.abc import Sequence
from itertools import chain

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modular_cls.report.comparison import Comparison, kept
from modular_cls.report.misses import MissedImage
from modular_cls.report.results import ALL
from modular_cls.report.statistics import mean_interval
from modular_cls.report.style import Style, styles
from modular_cls.runs.score_table import MISSING, NAMES, SCORES

_PANELS = 4  # side by side
_MOST_BARS = 24  # joint classes in the figure of recall
_MOST_NUMBERS = 12  # joint classes up to which a confusion matrix is written out
_MOST_TICKS = 40


def curves(comparison: Comparison) -> Figure:
    """Each score against the number kept, one panel a score; bars are 95 % intervals."""
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    axes = figure.subplots(1, len(SCORES))
    looks = styles(comparison)
    places = _places(comparison.keeps)
    for axis, score in zip(axes, SCORES, strict=True):
        # The grey ones first, so that those that matter lie on top.
        for method in sorted(looks, key=lambda m: looks[m].strong):
            _curve(
                axis,
                comparison,
                (method, score),
                np.array(places) + looks[method].shift,
                looks[method],
            )
        _frame(axis, comparison.keeps, places, score)
    handles, labels = axes[0].get_legend_handles_labels()
    by_method = dict(zip(labels, handles, strict=True))
    figure.legend(
        [by_method[m] for m in looks],
        list(looks),
        loc="outside right upper",
        frameon=False,
        fontsize=9,
    )
    return figure


def recalls(comparison: Comparison) -> Figure:
    """Recall of each joint class, methods side by side, one panel per number kept."""
    keeps, looks = comparison.keeps, styles(comparison)
    classes = _classes(comparison)
    width = max(3.6, len(classes) * max(0.55, 0.16 * (len(looks) + 1)))  # names need room, too
    columns = min(len(keeps), _PANELS)
    rows = math.ceil(len(keeps) / columns)
    figure = Figure(
        figsize=(min(1.5 + width * columns, 40), 0.8 + 3.0 * rows), layout="constrained"
    )
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for axis in axes[len(keeps) :]:
        axis.set_visible(False)
    for axis, keep in zip(axes, keeps, strict=False):
        for i, (method, look) in enumerate(looks.items()):
            _bars(axis, comparison, (method, keep), classes, look, (i, len(looks)))
        axis.set_xticks(range(len(classes)), [c.replace("_", "\n") for c in classes], fontsize=8)
        axis.set_title(kept(keep), fontsize=10)
        axis.set_ylabel("recall on test images" if axis in axes[::columns] else "")
        axis.set_ylim(0, 1.08)
        axis.spines[["top", "right"]].set_visible(False)
    if len(classes) == _MOST_BARS:
        figure.suptitle(f"the {_MOST_BARS} joint classes with the lowest recall", fontsize=10)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=min(4, len(labels)),
        frameon=False,
        fontsize=9,
    )
    return figure


def confusions(comparison: Comparison) -> Figure | None:
    """Confusion matrices of the reference and of the best flat method.

    Where few images are kept, and where some are.
    """
    keeps = comparison.telling_keeps
    pairs = [[comparison.reference, comparison.best(comparison.flats, keep)] for keep in keeps]
    shown = [
        (m, keep)
        for i in range(2)
        for keep, pair in zip(keeps, pairs, strict=True)
        if (m := pair[i])
    ]
    shown = [cell for cell in shown if comparison.scores(*cell, "balanced_accuracy")]
    if not shown:
        return None
    columns = min(2, len(shown))
    rows = math.ceil(len(shown) / columns)
    classes = list(comparison.cell(*shown[0])[0].value(comparison.composite, "support"))
    names = 0.09 * max(map(len, classes))  # inches that their names take, on both axes
    side = max(3.8, min(14.0, 0.5 * len(classes) + names + 1.2))
    figure = Figure(figsize=(side * columns, (side + 0.5) * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[len(shown) :]:
        axis.set_visible(False)
    for axis, cell in zip(axes, shown, strict=False):
        _matrix(axis, comparison, *cell, classes)
    return figure


def contact_sheet(images: Sequence[MissedImage], pictures: Sequence[np.ndarray]) -> Figure:
    """Missed images in a grid; under each, how often it was missed and for what it was taken."""
    columns = min(6, len(images))
    rows = math.ceil(len(images) / columns)
    figure = Figure(figsize=(1.9 * columns, 2.3 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, image, picture in zip(axes, images, pictures, strict=False):
        axis.imshow(picture)
        caption = f"missed in {100 * image.share:.0f} %\nas {image.mistaken_for}"
        axis.text(0.5, -0.03, caption, ha="center", va="top", fontsize=8, transform=axis.transAxes)
    return figure


def _places(keeps: Sequence[str]) -> list[float]:
    """Where numbers kept stand: log(1 + k), `all` one further; evenly where some are lists."""
    if not all(k.isdigit() or k == ALL for k in keeps):
        return [float(i) for i in range(len(keeps))]
    places = [math.log1p(int(k)) for k in keeps if k != ALL]
    return [*places, (places[-1] if places else 0.0) + 1.0] if ALL in keeps else places


def _curve(
    axis: Axes, comparison: Comparison, what: tuple[str, str], places: np.ndarray, look: Style
) -> None:
    method, score = what
    estimates = [comparison.estimate(method, keep, score) for keep in comparison.keeps]
    means, halves = np.array([(e.mean, e.half) for e in estimates]).reshape(-1, 2).T
    # Missing cells leave no gap: a line between the cells that exist is easier to follow.
    known = ~np.isnan(means)
    axis.errorbar(
        places[known],
        means[known],
        np.nan_to_num(halves[known]) if look.strong else None,
        color=look.colour,
        marker=look.marker,
        linestyle=look.line,
        label=method,
        linewidth=1.7 if look.strong else 0.6,
        markersize=6,
        markerfacecolor=look.ink,
        markeredgecolor=look.ink,
        markeredgewidth=0.3,
        elinewidth=0.8,
        capsize=2,
        zorder=3 if look.strong else 2,
    )


def _frame(axis: Axes, keeps: Sequence[str], places: list[float], score: str) -> None:
    axis.set_title(NAMES[score], fontsize=11)
    axis.set_xlabel("rare training images kept, k (log scale)")
    axis.set_xticks(places, keeps)
    if keeps[-1] == ALL and len(keeps) > 1:
        axis.axvline(places[-1] - 0.5, color="#cccccc", linestyle=":", linewidth=0.8)
    means = [
        y for line in axis.lines for y in np.asarray(line.get_ydata(), dtype=float) if 0 < y < 1
    ]
    low = math.floor(20 * min(means, default=0.0)) / 20 if score == "balanced_accuracy" else 0.0
    axis.set_ylim(low - 0.02, 1.02)
    axis.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axis.grid(axis="y", color="#e5e5e5", linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)


def _classes(comparison: Comparison) -> list[str]:
    """Joint classes to show: all, or those recognised worst where they are too many."""
    recalls = [r.value(comparison.composite, "recall") or {} for r in comparison.runs]
    means = {}
    for name in dict.fromkeys(chain.from_iterable(recalls)):
        means[name] = mean_interval([r[name] for r in recalls if r.get(name) is not None]).mean
    worst = sorted(means, key=lambda c: (math.isnan(means[c]), means[c]))[:_MOST_BARS]
    return [c for c in means if c in worst]


def _bars(
    axis: Axes,
    comparison: Comparison,
    cell: tuple[str, str],
    classes: list[str],
    look: Style,
    place: tuple[int, int],
) -> None:
    estimates = [comparison.estimate(*cell, c) for c in classes]
    means = np.nan_to_num([e.mean for e in estimates])
    i, methods = place
    places = np.arange(len(classes)) + (i - (methods - 1) / 2) * 0.8 / methods
    label = cell[0] if look.strong else f"{look.marker}  {cell[0]}"
    axis.bar(
        places,
        means,
        0.76 / methods,
        color=look.colour,
        hatch=look.hatch,
        edgecolor="white",
        linewidth=0,
        label=label,
        yerr=np.nan_to_num([e.half for e in estimates]),
        error_kw={"lw": 0.8},
    )
    for x, mean, estimate in zip(places, means, estimates, strict=True):
        if not estimate.count:  # not 0: there is nothing to show
            axis.text(x, 0.01, MISSING, ha="center", va="bottom", fontsize=7)
        elif methods <= 3:
            axis.text(x, mean + 0.01, f"{100 * mean:.0f}", ha="center", va="bottom", fontsize=7)
        elif not look.strong:
            axis.text(x, 0.01, look.marker, ha="center", va="bottom", fontsize=7)


def _matrix(axis: Axes, comparison: Comparison, method: str, keep: str, classes: list[str]) -> None:
    counts = sum(
        np.array(r.value(comparison.composite, "confusion"), float)
        for r in comparison.cell(method, keep)
    )
    totals = np.asarray(counts).sum(1, keepdims=True)
    shares = 100 * np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    axis.imshow(shares, cmap="Greys", vmin=0, vmax=100)
    axis.set_title(f"{method}, {kept(keep)}", fontsize=10)
    axis.set_xlabel("predicted")
    axis.set_ylabel("true (% of its test images)")
    if len(classes) <= _MOST_TICKS:
        axis.set_xticks(range(len(classes)), classes, rotation=90, fontsize=8)
        axis.set_yticks(range(len(classes)), classes, fontsize=8)
    if len(classes) <= _MOST_NUMBERS:
        for (row, column), share in np.ndenumerate(shares):
            axis.text(
                column,
                row,
                f"{share:.0f}" if share >= 1 or share == 0 else f"{share:.1f}",
                ha="center",
                va="center",
                fontsize=9,
                color="white" if share > 50 else "black",
            )
