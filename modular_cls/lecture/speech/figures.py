"""Figures of the claim on speech.

Errors, variance by layer, speakers in the layers, learned filters.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modular_cls.lecture.kit.curves import curve, frame
from modular_cls.lecture.kit.lab import Arrays
from modular_cls.lecture.kit.recordings import RATE, mel_filters
from modular_cls.lecture.speech.nets import LAYERS
from modular_cls.report.style import COLOURS, LINES, MARKERS

_PROJECTED = ("input", "layer 1", "layer 3", "last hidden")
_DEEPEST = -30  # dB below its highest place, in the picture of a filter


def errors(table: pd.DataFrame, pipelines: Sequence[str]) -> Figure:
    """Left: error against the number of training recordings.

    Right: every speaker's, with all recordings.
    """
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.2, 1))
    sizes = list(dict.fromkeys(table["recordings"]))
    for i, pipeline in enumerate(pipelines):
        mine = table[table["pipeline"] == pipeline]
        aside = i - (len(pipelines) - 1) / 2  # so that intervals do not hide each other
        curve(
            left, mine, "recordings", "error", i, pipeline, at=np.arange(len(sizes)) + 0.06 * aside
        )
        last = mine[mine["recordings"] == sizes[-1]]
        right.plot(
            last["seed"] + 0.1 * aside,
            last["error"],
            linestyle="",
            color=COLOURS[i],
            marker=MARKERS[i],
        )
    left.set_xticks(range(len(sizes)), sizes)
    left.set_xlim(-0.4, len(sizes) - 0.6)
    frame(
        left,
        "mean over speakers held out",
        "training recordings",
        "error on a speaker never heard",
        percent=True,
    )
    right.set_xticks(range(int(table["seed"].max()) + 1))
    right.set_xlim(-0.5, table["seed"].max() + 0.5)
    title = f"each speaker, {sizes[-1]} recordings of the others"
    frame(right, title, "number of the speaker held out", percent=True)
    for axis in (left, right):
        axis.set_ylim(0)
    figure.legend(
        *left.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=len(pipelines),
        frameon=False,
    )
    return figure


def shares(table: pd.DataFrame) -> Figure:
    """Variance explained by word and by speaker, by layer, trained and untrained."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    layers = ["input", *LAYERS]
    for axis, net in zip(figure.subplots(1, 2, sharey=True), ("trained", "untrained"), strict=True):
        for i, factor in enumerate(("word", "speaker")):
            mine = table[table["net"] == net]
            curve(axis, mine, "layer", factor, i, f"the {factor}", at=range(len(layers)))
        axis.set_xticks(range(len(layers)), [layer.replace(" ", "\n", 1) for layer in layers])
        frame(axis, f"{net} net on log-mel", "", percent=True)
        axis.set_ylim(0, 1)
    first = figure.axes[0]
    first.set_ylabel("variance explained by")
    first.legend(frameon=False, loc="upper left")
    return figure


def projections(arrays: Arrays) -> Figure:
    """Two principal components of layers.

    The same points twice: coloured by word, and by speaker.
    """
    figure = Figure(figsize=(13, 6.8), layout="constrained")
    axes = figure.subplots(2, len(_PROJECTED))
    for row, (colour, marker) in enumerate((("words", "speakers"), ("speakers", "words"))):
        for axis, layer in zip(axes[row], _PROJECTED, strict=True):
            _scatter(axis, arrays[layer], arrays[colour], arrays[marker])
            axis.set_title(layer, fontsize=11)
            axis.set(xticks=[], yticks=[])
        handles = [
            axes[row, 0].scatter([], [], color=COLOURS[i % len(COLOURS)], label=str(name))
            for i, name in enumerate(np.unique(arrays[colour]))
        ]
        axes[row, -1].legend(
            handles=handles,
            title=f"colour: {colour[:-1]}\n(marker: {marker[:-1]})",
            loc="center left",
            bbox_to_anchor=(1.02, 0.5),
            frameon=False,
            alignment="left",
        )
    return figure


def filters(responses: Mapping[str, np.ndarray]) -> Figure:
    """What each filter lets through: mel filters, learned and untrained ones.

    Then their centres side by side.
    """
    figure = Figure(figsize=(13, 4), layout="constrained")
    axes = figure.subplots(1, 4)
    shown = {"mel": mel_filters(), **responses}
    for i, (axis, (name, response)) in enumerate(zip(axes, shown.items(), strict=False)):
        decibel = 10 * np.log10(response / response.max(1, keepdims=True) + 1e-9)
        image = axis.imshow(
            decibel.T,
            origin="lower",
            aspect="auto",
            cmap="viridis",
            vmin=_DEEPEST,
            vmax=0,
            extent=(-0.5, len(response) - 0.5, 0, RATE / 2000),
        )
        axis.set_title(f"{name} filters", fontsize=11)
        centres = response.argmax(1) * RATE / 2000 / (response.shape[1] - 1)
        axes[-1].plot(
            centres,
            color=COLOURS[i],
            linestyle=LINES[i],
            marker=MARKERS[i],
            markersize=4,
            label=name,
        )
    figure.colorbar(image, ax=axes[2], label="dB below its highest")
    for axis in axes:
        axis.set_xlabel("filter, sorted by centre")
    axes[0].set_ylabel("frequency (kHz)")
    axes[-1].legend(frameon=False)
    frame(axes[-1], "centres", "filter, sorted by centre")
    return figure


def _scatter(axis: Axes, points: np.ndarray, colours: np.ndarray, markers: np.ndarray) -> None:
    ink = np.array(COLOURS)[np.unique(colours, return_inverse=True)[1] % len(COLOURS)]
    for i, marker in enumerate(np.unique(markers)):
        here = markers == marker
        axis.scatter(
            points[here, 0],
            points[here, 1],
            s=16,
            c=ink[here],
            marker=MARKERS[i % len(MARKERS)],
            alpha=0.8,
            linewidths=0,
        )
