"""The methods of a study: configurations, or variants of one that only the study needs.

methods: [modular, {base: modular, name: modular_mean, finish: [...]}]
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from modular_cls.config import Config
from modular_cls.config.shipped import method_config
from modular_cls.errors import ConfigError, unknown
from modular_cls.parsing import misplaced

_OWN = (
    "base",
    "name",
)  # of a variant; its name takes the place of method, and seeds are the grid's
_CHANGED = [f.name for f in fields(Config) if f.name not in ("method", "seed")]

Method = str | Mapping[str, Any]


def method_sources(method: Method) -> list[Method]:
    """What `load_config` is to read for a method, in order: its file, and what a variant changes.

    Raises:
        ConfigError: If there is no such file or key, with the nearest; or a variant lacks its name.
    """
    if isinstance(method, str):
        return [method_config(method)]
    for key in method:
        if key not in (*_OWN, *_CHANGED):
            raise ConfigError(unknown("key", key, [*_OWN, *_CHANGED]))
    for key, wanted in (("base", "a method of configs/ or a file"), ("name", "that of its own")):
        if not isinstance(value := method.get(key), str) or not value.strip():
            raise ConfigError(f"{key} is {value!r}; a variant says its {key}: {wanted}")
    changes = {key: value for key, value in method.items() if key not in _OWN}
    if wrong := next(misplaced(changes, Config), None):
        raise ConfigError(wrong)
    return [method_config(method["base"]), {**changes, "method": method["name"]}]


def called(method: Method) -> str:
    """A method in words."""
    if isinstance(method, str):
        return method
    return str(method.get("name") or f"a variant of {method.get('base')}")
