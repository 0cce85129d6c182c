"""Why it needs less: each layer merges what means the same.

A tree net of three layers reads strings of three levels (4 synonyms, see the part on strings).
Every pair of one level is exchanged for a synonym, which changes the string and not its class; how
far that moves the answer of each layer, relative to how far another string moves it, is its
*sensitivity*: the mean squared distance between a string and its twin over that between two strings
drawn at random. A layer that takes synonyms for one and the same thing has 0. Three nets are
compared: untrained, trained on a quarter of n_c m^L strings, and on 4 times as many as n_c m^L
(Cagnetta et al. 2024 show that the error falls where the sensitivity does).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from modular_cls.lecture.kit.curves import frame
from modular_cls.lecture.kit.hierarchy import Derivations, exchanged, grammar, one_hot
from modular_cls.lecture.kit.lab import Cell, Lab, Measured
from modular_cls.lecture.kit.learning import fit
from modular_cls.lecture.kit.statement import Statement
from modular_cls.lecture.kit.strings import (
    CLASSES,
    PARAMETERS,
    RATES,
    SYMBOLS,
    TREE,
    draw_strings,
    predicted,
    string_net,
)
from modular_cls.report.style import COLOURS

LEVELS, SYNONYMS = 3, 4
SHARES = {"untrained": 0.0, "few strings": 0.25, "many strings": 4.0}
_PAIRS = 1000
_DRAWN_SEED = 0  # whose first string the figure shows


@dataclass(frozen=True)
class _Size:
    updates: int
    seeds: int


_SIZES = {"quick": _Size(250, 1), "full": _Size(2000, 4)}


def _merges(level: int) -> tuple[Statement, ...]:
    at = {"level": level, "layer": level}
    says = f"layer {level} is less sensitive to synonyms of level {level}"
    trained: dict[str, object] = {"net": "many strings"}

    def less(than: str, more: Mapping[str, object]) -> Statement:
        words = f"{says} than {than}"
        return Statement(words, "merging", "sensitivity", more, trained, at=at, role="control")

    return (
        less("in the net before training", {"net": "untrained"}),
        less("with a sixteenth of the strings", {"net": "few strings"}),
    )


STATEMENTS = tuple(s for level in range(1, LEVELS + 1) for s in _merges(level))
TABLES = ("merging",)
MEASURES = {"sensitivity": ".3f"}


def merge(data: Path, *, net: str, updates: int, seed: int) -> list[Measured]:
    """Sensitivity of each layer to synonyms of each level.

    Args:
        data: Not needed.
        net: Key of `SHARES`.
        updates: Of its training.
        seed: Of grammar, strings and net.
    """
    rules = grammar(CLASSES, SYMBOLS, SYNONYMS, LEVELS, seed)
    model = string_net(TREE, LEVELS, LEVELS, PARAMETERS, seed)
    if share := SHARES[net]:
        count = round(share * predicted(SYNONYMS, LEVELS))
        examples = draw_strings(SYNONYMS, LEVELS, count, seed)
        x, y = examples.images["train"], examples.labels["train"]["class"]
        fit(model, x, y, updates=updates, rate=RATES[1], seed=seed)
    rng = np.random.default_rng((seed, 2))
    derivations, others = (rules.derive(rules.draw(_PAIRS, rng)) for _ in range(2))
    rows: list[Measured] = []
    for level in range(1, LEVELS + 1):
        twins = exchanged(rules, derivations, level, rng)
        answers = (layers(model, _read(d)) for d in (derivations, twins, others))
        for layer, each in enumerate(zip(*answers, strict=True), start=1):
            rows.append({"level": level, "layer": layer, "sensitivity": sensitivity(*each)})
    return rows


def _read(derivations: Derivations) -> Tensor:
    return one_hot(derivations.strings, SYMBOLS)


@torch.inference_mode()
def layers(net: nn.Module, x: Tensor) -> list[Tensor]:
    """What each layer of a tree net answers, shape (n, numbers) each."""
    answers = []
    for stage in list(net.cpu().eval().children())[:LEVELS]:
        x = stage(x)
        answers.append(x.flatten(1))
    return answers


def sensitivity(answers: Tensor, twins: Tensor, others: Tensor) -> float:
    """Mean squared distance to the twins over that to others; shape (n, numbers) each."""
    near, far = ((answers - x).square().sum(1).mean() for x in (twins, others))
    return float(near / far)


def compute(lab: Lab) -> dict[str, pd.DataFrame]:
    """Every layer of the three nets."""
    size = _SIZES[lab.size]
    cells: list[Cell] = [
        {"net": net, "updates": size.updates, "seed": seed}
        for net in SHARES
        for seed in range(size.seeds)
    ]
    return {"merging": lab.table(merge, cells)}


def draw(lab: Lab, tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """A string with its tree; beside it the sensitivity of each layer, for each net."""
    figure = Figure(figsize=(13, 4), layout="constrained")
    tree, *panels = figure.subplots(1, 1 + len(SHARES), width_ratios=(1.7, 1, 1, 1))
    _tree(tree)
    table = tables["merging"]
    for axis, net in zip(panels, SHARES, strict=True):
        mine = table[table["net"] == net]
        means = mine.groupby(["level", "layer"])["sensitivity"].mean().unstack()
        image = _matrix(axis, means.to_numpy())
        count = f", {SHARES[net] * predicted(SYNONYMS, LEVELS):,.0f}" if SHARES[net] else ""
        frame(axis, f"{net}{count}", "layer", grid="x")
        axis.grid(False)
    panels[0].set_ylabel("level whose synonyms are exchanged")
    figure.colorbar(image, ax=panels[-1], label="sensitivity")
    return {"merging": figure}


def _matrix(axis: Axes, values: np.ndarray) -> Any:
    image = axis.imshow(values, origin="lower", vmin=0, vmax=1, cmap="Blues")
    for (row, column), value in np.ndenumerate(values):
        ink = "white" if value > 0.6 else "black"
        axis.text(column, row, f"{value:.2f}", ha="center", va="center", color=ink)
    ticks = range(len(values))
    axis.set_xticks(ticks, [str(i + 1) for i in ticks])
    axis.set_yticks(ticks, [str(i + 1) for i in ticks])
    return image


def _tree(axis: Axes) -> None:
    """One string with its derivation, class on top; a twin's synonyms are written below."""
    rules = grammar(CLASSES, SYMBOLS, SYNONYMS, LEVELS, _DRAWN_SEED)
    rng = np.random.default_rng(_DRAWN_SEED)
    drawn = rules.derive(rules.draw(1, rng))
    twin = exchanged(rules, drawn, 1, rng)
    for level, symbols in enumerate(drawn.symbols):
        places = _places(level)
        for place, symbol in zip(places, symbols[0].tolist(), strict=True):
            _node(axis, place, LEVELS - level, symbol, level)
        if level:
            for place, above in zip(places, np.repeat(_places(level - 1), 2), strict=True):
                ends = [LEVELS - level, LEVELS - level + 1]
                axis.plot([place, above], ends, color="#b8b8b8", linewidth=1, zorder=0)
    for place, symbol in zip(_places(LEVELS), twin.strings[0].tolist(), strict=True):
        axis.text(place, -0.75, str(symbol), ha="center", va="center", fontsize=9)
    axis.text(-1.1, -0.75, "twin:", ha="center", va="center", fontsize=9)
    axis.set(xlim=(-1.8, 7.6), ylim=(-1.1, LEVELS + 0.5), xticks=[])
    axis.set_yticks(range(LEVELS + 1), ["string", *map(str, range(1, LEVELS)), "class"])
    axis.spines[:].set_visible(False)
    axis.set_title("a string, its tree, and a twin: pairs exchanged for synonyms", fontsize=10)


def _places(level: int) -> np.ndarray:
    """Where the symbols of a level stand, above the middle of what they are written as."""
    width = 2 ** (LEVELS - level)
    return np.arange(2**level) * width + (width - 1) / 2


def _node(axis: Axes, x: float, y: float, symbol: int, level: int) -> None:
    colour = COLOURS[level % len(COLOURS)]
    axis.scatter([x], [y], s=260, color="white", edgecolors=colour, linewidths=1.8)
    name = "ABCDEFGH"[symbol] if level == 0 else str(symbol)
    axis.text(x, y, name, ha="center", va="center", fontsize=9)
