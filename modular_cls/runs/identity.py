"""What makes a run the run that it is: its configuration without where and how fast it runs.

Pictures may be moved, and `config.yaml` say so, without a run becoming another one.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_FREE = {
    "data": ("manifest", "root", "about", "allow_outside", "workers", "cache_gib"),
    "training": ("accelerator", "devices", "strategy", "threads", "save_every"),
}


_ENDING = ("method", "finish", "prediction")


def identity(config: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of a configuration as `config.yaml` holds it."""
    text = json.dumps(_bound(config), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def fit_terms(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of a configuration decides how its network is fitted; how it ends is left out."""
    bound = {key: value for key, value in _bound(config).items() if key not in _ENDING}
    bound["training"] = {k: v for k, v in bound["training"].items() if k != "trials"}
    return bound


def _bound(config: Mapping[str, Any]) -> dict[str, Any]:
    bound = dict(config)
    for section, free in _FREE.items():
        found = bound.get(section)
        if isinstance(found, Mapping):
            bound[section] = {key: value for key, value in found.items() if key not in free}
    return bound
