"""Features made by hand are soon learned from; with all the pictures, learning from pixels wins.

Three ways from a picture to its class, each given the same training pictures: *hand-made*,
histograms of oriented gradients (HOG; Dalal and Triggs, CVPR 2005: 9 orientations, cells of 4 x 4
pixels, blocks of 2 x 2 cells, L2-Hys) and a linear classifier; *learned*, a small convolutional net
on pixels; and as a floor a *linear* classifier on pixels. Measured is the error on test pictures
against the number of training pictures, for MNIST and for the drawn faces (grey, 32 pixels a side;
their joint class of hair and gender). What is set by hand in each, the penalty of the classifiers
and the learning rate of the net, is chosen among three values on validation pictures, with training
pictures of a draw that is not among those reported. Every net with some of the pictures makes as
many updates as any other, one with all of them more.

In the lecture the stages of a hand-made pipeline are handed over to learning one by one, given
data. On MNIST, LeCun, Bottou, Bengio, Haffner (Proceedings of the IEEE, 1998) report 12.0 % error
for a linear classifier on pixels and 0.95 % for the convolutional LeNet-5; Maji and Malik
(UCB/EECS-2009-159) 0.79 % for histograms of orientations with an additive-kernel support vector
machine, more than the linear classifier used here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from skimage.feature import hog
from torch import Tensor

from modular_cls.lecture.kit import sets
from modular_cls.lecture.kit.curves import curve, frame
from modular_cls.lecture.kit.lab import Cell, Lab, Measured
from modular_cls.lecture.kit.learning import error, fit, seeded
from modular_cls.lecture.kit.nets import convolutional
from modular_cls.lecture.kit.statement import Role, Statement
from modular_cls.lecture.probes import Examples, linear, spanned

METHODS = {
    "hand-made": "HOG, then linear",
    "learned": "convolutional net",
    "linear": "linear on pixels",
}
ALL = "all"
_STRENGTHS = (3.0, 30.0, 300.0)  # inverse, of the penalty on features of unit spread
_KNOBS = {"hand-made": _STRENGTHS, "learned": (5e-3, 2e-2, 8e-2), "linear": _STRENGTHS}
_CELL, _BLOCK, _ORIENTATIONS = 4, 2, 9  # pixels a side, cells a side, bins of half a turn
# Which pictures there are at all; the draw that knobs are chosen with.
_POOL_SEED, _CHOICE_SEED = (1000, 2000)


@dataclass(frozen=True)
class _Size:
    counts: tuple[int, ...]  # training pictures, then all
    updates: Mapping[str, int]  # of the net: with some, with all
    pool: int  # pictures at most of each split
    seeds: int


_SIZES = {
    "quick": _Size((50, 100, 500), {"some": 150, ALL: 300}, 3000, 1),
    "full": _Size((50, 100, 300, 1000, 3000), {"some": 250, ALL: 1500}, 50_000, 5),
}
TABLES = ("errors", "choices")
MEASURES = {"pictures": ",.0f", "error": "%", "chosen": "g", "validation error": "%"}


def _statements() -> tuple[Statement, ...]:
    def less(name: str, images: str, better: str, worse: str, says: str) -> Statement:
        role: Role = "control" if worse == "linear" else "core"
        words = "handwritten digits" if name == "mnist" else "drawn faces"
        return Statement(
            f"{name}: {says}",
            "errors",
            "error",
            {"method": worse},
            {"method": better},
            at={"set": name, "images": images},
            role=role,
            on=words,
        )

    return tuple(
        statement
        for name in sets.SETS
        for statement in (
            less(
                name,
                "100",
                "hand-made",
                "learned",
                "with 100 pictures hand-made features err less than learned ones",
            ),
            less(
                name,
                "100",
                "hand-made",
                "linear",
                "with 100 pictures hand-made features err less than bare pixels",
            ),
            less(
                name,
                ALL,
                "learned",
                "hand-made",
                "with all pictures learned features err less than hand-made ones",
            ),
            less(
                name,
                ALL,
                "learned",
                "linear",
                "with all pictures learned features err less than bare pixels",
            ),
        )
    )


STATEMENTS = _statements()


def needs(data: Path) -> object:
    """Which digits are at hand; raises ConfigError where there are none."""
    return {"mnist": sets.at_hand(data), "faces": "drawn"}


def histograms(images: Tensor) -> Tensor:
    """Histograms of oriented gradients (Dalal and Triggs 2005, with L2-Hys blocks that overlap).

    Args:
        images: Shape (pictures, 1, side, side).

    Returns:
        Shape (pictures, (side / 4 - 1)^2 * 2 * 2 * 9), float; scaling a picture's brightness
        changes nothing.
    """
    gradients = [
        hog(image, _ORIENTATIONS, (_CELL, _CELL), (_BLOCK, _BLOCK), block_norm="L2-Hys").astype(
            np.float32
        )
        for image in images[:, 0].numpy()
    ]
    return torch.from_numpy(np.stack(gradients))


def choose(
    data: Path,
    *,
    set: str,
    method: str,
    images: str,
    knob: float,
    seed: int,
    pool: int,
    updates: int,
) -> Measured:
    """Validation error with one value of a method's knob.

    Args:
        data: Folder of data sets.
        set: `mnist` or `faces`.
        method: Key of `METHODS`.
        images: Number of training pictures, or `all`.
        knob: Inverse strength of the penalty, or learning rate.
        seed: Of the draw and the net.
        pool: Pictures of each split that there are at most.
        updates: Of the net.
    """
    return {
        "validation error": _error(
            data, set, method, images, knob, seed, pool, updates, "validation"
        )[1]
    }


def measure(
    data: Path,
    *,
    set: str,
    method: str,
    images: str,
    knob: float,
    seed: int,
    pool: int,
    updates: int,
) -> Measured:
    """Test error; arguments as for `choose`."""
    count, wrong = _error(data, set, method, images, knob, seed, pool, updates, "test")
    return {"pictures": count, "error": wrong}


def _error(
    data: Path,
    set: str,
    method: str,
    images: str,
    knob: float,
    seed: int,
    pool: int,
    updates: int,
    split: str,
) -> tuple[int, float]:
    """Number of training pictures, and the error on a split."""
    every = _described(data, set, method == "hand-made", pool)
    drawn = every.few(len(every.images["train"]) if images == ALL else int(images), seed)
    x, y = drawn.images, _classes(drawn)
    if method == "learned":
        net = seeded(lambda: convolutional(x["train"].shape[1], [12, 24, 48], drawn.classes), seed)
        fit(net, x["train"], y["train"], updates=updates, rate=knob, seed=seed)
        return len(x["train"]), error(net, x[split], y[split])
    train, judged = spanned(*(x[part].flatten(1).numpy() for part in ("train", split)))
    fitted = linear(Examples(train, y["train"].numpy()), knob)
    return len(train), 1.0 - float(fitted.score(judged, y[split].numpy()))


@cache
def _described(data: Path, set: str, by_hand: bool, pool: int) -> sets.Pictures:
    """At most `pool` pictures of each split, always the same, as pixels or by their histograms.

    Once in a process.
    """
    pictures = sets.load(set, data)
    images, labels = {}, {}
    for split, every in pictures.images.items():
        chosen = torch.randperm(len(every), generator=torch.Generator().manual_seed(_POOL_SEED))[
            :pool
        ]
        images[split] = histograms(every[chosen]) if by_hand else every[chosen]
        labels[split] = {name: y[chosen] for name, y in pictures.labels[split].items()}
    return sets.Pictures(images, labels, pictures.classes)


def _classes(pictures: sets.Pictures) -> dict[str, Tensor]:
    return {split: labels["class"] for split, labels in pictures.labels.items()}


def compute(lab: Lab) -> dict[str, pd.DataFrame]:
    """`choices`: validation errors by knob.

    `errors`: test errors with the knob that had the smallest one.
    """
    size = _SIZES[lab.size]
    settings: list[dict[str, str | int]] = [
        {"set": name, "method": method, "images": images, "pool": size.pool,
         "updates": size.updates[ALL if images == ALL else "some"]}
        for images in (ALL, *map(str, reversed(size.counts)))  # the longest first
        for name in sets.SETS
        for method in METHODS
    ]  # fmt: skip
    tried: list[Cell] = [
        {**s, "knob": k, "seed": _CHOICE_SEED} for s in settings for k in _KNOBS[str(s["method"])]
    ]
    choices = lab.table(choose, tried)
    cells: list[Cell] = [
        {**s, "knob": _best(choices, s), "seed": seed}
        for seed in range(size.seeds)
        for s in settings
    ]
    kept = ["set", "method", "images", "seed"]
    errors = lab.table(measure, cells).rename(columns={"knob": "chosen"})[
        [*kept, "pictures", "error", "chosen"]
    ]
    return {"errors": errors, "choices": choices[[*kept, "knob", "validation error"]]}


def _best(choices: pd.DataFrame, setting: Mapping[str, str | int]) -> float:
    """The knob with the smallest validation error; the first of equals."""
    rows = choices[
        np.logical_and.reduce([choices[k] == setting[k] for k in ("set", "method", "images")])
    ]
    return float(rows["knob"].iloc[int(rows["validation error"].argmin())])


def draw(lab: Lab, tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Test error against training pictures, one panel a set."""
    figure = Figure(figsize=(9.6, 4.4), layout="constrained")
    for axis, name in zip(figure.subplots(1, len(sets.SETS)), sets.SETS, strict=True):
        rows = tables["errors"][tables["errors"]["set"] == name]
        for i, method in enumerate(METHODS):
            curve(axis, rows[rows["method"] == method], "pictures", "error", i, METHODS[method])
        frame(axis, f"{name}: test error", "training pictures", grid="both")
        axis.set(xscale="log", yscale="log")
        counts = sorted(rows["pictures"].unique())
        axis.set_xticks(counts, [f"{n:,}" for n in counts], fontsize=8)
        axis.set_xticks([], minor=True)
        axis.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        axis.yaxis.set_minor_formatter(
            lambda value, _: f"{100 * value:g} %" if f"{value:e}"[0] in "235" else ""
        )
    figure.axes[0].legend(frameon=False)
    return {"errors": figure}
