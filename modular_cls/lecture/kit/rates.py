"""A learning rate for every net of a table, chosen on the validation split by one seed."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from modular_cls.lecture.kit.lab import Cell, Lab
from modular_cls.lecture.kit.learning import best_rates


def tuned(
    lab: Lab,
    measure: Callable[..., Any],
    nets: Sequence[Cell],
    rates: Sequence[float],
    seeds: int,
) -> pd.DataFrame:
    """Seed 0 at every rate, then all seeds at the rate with the least validation error.

    Seed 0 is not done again.

    Args:
        lab: Where cells are measured.
        measure: Takes a net's arguments, `rate` and `seed`; returns its `validation error` and
            more.
        nets: Arguments of each net.
        rates: Learning rates to choose from.
        seeds: Their number.

    Returns:
        One row per net and seed.
    """
    trials = lab.table(measure, [{**net, "rate": r, "seed": 0} for net in nets for r in rates])
    chosen = zip(nets, best_rates(trials, nets), strict=True)
    cells: list[Cell] = [
        {**net, "rate": rate, "seed": s} for net, rate in chosen for s in range(seeds)
    ]
    by_seed = [cell for s in range(seeds) for cell in cells if cell["seed"] == s]
    lab.table(measure, by_seed)  # in this order, for data are drawn anew for each seed
    return lab.table(measure, cells)
