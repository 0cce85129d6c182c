"""Pictures: error against the number of training pictures.

Test error against the number of training pictures, 1 to 100 % of them: draws are nested, and every
net sees the same ones. On MNIST and on the built-in faces a fully connected net of 4 hidden layers
stands against one of 1 hidden layer with as many parameters. On the faces a convolutional net that
tells the four joint classes apart by one linear layer (flat) stands against the same net whose last
layer scores hair and gender, the score of a joint class being their sum (modular); both are trained
by the cross-entropy of the joint classes and have the same number of parameters. Every net gets the
same number of updates at every number of pictures, and at each of them its learning rate is chosen
among three on the validation split, with seed 0.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from modular_cls.data.faces.write import SCHEMA
from modular_cls.lecture.kit import sets
from modular_cls.lecture.kit.curves import curve, frame
from modular_cls.lecture.kit.lab import Cell, Lab
from modular_cls.lecture.kit.learning import BATCH, best_rates, error, fit, seeded
from modular_cls.lecture.kit.nets import (
    convolutional,
    fully_connected,
    he,
    parameters,
    spread,
    width_for,
)
from modular_cls.lecture.kit.sets import Pictures
from modular_cls.lecture.kit.statement import Statement

NETS = {"mnist": ("shallow", "deep"), "faces": ("shallow", "deep", "flat", "modular")}
LAYERS = {"shallow": 1, "deep": 4, "flat": 4, "modular": 4}
PARAMETERS = {"shallow": 100_000, "deep": 100_000, "flat": 5_000, "modular": 5_000}
_CONVOLUTIONAL = ("flat", "modular")
_CONVOLUTIONAL_BATCH = 16
_VALUES = [len(a.values) for a in SCHEMA.composites[0].attributes]
RATES = (1e-3, 4e-3, 1.6e-2)
CONVOLUTIONAL_RATES = (4e-3, 1.6e-2, 6.4e-2)  # with batch norm the best ones are higher


@dataclass(frozen=True)
class _Size:
    percents: tuple[int, ...]
    updates: int  # of fully connected nets
    convolutional_updates: int
    seeds: int


_SIZES = {
    "quick": _Size((1, 10, 50, 100), 300, 200, 1),
    "full": _Size((1, 2, 5, 10, 20, 50, 100), 2000, 1200, 5),
}


_WORDS = {"mnist": "handwritten digits", "faces": "drawn faces"}
_ON = {"deep": "deep fully connected nets", "modular": "modular heads for four joint classes"}


def _less(task: str, more: str, less: str, at: int, of: int | None = None) -> Statement:
    says = f"with {at} % of the pictures {less} errs less than {more}" + (
        f" with {of} %" if of else ""
    )
    return Statement(
        f"{task}: {says}",
        "error",
        "test error",
        more={"net": more, "percent": of or at},
        less={"net": less, "percent": at},
        at={"task": task},
        role="core",
        on=f"{_ON[less]} on {_WORDS[task]}",
    )


STATEMENTS = (
    *(_less(task, "shallow", "deep", at) for task in NETS for at in (1, 10, 100)),
    *(_less(task, "shallow", "deep", 50, 100) for task in NETS),
    *(_less("faces", "flat", "modular", at) for at in (1, 10)),
    _less("faces", "flat", "modular", 50, 100),
)
TABLES = ("error",)
MEASURES = {"parameters": ",.0f", "validation error": "%", "test error": "%"}


def needs(data: Path) -> object:
    """Which digits are at hand; faces are drawn.

    Raises:
        ConfigError: If no MNIST is at hand.
    """
    return {"mnist": sets.at_hand(data)}


class Added(nn.Module):
    """Scores of attributes side by side, (B, 2 + 2), to those of joint classes, (B, 4): their sums.

    Args:
        sizes: Number of values of each attribute; default those of hair and gender.
    """

    def __init__(self, sizes: Sequence[int] = _VALUES) -> None:
        super().__init__()
        self.sizes = list(sizes)

    def forward(self, scores: Tensor) -> Tensor:
        """Joint classes in the order of a schema: the last attribute varies fastest."""
        joint, *others = scores.split(self.sizes, dim=1)
        for other in others:
            joint = (joint[:, :, None] + other[:, None, :]).flatten(1)
        return joint


def drawn(pictures: Pictures, percent: int, seed: int) -> Pictures:
    """The same with a part of the training pictures, at least one."""
    return pictures.few(max(1, round(len(pictures.images["train"]) * percent / 100)), seed)


def builder(net: str, example: Tensor, classes: int) -> Callable[[int], nn.Module]:
    """Total units of the hidden layers -> a net.

    Args:
        net: `shallow` or `deep` (fully connected), `flat` or `modular` (convolutional).
        example: One picture, shape (channels, height, width).
        classes: Number of joint classes, or of digits.
    """
    layers = LAYERS[net]
    if net not in _CONVOLUTIONAL:
        return lambda units: he(fully_connected(example.numel(), spread(units, layers), classes))
    if net == "flat":
        return lambda units: convolutional(len(example), spread(units, layers), classes)
    return lambda units: nn.Sequential(
        convolutional(len(example), spread(units, layers), sum(_VALUES)), Added()
    )


def measure(
    data: Path, *, task: str, net: str, percent: int, updates: int, rate: float, seed: int
) -> dict[str, float]:
    """Train one net on a part of the pictures.

    The seed decides which, their order and the initial weights.
    """
    few = drawn(sets.load(task, data), percent, seed).standardised()
    build = builder(net, few.images["train"][0], few.classes)
    units = width_for(build, PARAMETERS[net])
    model = seeded(lambda: build(units), seed)
    images, labels = few.images, {split: y["class"] for split, y in few.labels.items()}
    batch = _CONVOLUTIONAL_BATCH if net in _CONVOLUTIONAL else BATCH
    fit(model, images["train"], labels["train"], updates=updates, rate=rate, seed=seed, batch=batch)
    errors = {f"{s} error": error(model, images[s], labels[s]) for s in ("validation", "test")}
    return {"pictures": len(labels["train"]), "parameters": parameters(model), **errors}


def compute(lab: Lab) -> dict[str, pd.DataFrame]:
    """Every net at every number of pictures, at the best of three rates for that number."""
    size = _SIZES[lab.size]
    nets: list[Cell] = [
        {"task": task, "net": net, "percent": percent,
         "updates": size.convolutional_updates if net in _CONVOLUTIONAL else size.updates}
        for task, those in NETS.items()
        for net in those
        for percent in size.percents
    ]  # fmt: skip
    tried = [
        {**net, "rate": rate, "seed": 0}
        for net in nets
        for rate in (CONVOLUTIONAL_RATES if net["net"] in _CONVOLUTIONAL else RATES)
    ]
    rates = best_rates(lab.table(measure, tried), nets)
    chosen = zip(nets, rates, strict=True)
    return {
        "error": lab.table(
            measure, [{**net, "rate": r, "seed": s} for net, r in chosen for s in range(size.seeds)]
        )
    }


def draw(lab: Lab, tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Error against the number of training pictures, logarithmic, one panel per set."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    for axis, (task, nets) in zip(figure.subplots(1, len(NETS)), NETS.items(), strict=True):
        errors = tables["error"][tables["error"]["task"] == task]
        for look, net in enumerate(nets):
            curve(axis, errors[errors["net"] == net], "pictures", "test error", look, _named(net))
        _frame(axis, task, sorted(set(errors["pictures"])))
    return {"error": figure}


def _named(net: str) -> str:
    kind = "convolutional" if net in _CONVOLUTIONAL else "fully connected"
    return f"{net}: {kind}, {LAYERS[net]} layer{'s' * (LAYERS[net] > 1)}"


def _frame(axis: Axes, task: str, numbers: list[int]) -> None:
    frame(axis, f"{task}: test error", "training pictures", grid="both")
    axis.set_xscale("log")
    axis.set_yscale("log", nonpositive="clip")
    axis.set_xticks(numbers, [f"{n:,}" for n in numbers])
    axis.minorticks_off()
    low, high = axis.get_ylim()
    ticks = [m * 10.0**e for e in range(-4, 0) for m in (1, 1.5, 2, 3, 5, 7)]
    ticks = [t for t in ticks if low <= t <= high]
    axis.set_yticks(ticks, [f"{100 * t:.3g} %" for t in ticks])
    axis.legend(frameon=False)
