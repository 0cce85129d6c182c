"""Figures of the claim on speech: errors, variance by layer, speakers in the layers, learned filters."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modular_cls.lecture.lab import Arrays
from modular_cls.lecture.recordings import RATE, mel_filters
from modular_cls.lecture.spoken_nets import LAYERS
from modular_cls.report.statistics import mean_interval
from modular_cls.report.style import COLOURS, LINES, MARKERS

_PROJECTED = ("input", "layer 1", "layer 3", "last hidden")
_DEEPEST = -30  # dB below its highest place, in the picture of a filter


def errors(table: pd.DataFrame, pipelines: Sequence[str]) -> Figure:
    """Left: error against the number of training recordings. Right: every speaker's, with all recordings."""
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.2, 1))
    sizes = list(dict.fromkeys(table["recordings"]))
    for i, pipeline in enumerate(pipelines):
        mine = table[table["pipeline"] == pipeline]
        found = [mean_interval(mine.loc[mine["recordings"] == size, "error"].tolist()) for size in sizes]
        look = {"color": COLOURS[i], "marker": MARKERS[i], "markersize": 6, "label": pipeline}
        places = np.arange(len(sizes)) + 0.06 * (i - (len(pipelines) - 1) / 2)
        left.errorbar(places, [100 * e.mean for e in found], np.nan_to_num([100 * e.half for e in found]),
                      linestyle=LINES[i], capsize=2, elinewidth=0.8, **look)  # fmt: skip
        last = mine[mine["recordings"] == sizes[-1]]
        right.plot(last["seed"] + 0.1 * (i - (len(pipelines) - 1) / 2), 100 * last["error"], linestyle="", **look)
    left.set_xticks(range(len(sizes)), sizes)
    left.set_xlim(-0.4, len(sizes) - 0.6)
    left.set_xlabel("training recordings")
    left.set_title("mean over speakers held out", fontsize=11)
    right.set_xticks(range(int(table["seed"].max()) + 1))
    right.set_xlim(-0.5, table["seed"].max() + 0.5)
    right.set_xlabel("number of the speaker held out")
    right.set_title(f"each speaker, {sizes[-1]} recordings of the others", fontsize=11)
    for axis in (left, right):
        axis.set_ylim(0)
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:.0f} %")
        _frame(axis)
    left.set_ylabel("error on a speaker never heard")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=len(pipelines), frameon=False)
    return figure


def shares(table: pd.DataFrame) -> Figure:
    """Shares of the variance explained by word and by speaker from layer to layer, trained and untrained."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    layers = ["input", *LAYERS]
    for axis, net in zip(figure.subplots(1, 2, sharey=True), ("trained", "untrained"), strict=True):
        for i, factor in enumerate(("word", "speaker")):
            mine = table[table["net"] == net]
            found = [mean_interval(mine.loc[mine["layer"] == layer, factor].tolist()) for layer in layers]
            means, halves = [100 * e.mean for e in found], np.nan_to_num([100 * e.half for e in found])
            axis.errorbar(range(len(layers)), means, halves, color=COLOURS[i], marker=MARKERS[i], linestyle=LINES[i],
                          capsize=2, label=f"the {factor}")  # fmt: skip
        axis.set_xticks(range(len(layers)), [layer.replace(" ", "\n", 1) for layer in layers])
        axis.set_title(f"{net} net on log-mel", fontsize=11)
        axis.set_ylim(0, 100)
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:.0f} %")
        _frame(axis)
    first = figure.axes[0]
    first.set_ylabel("variance explained by")
    first.legend(frameon=False, loc="upper left")
    return figure


def projections(found: Arrays) -> Figure:
    """Two principal components of layers; the same points twice: coloured by word, and by speaker."""
    figure = Figure(figsize=(13, 6.8), layout="constrained")
    axes = figure.subplots(2, len(_PROJECTED))
    for row, (colour, marker) in enumerate((("words", "speakers"), ("speakers", "words"))):
        for axis, layer in zip(axes[row], _PROJECTED, strict=True):
            _scatter(axis, found[layer], found[colour], found[marker])
            axis.set_title(layer, fontsize=11)
            axis.set(xticks=[], yticks=[])
        handles = [
            axes[row, 0].scatter([], [], color=COLOURS[i % len(COLOURS)], label=str(name))
            for i, name in enumerate(np.unique(found[colour]))
        ]
        axes[row, -1].legend(
            handles=handles, title=f"colour: {colour[:-1]}\n(marker: {marker[:-1]})", loc="center left",
            bbox_to_anchor=(1.02, 0.5), frameon=False, alignment="left",
        )  # fmt: skip
    return figure


def filters(responses: Mapping[str, np.ndarray]) -> Figure:
    """What each filter lets through: mel filters, learned and untrained ones; then their centres side by side."""
    figure = Figure(figsize=(13, 4), layout="constrained")
    axes = figure.subplots(1, 4)
    shown = {"mel": mel_filters(), **responses}
    for i, (axis, (name, response)) in enumerate(zip(axes, shown.items(), strict=False)):
        decibel = 10 * np.log10(response / response.max(1, keepdims=True) + 1e-9)
        image = axis.imshow(decibel.T, origin="lower", aspect="auto", cmap="viridis", vmin=_DEEPEST, vmax=0,
                            extent=(-0.5, len(response) - 0.5, 0, RATE / 2000))  # fmt: skip
        axis.set_title(f"{name} filters", fontsize=11)
        centres = response.argmax(1) * RATE / 2000 / (response.shape[1] - 1)
        axes[-1].plot(centres, color=COLOURS[i], linestyle=LINES[i], marker=MARKERS[i], markersize=4, label=name)
    figure.colorbar(image, ax=axes[2], label="dB below its highest")
    for axis in axes:
        axis.set_xlabel("filter, sorted by centre")
    axes[0].set_ylabel("frequency (kHz)")
    axes[-1].set_title("centres", fontsize=11)
    axes[-1].legend(frameon=False)
    _frame(axes[-1])
    return figure


def _scatter(axis: Axes, points: np.ndarray, colours: np.ndarray, markers: np.ndarray) -> None:
    ink = np.array(COLOURS)[np.unique(colours, return_inverse=True)[1] % len(COLOURS)]
    for i, marker in enumerate(np.unique(markers)):
        here = markers == marker
        axis.scatter(points[here, 0], points[here, 1], s=16, c=ink[here], marker=MARKERS[i % len(MARKERS)], alpha=0.8,
                     linewidths=0)  # fmt: skip


def _frame(axis: Axes) -> None:
    axis.grid(axis="y", color="#e5e5e5", linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)
