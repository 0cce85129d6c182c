"""The scores of `metrics.json` that methods are compared by; their names, and how they print."""

import math

MISSING = "–"  # noqa: RUF001 (what prints as a dash in a table)
NAMES = {
    "rare_class_recall": "rare-class recall",
    "balanced_accuracy": "balanced accuracy",
    "worst_class_recall": "worst-class recall",
}
SCORES = tuple(NAMES)


def percent(value: float | None, missing: str = MISSING) -> str:
    """A fraction in percent; a dash where it is undefined."""
    return missing if value is None or math.isnan(value) else f"{100 * value:.1f} %"
