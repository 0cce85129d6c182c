"""Pictures and spoken digits: nets of one size at every depth.

Nets of 1 to 7 hidden layers, their widths such that all have the same number of parameters (within
1 %), and one net with a single hidden layer and eight times as many. Fully connected nets read
MNIST, spoken digits (40 log-mel bands, each the mean over 40 ms; left out where there are none) and
the built-in faces; convolutional nets read the faces. All nets of a table are trained for the same
number of updates; each has its learning rate chosen among three on the validation split, with seed
0, and its weights drawn for ReLU nets of any depth (He et al., ICCV 2015) or batch norm. A
convolutional net of one layer sees 3 x 3 pixels at a time, one of several a larger part: that is a
part of what depth gives it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn

from modular_cls.errors import ConfigError
from modular_cls.lecture.kit import sets
from modular_cls.lecture.kit.curves import curve, frame
from modular_cls.lecture.kit.lab import Cell, Lab
from modular_cls.lecture.kit.learning import error, fit, seeded
from modular_cls.lecture.kit.nets import (
    convolutional,
    fully_connected,
    he,
    operations,
    parameters,
    spread,
    width_for,
)
from modular_cls.lecture.kit.published import draw_seide
from modular_cls.lecture.kit.rates import tuned
from modular_cls.lecture.kit.recordings import FOLDER, load_recordings, log_mel, recordings_at_hand
from modular_cls.lecture.kit.sets import Pictures
from modular_cls.lecture.kit.statement import Statement
from modular_cls.report.style import COLOURS, LINES

TASKS = ("mnist", "spoken digits", "faces")
_WORDS = {
    "mnist": "handwritten digits", "spoken digits": "spoken digits", "faces": "drawn faces",
}  # fmt: skip
DEPTHS = (1, 2, 3, 4, 5, 7)
RATES = (1e-3, 4e-3, 1.6e-2)
BATCHES = {"fully_connected": 100, "convolutional": 16}
PARAMETERS = 100_000
WIDE = 8 * PARAMETERS
# Widths come out within 1 % at every depth, and one wide layer can be paid for.
CONVOLUTIONAL_PARAMETERS = 2285
_TEST_TAKES = range(5)  # the test set that its makers recommend
_VALIDATION_TAKES = range(5, 10)
_FRAMES_TOGETHER = 4


@dataclass(frozen=True)
class _Size:
    updates: int  # of fully connected nets
    convolutional_updates: int
    seeds: int


_SIZES = {"quick": _Size(300, 200, 1), "full": _Size(2500, 1500, 5)}


def _better(task: str, table: str, deep: int, budget: int, more: str) -> Statement:
    return Statement(
        f"{table.replace('_', ' ')} nets, {task}: {deep} layers err less than 1 layer with "
        f"{more} parameters",
        table,
        "test error",
        more={"layers": 1, "budget": budget},
        less={
            "layers": deep,
            "budget": CONVOLUTIONAL_PARAMETERS if table == "convolutional" else PARAMETERS,
        },
        at={"task": task},
        role="core",
        on=f"{table.replace('_', ' ')} nets on {_WORDS[task]}",
    )


STATEMENTS = (
    *(_better(t, "fully_connected", d, PARAMETERS, "as many") for t in TASKS for d in (5, 7)),
    *(_better(t, "fully_connected", 5, WIDE, "eight times as many") for t in TASKS),
    *(_better("faces", "convolutional", d, CONVOLUTIONAL_PARAMETERS, "as many") for d in (5, 7)),
)
TABLES = ("fully_connected", "convolutional")
MEASURES = {"parameters": ",.0f", "operations": ",.0f", "validation error": "%", "test error": "%"}


def needs(data: Path) -> object:
    """Which digits, written and spoken, are at hand; without spoken ones their part is left out.

    Raises:
        ConfigError: If there are too few spoken digits in `data`, or no MNIST is at hand.
    """
    return {
        "mnist": sets.at_hand(data),
        "spoken digits": _spoken_at_hand(data) if spoken_are_there(data) else "none",
    }


def spoken_are_there(data: Path) -> bool:
    """Whether there is a folder of spoken digits."""
    return (data / FOLDER).is_dir()


def _spoken_at_hand(data: Path) -> str:
    said = recordings_at_hand(data)
    if (takes := load_recordings(data).takes) <= _VALIDATION_TAKES.stop:
        raise ConfigError(f"{data / FOLDER} holds {takes} takes of a digit; the first "
                          f"{_VALIDATION_TAKES.stop} are for validation and test, the others for "
                          "training")  # fmt: skip
    return said


@cache
def examples(task: str, data: Path) -> Pictures:
    """The examples of a task, shifted and scaled by the mean and deviation of its training inputs.

    Args:
        task: One of `TASKS`.
        data: Folder of data sets.

    Returns:
        Spoken digits are pictures of shape (1, bands, frames).
    """
    pictures = _spoken(data) if task == "spoken digits" else sets.load(task, data)
    return pictures.standardised()


def _spoken(data: Path) -> Pictures:
    recordings = load_recordings(data)
    inputs = F.avg_pool2d(
        torch.from_numpy(log_mel(recordings.waves))[:, None], (1, _FRAMES_TOGETHER)
    )
    digits, takes = torch.tensor(recordings.digit), torch.tensor(recordings.take)
    test, held_out = takes < _TEST_TAKES.stop, takes < _VALIDATION_TAKES.stop
    where = {"train": ~held_out, "validation": held_out & ~test, "test": test}
    return Pictures(
        {s: inputs[w] for s, w in where.items()},
        {s: {"class": digits[w]} for s, w in where.items()},
        10,
    )


def builder(kind: str, pictures: Pictures, layers: int) -> Callable[[int], nn.Module]:
    """Total units of the hidden layers -> a net.

    Args:
        kind: `fully_connected` or `convolutional`.
        pictures: What it is to read, and how many classes it tells apart.
        layers: Hidden layers, or convolutions.
    """
    channels, height, width = pictures.images["train"].shape[1:]
    if kind == "convolutional":
        return lambda units: convolutional(channels, spread(units, layers), pictures.classes)
    return lambda units: he(
        fully_connected(channels * height * width, spread(units, layers), pictures.classes)
    )


def measure(
    data: Path,
    *,
    task: str,
    kind: str,
    layers: int,
    budget: int,
    updates: int,
    rate: float,
    seed: int,
) -> dict[str, float]:
    """Train one net and count its parameters, multiplications and errors."""
    pictures = examples(task, data)
    build = builder(kind, pictures, layers)
    units = width_for(build, budget)
    net = seeded(lambda: build(units), seed)
    images, labels = pictures.images, {split: y["class"] for split, y in pictures.labels.items()}
    counted = {"parameters": parameters(net), "operations": operations(net, images["train"][:1])}
    fit(
        net,
        images["train"],
        labels["train"],
        updates=updates,
        rate=rate,
        seed=seed,
        batch=BATCHES[kind],
    )
    return counted | {
        f"{s} error": error(net, images[s], labels[s]) for s in ("validation", "test")
    }


def compute(lab: Lab) -> dict[str, pd.DataFrame]:
    """Every net at the best of three learning rates."""
    size = _SIZES[lab.size]
    tasks = [t for t in TASKS if t != "spoken digits" or spoken_are_there(lab.data)]
    budgets = [*((d, PARAMETERS) for d in DEPTHS), (1, WIDE)]
    fully: list[Cell] = [
        {"task": t, "kind": "fully_connected", "layers": d, "budget": b, "updates": size.updates}
        for t in tasks
        for d, b in budgets
    ]
    conv: list[Cell] = [
        {"task": "faces", "kind": "convolutional", "layers": d, "budget": CONVOLUTIONAL_PARAMETERS,
         "updates": size.convolutional_updates}
        for d in DEPTHS
    ]  # fmt: skip
    return {
        "fully_connected": _tuned(lab, fully, size.seeds),
        "convolutional": _tuned(lab, conv, size.seeds),
    }


def _tuned(lab: Lab, nets: Sequence[Cell], seeds: int) -> pd.DataFrame:
    return tuned(lab, measure, nets, RATES, seeds)


def draw(lab: Lab, tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Error against depth on every task, beside the published numbers.

    The same for convolutional nets.
    """
    fully, conv = tables["fully_connected"], tables["convolutional"]
    deep = Figure(figsize=(13, 4.2), layout="constrained")
    tasks = fully["task"].unique()
    axes = deep.subplots(1, len(tasks) + 1)
    for axis, task in zip(axes, tasks, strict=False):
        rows = fully[fully["task"] == task]
        same = rows[rows["budget"] == PARAMETERS]
        curve(axis, same, "layers", "test error", 0, f"{PARAMETERS:,} parameters")
        _wide(axis, rows[rows["budget"] == WIDE])
        _frame(axis, f"{task}: test error")
    draw_seide(axes[-1])
    _frame(axes[-1], "published: word error")
    for axis in (axes[0], axes[-1]):
        axis.legend(frameon=False, loc="lower left")
    convolutions = Figure(figsize=(8, 3.9), layout="constrained")
    left, right = convolutions.subplots(1, 2)
    curve(left, conv, "layers", "test error", 0)
    _frame(left, f"faces, {CONVOLUTIONAL_PARAMETERS:,} parameters: test error", "convolutions")
    curve(right, conv, "layers", "operations", 1)
    _frame(right, "multiplications for one picture", "convolutions")
    right.yaxis.set_major_formatter(lambda value, _: f"{value / 1e6:.3g} million" if value else "0")
    return {"fully_connected": deep, "convolutional": convolutions}


def _wide(axis: Axes, rows: pd.DataFrame) -> None:
    """The very wide net: a point at one layer, and a line across to compare with."""
    label = f"1 layer, {WIDE:,} parameters"
    curve(axis, rows, "layers", "test error", 1, label, linestyle="", zorder=3)
    axis.axhline(rows["test error"].mean(), color=COLOURS[1], linestyle=LINES[1], linewidth=0.9)


def _frame(axis: Axes, title: str, counted: str = "hidden layers") -> None:
    frame(axis, title, counted, percent=True)
    axis.set_xticks(DEPTHS)
    axis.set_ylim(0, 1.05 * axis.get_ylim()[1])
