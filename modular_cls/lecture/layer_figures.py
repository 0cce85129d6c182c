"""The figures of what layers learn: numbers by layer, projections, and what excites units."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from modular_cls.data.faces.write import SCHEMA
from modular_cls.lecture.kit.curves import curve, frame
from modular_cls.lecture.kit.lab import Arrays
from modular_cls.report.style import COLOURS, LINES, MARKERS

_PICKED = {"mnist": (4, 9), "faces": (0, 1, 2, 3)}  # classes in colour
_NAMES = {"mnist": tuple("0123456789"), "faces": SCHEMA.composites[0].class_names}
_PANELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("linear probe, test accuracy", ("probe_class", "probe_hair", "probe_gender")),
    ("purity", ("purity",)),
    ("Fisher ratio (log scale)", ("fisher", "fisher_4_9")),
    ("apart: unlike pairs / alike pairs", ("apart",)),
    ("units: their commonest class", ("units",)),
)
_LEGEND = {
    "probe_class": "class",
    "probe_hair": "hair",
    "probe_gender": "gender",
    "fisher": "all classes",
    "fisher_4_9": "4 and 9 alone",
}
# Trained, untrained.
_FILLED: tuple[tuple[Literal["-", "--"], str], ...] = (("-", "black"), ("--", "white"))


def curves(table: pd.DataFrame, last: Mapping[str, int]) -> Figure:
    """One row a set, one panel a number; bars are 95 % intervals over seeds.

    Args:
        table: What `layers.measure` found.
        last: Number of hidden layers of each set.
    """
    figure = Figure(figsize=(16, 6.2), layout="constrained")
    for axes, name in zip(figure.subplots(len(last), len(_PANELS)), last, strict=True):
        for axis, (title, columns) in zip(axes, _PANELS, strict=True):
            rows = table[table["set"] == name]
            known = [c for c in columns if rows[c].notna().any()]
            for i, column in enumerate(known):
                for j, trained in enumerate(("yes", "no")):
                    _curve(axis, rows[rows["trained"] == trained], column, i, j)
            _frame(axis, f"{name}: {title}", last[name], len(known))
    handles = [
        Line2D([], [], color="black", linestyle=s, marker="o", markerfacecolor=f)
        for s, f in _FILLED
    ]
    figure.legend(
        handles, ["trained", "untrained"], loc="outside lower center", ncols=2, frameon=False
    )
    return figure


def _frame(axis: Axes, title: str, last: int, columns: int) -> None:
    frame(axis, title, "layer (0: input)")
    axis.set_xticks(range(last + 1))
    if "log scale" in title:
        axis.set_yscale("log")
        axis.margins(y=0.25)
    else:
        axis.set_ylim(bottom=0, top=None if "apart" in title else 1.04)
    if columns > 1:
        axis.legend(
            fontsize=8, frameon=False, loc="upper left" if "log scale" in title else "lower left"
        )


def _curve(axis: Axes, rows: pd.DataFrame, column: str, colour: int, line: int) -> None:
    face = "white" if line else COLOURS[colour]
    label = None if line else _LEGEND.get(column)
    curve(
        axis,
        rows,
        "layer",
        column,
        colour,
        label,
        linestyle=LINES[line],
        markersize=4,
        markerfacecolor=face,
    )


def projections(name: str, table: pd.DataFrame, trained: Arrays, untrained: Arrays) -> Figure:
    """One column a layer: PCA and t-SNE of the trained net, t-SNE of the untrained one."""
    count = sum(key.startswith("tsne") for key in trained)
    figure = Figure(figsize=(2.5 * count, 8.6), layout="constrained")
    rows = (("trained, PCA", "pca", trained, "yes"), ("trained, t-SNE", "tsne", trained, "yes"),
            ("untrained, t-SNE", "tsne", untrained, "no"))  # fmt: skip
    for axes, (title, kind, arrays, which) in zip(figure.subplots(3, count), rows, strict=True):
        numbers = table[
            (table["set"] == name) & (table["trained"] == which) & (table["seed"] == 0)
        ].sort_values("layer")
        for i, axis in enumerate(axes):
            _scatter(axis, name, arrays[f"{kind}_{i}"], arrays["labels"])
            axis.set_title(
                f"{f'layer {i}' if i else 'input'}: {_beside(name, numbers, i)}", fontsize=8
            )
        axes[0].set_ylabel(title)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=5,
        frameon=False,
        fontsize=9,
        markerscale=2,
    )
    return figure


def _beside(name: str, numbers: pd.DataFrame, layer: int) -> str:
    probe, purity, fisher, pair, apart = (
        float(numbers[c].iloc[layer])
        for c in ("probe_class", "purity", "fisher", "fisher_4_9", "apart")
    )
    alone = f", 4|9 {pair:.2f}" if name == "mnist" else ""
    return (
        f"probe {100 * probe:.0f} %, purity {100 * purity:.0f} %\nFisher "
        f"{fisher:.2f}{alone}, apart {apart:.2f}"
    )


def _scatter(axis: Axes, name: str, places: np.ndarray, labels: np.ndarray) -> None:
    others = ~np.isin(labels, _PICKED[name])
    if others.any():
        axis.scatter(
            places[others, 0],
            places[others, 1],
            s=3,
            color="#cccccc",
            label="other digits",
            linewidths=0,
        )
    for i, label in enumerate(_PICKED[name]):
        mine = places[labels == label]
        axis.scatter(
            mine[:, 0],
            mine[:, 1],
            s=9,
            color=COLOURS[i],
            marker=MARKERS[i],
            label=_NAMES[name][label],
            linewidths=0,
        )
    axis.set_xticks([])
    axis.set_yticks([])


def excited(name: str, arrays: Arrays) -> Figure:
    """One panel a layer, one row a unit; on the left the commonest values among its pictures."""
    count = sum(key.startswith("pictures") for key in arrays)
    columns = 2 if name == "mnist" else 3
    figure = Figure(figsize=(4.4 * columns, 6.2), layout="constrained")
    axes = figure.subplots(2, columns).ravel()
    for axis in axes:
        axis.set_axis_off()
    for i, axis in enumerate(axes[:count], start=1):
        pictures, classes = arrays[f"pictures_{i}"], arrays[f"classes_{i}"]
        axis.set_axis_on()
        side = pictures.shape[2]
        axis.imshow(_sheet(pictures), cmap="gray", vmin=0, vmax=1, interpolation="nearest",
                    extent=(0, pictures.shape[1], len(pictures), 0))  # fmt: skip
        axis.set_yticks(
            np.arange(len(pictures)) + 0.5, [_commonest(name, row) for row in classes], fontsize=8
        )
        axis.set_xticks([])
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        axis.set_title(f"layer {i}: a unit sees {side} x {side} pixels", fontsize=10)
    figure.suptitle(
        "what excites the first units of each layer most; on the left the commonest values "
        "among it",
        fontsize=11,
    )
    return figure


def _sheet(pictures: np.ndarray) -> np.ndarray:
    """Pictures (rows, columns, height, width, channels) as one, white lines between them."""
    rim = max(1, pictures.shape[2] // 12)
    framed = np.pad(pictures, ((0, 0), (0, 0), (rim, rim), (rim, rim), (0, 0)), constant_values=1.0)
    rows, columns, height, width, channels = framed.shape
    return (
        framed.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels).squeeze()
    )


def _commonest(name: str, classes: np.ndarray) -> str:
    """Such as `4 7/8`, or `long 8/8, male 5/8`."""
    joint = SCHEMA.composites[0]
    kinds = [classes] if name == "mnist" else list(np.array(joint.cells)[classes].T)
    values = [_NAMES["mnist"]] if name == "mnist" else [a.values for a in joint.attributes]
    counts = [np.bincount(kind) for kind in kinds]
    return "\n".join(
        f"{v[c.argmax()]} {c.max()}/{len(classes)}" for v, c in zip(values, counts, strict=True)
    )
