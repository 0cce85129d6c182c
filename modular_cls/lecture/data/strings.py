"""Strings of a hierarchy: how many a net needs until it errs on one in ten.

Strings of the Random Hierarchy Model (Cagnetta et al., Physical Review X 14, 031001, 2024): 8
classes, 8 symbols, 3 levels, each thing written as one of m = 2, 3, 4 or 6 pairs, so that n_c m^L,
the number that the paper predicts a deep net needs, is 64, 216, 512 or 1,728. For a net of one
hidden layer it predicts a number that grows like that of all strings. Three nets of 30,000
parameters learn from multiples of that number: *tree*, three layers each of which joins neighbours
and is the same at all places, from half of it to 4 times; *deep*, three fully connected layers, and
*shallow*, a single one, from 4 to 32 times, as far as there are strings. All have 1,500 updates of
100 strings and the better of two learning rates for each number of strings, chosen on validation
strings with seed 0; the seed draws the grammar, too.

`needed` is where the curve of the test error crosses 10 %, taken as straight between the numbers
measured, over their logarithm. A net that never comes there has twice the largest number measured
in the table, a lower bound; `reached` tells how often it did come there.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modular_cls.lecture.kit.curves import curve, frame
from modular_cls.lecture.kit.hierarchy import grammar
from modular_cls.lecture.kit.lab import Cell, Lab
from modular_cls.lecture.kit.learning import error, fit
from modular_cls.lecture.kit.nets import parameters
from modular_cls.lecture.kit.rates import tuned
from modular_cls.lecture.kit.statement import Role, Statement
from modular_cls.lecture.kit.strings import (
    CLASSES,
    FULL,
    PARAMETERS,
    RATES,
    SYMBOLS,
    TREE,
    draw_strings,
    predicted,
    string_net,
)
from modular_cls.report.statistics import images_to_match

LEVELS = 3
SYNONYMS = (2, 3, 4, 6)
NETS = {"tree": (TREE, LEVELS), "deep": (FULL, LEVELS), "shallow": (FULL, 1)}
_FULL_SHARES = (4.0, 8.0, 16.0, 32.0)  # times the number predicted
SHARES = {"tree": (0.5, 1.0, 2.0, 4.0), "deep": _FULL_SHARES, "shallow": _FULL_SHARES}
ERROR = 0.1
_RATES = RATES[1:]
_TWICE = 4.0  # share at which a shallow net gets twice the updates
_BOUND = f"{_TWICE:g} times predicted"
_WORDS = {
    "tree": "nets that follow the tree of a string",
    "deep": "deep fully connected nets on strings of a hierarchy",
}


@dataclass(frozen=True)
class _Size:
    synonyms: tuple[int, ...]
    updates: int
    seeds: int


_SIZES = {"quick": _Size((2, 4), 200, 1), "full": _Size(SYNONYMS, 1500, 3)}


def _statements(synonyms: int) -> tuple[Statement, ...]:
    where = f"{synonyms} synonyms ({predicted(synonyms, LEVELS):,} strings predicted)"

    def fewer(role: Role, less: str, more: str, says: str) -> Statement:
        return Statement(
            f"{where}: {says}",
            "needed",
            "needed",
            {"net": more},
            {"net": less},
            at={"synonyms": synonyms},
            role=role,
            on=_WORDS.get(less, ""),
        )

    return (
        fewer("core", "tree", "shallow", "the tree net needs fewer than one hidden layer"),
        fewer("core", "deep", "shallow", "three fully connected layers need fewer than one"),
        fewer("control", "tree", _BOUND, f"the tree net needs fewer than {_BOUND}"),
        fewer("control", _BOUND, "shallow", f"one hidden layer needs more than {_BOUND}"),
        fewer("control", "tree", "deep", "the tree net needs fewer than three full layers"),
        Statement(
            f"{where}: with {_BOUND} the tree net errs less than one hidden layer with twice "
            "the updates",
            "strings",
            "test error",
            {"net": "shallow", "times": 2},
            {"net": "tree", "times": 1},
            at={"synonyms": synonyms, "share": _TWICE},
            role="control",
        ),
    )


STATEMENTS = tuple(s for synonyms in SYNONYMS for s in _statements(synonyms))
TABLES = ("needed", "strings")
MEASURES = {
    "needed": ",.0f",
    "reached": "%",
    "parameters": ",.0f",
    "validation error": "%",
    "test error": "%",
}


def learn_strings(
    data: Path,
    *,
    synonyms: int,
    share: float,
    net: str,
    updates: int,
    times: int,
    rate: float,
    seed: int,
) -> dict[str, float]:
    """Train one net on some strings.

    Args:
        data: Not needed.
        synonyms: Of the grammar, which `seed` draws.
        share: Number of strings, as a multiple of that predicted.
        net: Key of `NETS`.
        updates: Batches, taken `times` times.
        times: See there.
        rate: Highest learning rate.
        seed: Of grammar, strings, weights and order.
    """
    count = _count(synonyms, share)
    examples = draw_strings(synonyms, LEVELS, count, seed)
    x, y = examples.images, {split: labels["class"] for split, labels in examples.labels.items()}
    kind, layers = NETS[net]
    model = string_net(kind, LEVELS, layers, PARAMETERS, seed)
    fit(model, x["train"], y["train"], updates=updates * times, rate=rate, seed=seed)
    errors = {f"{s} error": error(model, x[s], y[s]) for s in ("validation", "test")}
    return {"strings": count, "parameters": parameters(model), **errors}


def _count(synonyms: int, share: float) -> int:
    return round(share * predicted(synonyms, LEVELS))


def _there(synonyms: int, share: float) -> bool:
    """Whether there are so many strings beside those of validation and test."""
    strings = grammar(CLASSES, SYMBOLS, synonyms, LEVELS, 0).count
    return _count(synonyms, share) <= strings // 2


def compute(lab: Lab) -> dict[str, pd.DataFrame]:
    """Every net at every number of strings; then how many each needs."""
    size = _SIZES[lab.size]
    nets: list[Cell] = [
        {"synonyms": m, "share": share, "net": net, "times": times, "updates": size.updates}
        for m in size.synonyms
        for net, shares in SHARES.items()
        for share in shares
        if _there(m, share)
        for times in ((1, 2) if net == "shallow" and share == _TWICE else (1,))
    ]
    errors = tuned(lab, learn_strings, nets, _RATES, size.seeds)
    return {"needed": needed(errors[errors["times"] == 1]), "strings": errors}


def needed(errors: pd.DataFrame) -> pd.DataFrame:
    """Where the curve of each net and seed crosses `ERROR`; and multiples of those predicted.

    Args:
        errors: `strings` and `test error` by `synonyms`, `net` and `seed`.
    """
    rows: list[dict[str, Any]] = []
    for key, curve_ in errors.groupby(["synonyms", "net", "seed"], sort=False):
        m, net, seed = int(str(key[0])), key[1], key[2]
        ascending = curve_.sort_values("strings")
        strings = ascending["strings"].tolist()
        rights = (1 - ascending["test error"]).tolist()
        number = images_to_match(strings, rights, 1 - ERROR)
        reached = math.isfinite(number)
        row = {"synonyms": m, "predicted": predicted(m, LEVELS), "net": net, "seed": seed}
        rows.append({**row, "needed": number if reached else 2 * strings[-1], "reached": reached})
    pairs: Any = sorted({(r["synonyms"], r["seed"]) for r in rows})
    bounds = [
        {"synonyms": m, "predicted": predicted(m, LEVELS), "net": _BOUND, "seed": seed,
         "needed": _TWICE * predicted(m, LEVELS), "reached": True}
        for m, seed in pairs
    ]  # fmt: skip
    return pd.DataFrame([*rows, *bounds]).astype({"reached": float})


def draw(lab: Lab, tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Left: strings needed against those predicted. Right: the curves of one grammar's size."""
    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    _needed_panel(left, tables["needed"])
    _error_panel(right, tables["strings"])
    handles = left.get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=2, frameon=False)
    return {"strings": figure}


