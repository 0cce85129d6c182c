"""Strings of a hierarchy: a teacher that is better than its pupils.

The teacher is a net of three layers that follows the tree of a string (see the claim on depth); it
learns from the labels of 2,048 strings of the Random Hierarchy Model (8 classes, 4 synonyms, 3
levels), with which nets of one hidden layer hardly learn anything. Its pupils are fully connected
nets of 1, 2 and 3 hidden layers, with as many parameters (30,000) and with ten times as many. Each
is trained in three ways: on the *labels* of these strings; *taught*, on the teacher's logits for
the same strings; and *taught more*, on its logits for 32,768 strings, those and others that nobody
labelled, as Ba and Caruana did where the training set alone was too small. All have 1,000 updates
of 100 strings and one learning rate, which of two tried was the better one for every pupil in a
first look at 200 updates; `times` 2 has twice as many updates. `agrees` is the share of test
strings on which a pupil answers as its teacher does; the seed draws the grammar, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn

from modular_cls.lecture.kit.curves import frame
from modular_cls.lecture.kit.lab import Cell, Lab, Plain
from modular_cls.lecture.kit.learning import error, fit, outputs
from modular_cls.lecture.kit.nets import parameters
from modular_cls.lecture.kit.sets import Pictures
from modular_cls.lecture.kit.statement import Role, Statement
from modular_cls.lecture.kit.strings import (
    FULL,
    PARAMETERS,
    RATES,
    TREE,
    draw_strings,
    predicted,
    string_net,
)
from modular_cls.lecture.mimic.pictures import lesson
from modular_cls.report.statistics import mean_interval
from modular_cls.report.style import COLOURS, MARKERS

SYNONYMS, LEVELS = 4, 3
STRINGS = {"labels": 4, "taught": 4, "taught more": 64}  # times those predicted
LAYERS = (1, 2, 3)
BUDGETS = {PARAMETERS: "as many parameters", 10 * PARAMETERS: "ten times the parameters"}
_RATE = RATES[1]
_NEAR = -0.01


@dataclass(frozen=True)
class _Size:
    updates: int
    seeds: int


_SIZES = {"quick": _Size(200, 1), "full": _Size(1000, 3)}


def _net(way: str, layers: int, budget: int = PARAMETERS, times: int = 1) -> dict[str, Plain]:
    return {"way": way, "layers": layers, "budget": budget, "times": times}


_TEACHER = _net("teacher", LEVELS)


def _statements(layers: int, budget: int) -> tuple[Statement, ...]:
    who = f"{layers} layer{'s' * (layers > 1)}, {BUDGETS[budget]}"
    labels, taught, more = (_net(way, layers, budget) for way in STRINGS)

    def less(
        role: Role,
        one: Mapping[str, Plain],
        other: Mapping[str, Plain],
        says: str,
        on: str = "",
        by: float = 0.0,
    ) -> Statement:
        return Statement(
            f"{who}: {says}", "strings", "test error", other, one, by=by, role=role, on=on
        )

    same = "pupils taught on the strings that have labels"
    others = "pupils taught on many strings without labels"
    return (
        less("core", taught, labels, "taught, it errs less than on labels", same),
        less("core", more, labels, "taught more, it errs less than on labels", others),
        less("core", more, _TEACHER, "taught more, it errs at most 1 point more than its teacher",
             others, _NEAR),
        less("control", _TEACHER, labels, "the teacher errs less than it does on labels"),
    )  # fmt: skip


def _twice(budget: int) -> Statement:
    return Statement(
        f"1 layer, {BUDGETS[budget]}: taught more with twice the updates, it errs at most 1 point "
        "more than its teacher",
        "strings",
        "test error",
        _TEACHER,
        _net("taught more", 1, budget, 2),
        by=_NEAR,
        role="control",
    )


STATEMENTS = (
    *(s for budget in BUDGETS for layers in LAYERS for s in _statements(layers, budget)),
    *(_twice(budget) for budget in BUDGETS),
)
TABLES = ("strings",)
MEASURES = {"parameters": ",.0f", "validation error": "%", "test error": "%", "agrees": "%"}


@cache
def teacher(updates: int, seed: int) -> nn.Module:
    """A tree net trained on labels; once in a process."""
    examples, net = _strings("labels", seed), string_net(TREE, LEVELS, LEVELS, PARAMETERS, seed)
    x, y = examples.images["train"], examples.labels["train"]["class"]
    return fit(net, x, y, updates=updates, rate=_RATE, seed=seed)


def _strings(way: str, seed: int) -> Pictures:
    count = STRINGS[way] * predicted(SYNONYMS, LEVELS)
    return draw_strings(SYNONYMS, LEVELS, count, seed)


def learn_from(
    data: Path,
    *,
    way: str,
    layers: int,
    budget: int,
    times: int,
    updates: int,
    rate: float,
    seed: int,
) -> dict[str, float | None]:
    """Train one pupil, or report its teacher.

    Args:
        data: Not needed.
        way: Key of `STRINGS`, or `teacher`.
        layers: Hidden layers.
        budget: Number of parameters to come near to.
        times: How often the updates are taken.
        updates: Batches; the teacher has as many.
        rate: Highest learning rate.
        seed: Of grammar, strings, weights and order.
    """
    net, taught_by = teacher(updates, seed), way.startswith("taught")
    examples = _strings("labels" if way == "teacher" else way, seed)
    if way != "teacher":
        x, y = examples.images["train"], examples.labels["train"]["class"]
        target = lesson(net, x) if taught_by else y
        net = string_net(FULL, LEVELS, layers, budget, seed)
        loss = F.mse_loss if taught_by else F.cross_entropy
        fit(net, x, target, updates=updates * times, rate=rate, seed=seed, loss=loss)
    answers = outputs(teacher(updates, seed), examples.images["test"]).argmax(1)
    agrees = 1 - error(net, examples.images["test"], answers)
    errors = {
        f"{s} error": error(net, examples.images[s], examples.labels[s]["class"])
        for s in ("validation", "test")
    }
    return {"parameters": parameters(net), **errors, "agrees": agrees if taught_by else None}


def compute(lab: Lab) -> dict[str, pd.DataFrame]:
    """The teacher, then every pupil in every way."""
    size = _SIZES[lab.size]
    pupils = [
        *(_net(way, n, budget) for budget in BUDGETS for n in LAYERS for way in STRINGS),
        *(_net("taught more", 1, budget, 2) for budget in BUDGETS),
    ]
    cells: list[Cell] = [
        {**net, "updates": size.updates, "rate": _RATE, "seed": seed}
        for net in (_TEACHER, *pupils)
        for seed in range(size.seeds)
    ]
    return {"strings": lab.table(learn_from, cells)}


def draw(lab: Lab, tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Test error of each pupil, one panel for each number of parameters."""
    errors = tables["strings"]
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    axes = figure.subplots(1, len(BUDGETS), sharey=True)
    for axis, (budget, words) in zip(axes, BUDGETS.items(), strict=True):
        _panel(axis, errors[(errors["budget"] == budget) & (errors["times"] == 1)])
        best = errors.loc[errors["way"] == "teacher", "test error"].mean()
        axis.axhline(best, color="#808080", linestyle=":", label="the teacher")
        frame(axis, f"pupils with {words}", "hidden layers of the pupil", percent=True)
        axis.set_xticks(LAYERS)
        axis.set_ylim(0)
    axes[0].set_ylabel("test error")
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=4, frameon=False)
    return {"strings": figure}


def _panel(axis: Axes, rows: pd.DataFrame) -> None:
    for i, way in enumerate(STRINGS):
        mine = rows[rows["way"] == way].groupby("layers")["test error"]
        estimates = {layers: mean_interval(errors.tolist()) for layers, errors in mine}
        places = np.array(list(estimates), dtype=float) + 0.12 * (i - 1)
        halves = np.nan_to_num([e.half for e in estimates.values()])
        axis.errorbar(
            places,
            [e.mean for e in estimates.values()],
            halves,
            color=COLOURS[i],
            marker=MARKERS[i],
            linestyle="",
            capsize=3,
            label=way,
        )
