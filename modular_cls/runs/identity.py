"""What makes a run the run that it is: its configuration without where and how fast it runs.

Pictures may be moved, and `config.yaml` say so, without a run becoming another one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from modular_cls.config import Config

_FREE = {
    "data": ("manifest", "root", "about", "allow_outside", "workers", "cache_gib"),
    "training": ("accelerator", "devices", "strategy", "threads", "save_every"),
}


_TOLD = ("trials", "edges")  # of the training, only reported
_ENDING = ("method", "finish", "prediction")


def identity(config: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of a configuration as `config.yaml` holds it."""
    text = json.dumps(_bound(config), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def same_run(asked: Config, done: Config) -> bool:
    """Whether a run that is done is the one asked for.

    What was left to its weights, the scale of pixels, is as it is; how settings were chosen is only
    reported.
    """
    data = asked.data
    filled = replace(data, mean=data.mean or done.data.mean, std=data.std or done.data.std)
    pairs = [
        replace(config, training=replace(config.training, trials=0, edges=None))
        for config in (replace(asked, data=filled), done)
    ]
    return len({identity(c.to_dict()) for c in pairs}) == 1 and all(
        getattr(data, name) == getattr(done.data, name) for name in ("manifest", "root")
    )


def fit_terms(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of a configuration decides how its network is fitted; how it ends is left out."""
    bound = {key: value for key, value in _bound(config).items() if key not in _ENDING}
    bound["training"] = {k: v for k, v in bound["training"].items() if k not in _TOLD}
    return bound


def _bound(config: Mapping[str, Any]) -> dict[str, Any]:
    bound = {key: value for key, value in config.items() if key != "knob"}  # what may be chosen
    for section, free in _FREE.items():
        mapping = bound.get(section)
        if isinstance(mapping, Mapping):
            bound[section] = {key: value for key, value in mapping.items() if key not in free}
    return bound
