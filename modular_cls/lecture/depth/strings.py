"""Strings of a hierarchy: a world of parts that are made of parts.

Strings of the Random Hierarchy Model (Cagnetta et al., Physical Review X 14, 031001, 2024): 8
classes, 8 symbols; a class stands for one of 4 pairs of parts, each part for one of 4 smaller
pairs, 3 levels down to strings of 8 symbols; or 3 pairs and 4 levels, strings of 16. What stands
for what is drawn at random by the seed. Training strings are 4 or 32 times n_c m^L, the number that
the paper predicts a deep net needs (512 and 648); no test string is among them.

All nets see the whole string at every depth, so that what they see and how deep they are come apart
here. *Fully connected* nets and nets that follow the *tree* (a layer joins neighbours, and is the
same at all places; where there are more layers than levels, some only think further) have 30,000
parameters each (within 2 %), one wide net of one layer eight times as many. Each has the best of
three learning rates on validation strings, chosen with seed 0, and 2,000 updates of 100 strings; a
net of one layer also gets 4,000 (`times` 2).

*controls*: the tree net before training, and trained on shuffled labels, beside chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modular_cls.lecture.kit.curves import curve, frame
from modular_cls.lecture.kit.lab import Cell, Lab, Plain
from modular_cls.lecture.kit.learning import error, fit
from modular_cls.lecture.kit.nets import operations, parameters
from modular_cls.lecture.kit.rates import tuned
from modular_cls.lecture.kit.statement import Role, Statement
from modular_cls.lecture.kit.strings import (
    CHANCE,
    FULL,
    PARAMETERS,
    RATES,
    TREE,
    draw_strings,
    predicted,
    string_net,
)

SYNONYMS = {3: 4, 4: 3}  # by levels
DEPTHS = {3: (1, 2, 3, 6), 4: (1, 2, 4, 9)}
FEW, MANY = 4, 32  # times the number of strings predicted
WIDE = 8 * PARAMETERS
_NEAR = -0.03
_UNTAUGHT = {
    "untrained": "an untrained tree net",
    "shuffled labels": "a tree net trained on shuffled labels",
}
_ON = {
    TREE: "nets that follow the tree of a string",
    FULL: "fully connected nets on many strings of a hierarchy",
}


@dataclass(frozen=True)
class _Size:
    updates: int
    seeds: int


_SIZES = {"quick": _Size(150, 1), "full": _Size(2000, 3)}


def _net(kind: str, layers: int, budget: int = PARAMETERS, times: int = 1) -> dict[str, Plain]:
    return {"kind": kind, "layers": layers, "budget": budget, "times": times}


def _statements(levels: int) -> tuple[Statement, ...]:
    one, most = _net(FULL, 1), DEPTHS[levels][-1]

    def less(role: Role, kind: str, says: str, more: Mapping[str, object], share: int, deep: int,
             by: float = 0.0) -> Statement:  # fmt: skip
        at = {"levels": levels, "strings": share * predicted(SYNONYMS[levels], levels)}
        return Statement(
            f"{levels} levels, {at['strings']:,} strings: {says}",
            "strings",
            "test error",
            more,
            _net(kind, deep),
            by=by,
            at=at,
            role=role,
            on=_ON[kind],
        )

    tree, full = f"the tree net of {levels} layers", f"{levels} fully connected layers"
    return (
        less("core", TREE, f"{tree} errs less than 1 layer with as many parameters", one, FEW,
             levels),
        less("core", TREE, f"{tree} errs less than 1 layer with eight times as many",
             _net(FULL, 1, WIDE), FEW, levels),
        less("core", FULL, f"{full} err less than 1 layer with as many parameters", one, MANY,
             levels),
        less("core", FULL, f"{full} err less than 1 layer with eight times as many",
             _net(FULL, 1, WIDE), MANY, levels),
        less("control", TREE, f"{tree} errs less than 1 layer with twice the updates",
             _net(FULL, 1, times=2), FEW, levels),
        less("control", FULL, f"{full} err less than 1 layer with twice the updates",
             _net(FULL, 1, times=2), MANY, levels),
        less("control", FULL, f"{full} err less than 1 layer even with few strings", one, FEW,
             levels),
        less("control", TREE, f"the tree net of {levels} layers errs less than that of 2",
             _net(TREE, 2), FEW, levels),
        less("control", TREE, f"{most} layers err at most 3 points more than {levels}",
             _net(TREE, levels), FEW, most, by=_NEAR),
        less("control", TREE, f"sharing: {tree} errs less than {full}", _net(FULL, levels), FEW,
             levels),
        *(_at_chance(levels, name) for name in _UNTAUGHT),
    )  # fmt: skip


def _at_chance(levels: int, name: str) -> Statement:
    return Statement(
        f"{levels} levels: {_UNTAUGHT[name]} errs at most 3 points less than chance",
        "controls",
        "test error",
        {"net": name},
        {"net": "chance"},
        by=_NEAR,
        at={"levels": levels},
        role="control",
    )


STATEMENTS = tuple(s for levels in SYNONYMS for s in _statements(levels))
TABLES = ("strings", "controls")
MEASURES = {"parameters": ",.0f", "operations": ",.0f", "validation error": "%", "test error": "%"}


def read_strings(
    data: Path,
    *,
    levels: int,
    strings: int,
    kind: str,
    layers: int,
    budget: int,
    updates: int,
    times: int,
    rate: float,
    seed: int,
    shuffled: bool = False,
) -> dict[str, float]:
    """Train one net on strings.

    Args:
        data: Not needed.
        levels: Of the grammar, which `seed` draws.
        strings: Number of strings to train on.
        kind: Of the net, see `string_net`.
        layers: Hidden layers.
        budget: Number of parameters to come near to.
        updates: Batches, taken `times` times; 0 times leaves the net untrained.
        times: See there.
        rate: Highest learning rate.
        seed: Of grammar, strings, weights and order.
        shuffled: Whether the labels of training strings are shuffled.
    """
    examples = draw_strings(SYNONYMS[levels], levels, strings, seed)
    x, y = examples.images, {split: labels["class"] for split, labels in examples.labels.items()}
    net = string_net(kind, levels, layers, budget, seed)
    counted = {"parameters": parameters(net), "operations": operations(net, x["train"][:1])}
    order = torch.randperm(len(y["train"]), generator=torch.Generator().manual_seed(seed))
    target = y["train"][order] if shuffled else y["train"]
    if times:
        fit(net, x["train"], target, updates=updates * times, rate=rate, seed=seed)
    return counted | {f"{s} error": error(net, x[s], y[s]) for s in ("validation", "test")}


def compute(lab: Lab) -> dict[str, pd.DataFrame]:
    """Every net on both kinds of string; then the controls."""
    size = _SIZES[lab.size]
    nets: list[Cell] = [
        {
            "levels": levels,
            "strings": share * predicted(SYNONYMS[levels], levels),
            **net,
            "updates": size.updates,
        }
        for levels in SYNONYMS
        for share in (FEW, MANY)
        for net in _nets(levels, share)
    ]
    return {
        "strings": tuned(lab, read_strings, nets, RATES, size.seeds),
        "controls": _controls(lab, size),
    }


def _nets(levels: int, share: int) -> list[dict[str, Plain]]:
    """With many strings a tree net has nothing left to learn, whatever its depth."""
    deep = DEPTHS[levels][1:]
    return [
        *(_net(FULL, layers) for layers in (1, *deep)),
        *(_net(TREE, layers) for layers in (deep if share == FEW else (levels,))),
        _net(FULL, 1, WIDE),
        _net(FULL, 1, times=2),
    ]


def _controls(lab: Lab, size: _Size) -> pd.DataFrame:
    plain: Cell = {"kind": TREE, "budget": PARAMETERS, "updates": size.updates, "rate": RATES[1]}
    controls: dict[str, Cell] = {
        "untrained": {"times": 0},
        "shuffled labels": {"times": 1, "shuffled": True},
    }
    rows = []
    for levels in SYNONYMS:
        few = FEW * predicted(SYNONYMS[levels], levels)
        for name, how in controls.items():
            cells: list[Cell] = [
                {**plain, **how, "levels": levels, "layers": levels, "strings": few, "seed": s}
                for s in range(size.seeds)
            ]
            rows.append(lab.table(read_strings, cells).assign(net=name))
        chance = {"net": "chance", "levels": levels, "test error": CHANCE}
        rows.append(pd.DataFrame([{**chance, "seed": s} for s in range(size.seeds)]))
    errors = pd.concat(rows, ignore_index=True)
    return errors[["levels", "net", "seed", "test error"]]


def draw(lab: Lab, tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Error against depth, one panel for each number of levels and of strings."""
    errors = tables["strings"]
    figure = Figure(figsize=(13, 3.9), layout="constrained")
    worlds = list(errors.groupby(["levels", "strings"], sort=False))
    axes = figure.subplots(1, len(worlds), sharey=True)
    for axis, ((levels, count), rows) in zip(axes, worlds, strict=True):
        _panel(axis, rows)
        frame(axis, f"{levels} levels, {count:,} strings", "hidden layers", percent=True)
        axis.set_xticks(sorted(set(rows["layers"])))
    axes[0].set_ylabel("test error")
    axes[0].set_ylim(0, 1)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False
    )
    return {"strings": figure}


def _panel(axis: Axes, rows: pd.DataFrame) -> None:
    once = rows[(rows["times"] == 1) & (rows["budget"] == PARAMETERS)]
    full, tree = (once[once["kind"] == kind] for kind in (FULL, TREE))
    curve(axis, full, "layers", "test error", 0, "fully connected")
    joined = pd.concat([full[full["layers"] == 1], tree])  # of one layer both are the same
    curve(axis, joined, "layers", "test error", 1, "along the tree")
    wide = rows[rows["budget"] == WIDE]
    curve(axis, wide, "layers", "test error", 2, "1 layer, eight times the parameters", **_POINT)
    twice = rows[rows["times"] != 1]
    curve(axis, twice, "layers", "test error", 3, "1 layer, twice the updates", **_POINT)
    axis.axhline(CHANCE, color="#808080", linestyle=":", linewidth=0.9)


_POINT: Any = {"linestyle": "", "markersize": 7, "fillstyle": "none"}
