"""The scores of `metrics.json` that methods are compared by: what each is, and how it reads.

Reports, figures, cards and the terminal show them in this order; training/metrics.py computes them.
"""

import math
from collections.abc import Callable, Collection, Mapping, Set
from typing import Any, NamedTuple

MISSING = "–"  # noqa: RUF001 (what prints as a dash in a table)


class Score(NamedTuple):
    """A mean recall over some joint classes.

    Attributes:
        heading: How it is called.
        classes: Which ones, of the recalls by joint class and the names of the rare ones.
    """

    heading: str
    classes: Callable[[Mapping[str, float], Set[str]], Collection[str]]


TABLE = {
    "rare_class_recall": Score("rare-class recall", lambda recalls, rare: rare & recalls.keys()),
    "balanced_accuracy": Score("balanced accuracy", lambda recalls, _: recalls.keys()),
    "worst_class_recall": Score(
        "worst-class recall", lambda recalls, _: {min(recalls, key=recalls.__getitem__)}
    ),
}
NAMES = {name: score.heading for name, score in TABLE.items()}
SCORES = tuple(TABLE)


def calibration(outputs: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """How far probabilities were off on the pictures measured, by composite.

    Args:
        outputs: Metrics by output, as in `metrics.json`.

    Returns:
        `error`, the expected calibration error, and `images`, how many it was measured on.
    """
    return {
        name: {"error": values["ece"], "images": sum(values["support"].values())}
        for name, values in outputs.items()
        if "rare_class_recall" in values and values.get("ece") is not None
    }


def percent(value: float | None, missing: str = MISSING) -> str:
    """A fraction in percent; a dash where it is undefined."""
    return missing if value is None or math.isnan(value) else f"{100 * value:.1f} %"
