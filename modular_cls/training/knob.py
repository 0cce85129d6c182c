"""The knob of a method: what it stands at, and the same configuration with it turned."""

import copy
import inspect
from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

from modular_cls import criteria, finish, models
from modular_cls.config import Config
from modular_cls.errors import ConfigError, unknown
from modular_cls.models import heads
from modular_cls.parts import user_arguments

_HOMES: Mapping[str, ModuleType] = {
    "model": models,
    "model.composite": heads,
    "criterion": criteria,
    "finish": finish,
}


def knob_value(config: Config) -> Any:
    """What a configuration's knob stands at: what it says, or the default of that part's class.

    Raises:
        ConfigError: If the knob is of a part or an argument that the configuration has not.
    """
    part, name, home = _place(config)
    arguments = user_arguments(getattr(home, part["name"]))
    if name not in arguments:
        where = f"in knob.key ({part['name']})"
        raise ConfigError(f"{config.method}: {unknown('key', name, arguments, where)}")
    default = arguments[name].default
    return part.get(name, None if default is inspect.Parameter.empty else default)


def check_knob(config: Config) -> None:
    """Refuse a knob that no class has where it stands.

    That this configuration's class has none is no fault: one put on top may have replaced the part.

    Raises:
        ConfigError: With the nearest key that exists.
    """
    if config.knob is None:
        return
    known = []
    for place, home in _HOMES.items():
        for name in home.__all__:
            inner = f"{place}.{name}" if place == "finish" else place
            if inspect.isclass(cls := getattr(home, name)):
                known += [f"{inner}.{key}" for key in user_arguments(cls)]
    if config.knob.key not in known:
        raise ConfigError(unknown("knob.key", config.knob.key, dict.fromkeys(known)))


def turned(config: Config, value: Any) -> Config:
    """The same configuration, its knob at another value."""
    parts = {
        name: copy.deepcopy(getattr(config, name)) for name in ("model", "criterion", "finish")
    }
    moved = replace(config, **parts)
    part, name, _ = _place(moved)
    part[name] = value
    return moved


def knob_told(config: Config) -> dict[str, Any] | None:
    """The knob and what it stands at, for a run's metrics; None without, or where it is elsewhere.

    A configuration put on top may have replaced the part that the knob is of.
    """
    if config.knob is None:
        return None
    try:
        return {config.knob.key: knob_value(config)}
    except ConfigError:
        return None


def _place(config: Config) -> tuple[dict[str, Any], str, ModuleType]:
    """The part that the knob is of, the argument's name, and where the part's class is."""
    assert config.knob is not None
    place, *inner, name = config.knob.key.split(".")
    part = getattr(config, place)
    if place == "finish":
        steps = {step["name"]: step for step in part}
        if inner not in [[step] for step in steps]:
            known = [f"finish.{step}.{name}" for step in steps]
            raise ConfigError(f"{config.method}: {unknown('knob', config.knob.key, known)}")
        return steps[inner[0]], name, _HOMES[place]
    for step in inner:
        if not isinstance(part.get(step), dict) or f"{place}.{step}" not in _HOMES:
            problem = f"{place} holds no part {step!r} with arguments"
            raise ConfigError(f"{config.method}: knob.key is {config.knob.key!r}, but {problem}")
        part, place = part[step], f"{place}.{step}"
    return part, name, _HOMES[place]
