"""How far a unit sees, apart from how deep it lies: faces again.

A convolutional net of one layer sees 3 x 3 pixels of a face at a time, one of seven nearly the
whole face: which of the two makes it better? All nets here have about 2,900 parameters (within 3 %;
what one layer of three filters of 31 x 31 pixels has), halve the picture three times, and have 1, 3
or 7 layers. *growing*: 3 x 3 places a layer, so that a deeper net sees more, as in the part about
pictures (which has one layer of 3 x 3, too). *large*: filters so large that a net of any depth sees
as far as seven layers of 3 x 3, 15 pixels to either side. *dilated*: the same reach by 3 x 3 places
farther apart. All have 1,500 updates of 16 faces, as in the part about pictures (300 left them half
trained, and seeds differed by tens of points), and the better of two learning rates, chosen on
validation faces with seed 0; `times` 2 has twice as many updates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from torch import nn

from modular_cls.lecture.kit import sets
from modular_cls.lecture.kit.curves import curve, frame
from modular_cls.lecture.kit.lab import Cell, Lab, Plain
from modular_cls.lecture.kit.learning import error, fit, seeded
from modular_cls.lecture.kit.nets import (
    convolutional,
    operations,
    parameters,
    radii_for,
    spread,
    width_for,
)
from modular_cls.lecture.kit.rates import tuned
from modular_cls.lecture.kit.statement import Role, Statement

DEPTHS = (1, 3, 7)
REACH = 15  # of seven layers of 3 x 3: 3 x 1 + 2 x 2 + 2 x 4 pixels
FIELDS = ("growing", "large", "dilated")
PARAMETERS = 2905
_RATES = (1.6e-2, 6.4e-2)
_BATCH = 16
_CLASSES = 4


@dataclass(frozen=True)
class _Size:
    updates: int
    seeds: int


_SIZES = {"quick": _Size(60, 1), "full": _Size(1500, 5)}


def _net(field: str, layers: int, times: int = 1) -> dict[str, Plain]:
    return {"field": field, "layers": layers, "times": times}


def _less(role: Role, less: Mapping[str, Plain], more: Mapping[str, Plain], says: str) -> Statement:
    return Statement(
        f"faces, equal reach: {says}" if role == "core" else f"faces: {says}",
        "reach",
        "test error",
        more,
        less,
        role=role,
        on="convolutional nets that see equally far",
    )


_DEEP = _net("growing", 7)
_WORDS = {"large": "large filters", "dilated": "dilation"}
STATEMENTS = (
    *(
        _less("core", _DEEP, _net(field, layers), f"7 layers err less than {layers} by {words}")
        for layers in (1, 3)
        for field, words in _WORDS.items()
    ),
    _less(
        "control",
        _DEEP,
        _net("large", 1, 2),
        "7 layers err less than 1 by large filters with twice the updates",
    ),
    *(
        _less(
            "control",
            _net(field, 3),
            _net("growing", 3),
            f"3 layers that see as far as 7 by {words} err less than 3 of 3 x 3",
        )
        for field, words in _WORDS.items()
    ),
)
TABLES = ("reach",)
MEASURES = {"parameters": ",.0f", "operations": ",.0f", "validation error": "%", "test error": "%"}


def seeing_net(field: str, layers: int, seed: int) -> nn.Module:
    """A convolutional net for grey faces, its weights drawn by `seed`."""
    radii = None if field == "growing" else radii_for(layers, REACH)

    def build(units: int) -> nn.Module:
        widths, dilated = spread(units, layers), field == "dilated"
        return convolutional(1, widths, _CLASSES, radii=radii, dilated=dilated)

    units = width_for(build, PARAMETERS)
    return seeded(lambda: build(units), seed)


def see_faces(
    data: Path, *, field: str, layers: int, times: int, updates: int, rate: float, seed: int
) -> dict[str, float]:
    """Train one net on the faces.

    Args:
        data: Folder of data sets.
        field: One of `FIELDS`.
        layers: Convolutions.
        times: How often the updates are taken.
        updates: Batches.
        rate: Highest learning rate.
        seed: Of weights and order.
    """
    faces = sets.load("faces", data).standardised()
    x, y = faces.images, {split: labels["class"] for split, labels in faces.labels.items()}
    net = seeing_net(field, layers, seed)
    counted = {"parameters": parameters(net), "operations": operations(net, x["train"][:1])}
    fit(net, x["train"], y["train"], updates=updates * times, rate=rate, seed=seed, batch=_BATCH)
    return counted | {f"{s} error": error(net, x[s], y[s]) for s in ("validation", "test")}


def compute(lab: Lab) -> dict[str, pd.DataFrame]:
    """Every net at the better of two rates."""
    size = _SIZES[lab.size]
    grid = [
        *(_net("growing", layers) for layers in DEPTHS[1:]),
        *(_net(field, n) for field in FIELDS[1:] for n in DEPTHS[:-1]),
        _net("large", 1, times=2),
    ]
    nets: list[Cell] = [{**net, "updates": size.updates} for net in grid]
    return {"reach": tuned(lab, see_faces, nets, _RATES, size.seeds)}


def draw(lab: Lab, tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Error against depth; of seven layers all fields are the same."""
    errors = tables["reach"]
    once = errors[errors["times"] == 1]
    deepest = once[once["layers"] == DEPTHS[-1]]
    labels = {
        "growing": "3 x 3, sees more with depth",
        "large": "large filters, all see the face",
        "dilated": "dilated, all see the face",
    }
    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    for look, (field, label) in enumerate(labels.items()):
        mine = once[once["field"] == field]
        rows = mine if field == "growing" else pd.concat([mine, deepest])
        curve(axis, rows, "layers", "test error", look, label)
    frame(axis, "faces: test error at equal parameters", "convolutions", percent=True)
    axis.set_xticks(DEPTHS)
    axis.set_ylim(0)
    axis.legend(frameon=False)
    return {"reach": figure}
