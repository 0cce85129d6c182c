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


def identity(config: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of a configuration as `config.yaml` holds it."""
    bound = dict(config)
    for section, free in _FREE.items():
        found = bound.get(section)
        if isinstance(found, Mapping):
            bound[section] = {key: value for key, value in found.items() if key not in free}
    text = json.dumps(bound, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