def _needed_panel(axis: Axes, table: pd.DataFrame) -> None:
    for look, net in enumerate(NETS):
        mine = table[table["net"] == net]
        curve(axis, mine, "predicted", "needed", look, _named(net))
        never = mine[mine["reached"] == 0].groupby("predicted")["needed"].max()
        for place, number in never.items():
            axis.annotate("or more", (float(str(place)), number), (4, 6), fontsize=8,
                          textcoords="offset points")  # fmt: skip
    line = sorted(set(table["predicted"]))
    axis.plot(line, line, color="#808080", linestyle=":", label="published: $n_c m^L$")
    title = f"strings needed to err on {100 * ERROR:g} %"
    frame(axis, title, "strings predicted, $n_c m^L$", grid="both")
    _logarithmic(axis, line)
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _error_panel(axis: Axes, table: pd.DataFrame) -> None:
    shown = table[(table["synonyms"] == 4) & (table["times"] == 1)]
    for look, net in enumerate(NETS):
        curve(axis, shown[shown["net"] == net], "strings", "test error", look, _named(net))
    axis.axhline(ERROR, color="#808080", linestyle="--", linewidth=0.8)
    axis.axvline(predicted(4, LEVELS), color="#808080", linestyle=":", linewidth=0.9)
    frame(axis, "test error with 4 synonyms", "training strings", grid="both", percent=True)
    _logarithmic(axis, sorted(set(shown["strings"]))[1::2])
    axis.set_ylim(0)


def _logarithmic(axis: Axes, ticks: list[int]) -> None:
    axis.set_xscale("log")
    axis.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
    axis.minorticks_off()


def _named(net: str) -> str:
    kind, layers = NETS[net]
    words = "the same at all places" if kind == TREE else kind
    return f"{net}: {words}, {layers} layer{'s' * (layers > 1)}"
