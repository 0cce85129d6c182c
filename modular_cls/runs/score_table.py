"""The scores of `metrics.json` that methods are compared by; their names, and how they print."""

import math
from collections.abc import Mapping
from typing import Any

MISSING = "–"  # noqa: RUF001 (what prints as a dash in a table)
NAMES = {
    "rare_class_recall": "rare-class recall",
    "balanced_accuracy": "balanced accuracy",
    "worst_class_recall": "worst-class recall",
}
SCORES = tuple(NAMES)


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
