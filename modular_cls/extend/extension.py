"""What a run is extended by.

A YAML file with more attributes and composites -> the configuration of the whole.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from modular_cls.config import Config, Data
from modular_cls.config.bases import read_yaml
from modular_cls.errors import ConfigError, ManifestError, SchemaError, unknown
from modular_cls.schema import Schema
from modular_cls.training.reading import load_config

_KEYS = ("schema", "data", "prediction", "method")
_PARTS = ("attributes", "composites", "outputs")
# The backbone knows pictures of this size, shape and scale only.
_FROZEN = ("image_size", "fit", "mean", "std")


@dataclass(frozen=True)
class Extension:
    """What a run becomes.

    Attributes:
        config: The configuration of the extended run.
        new: Names of the attributes and of the composites added, in order.
        values: Values added to attributes that were there, by attribute.
        has_images: Whether images come with it (`data.manifest`).
    """

    config: Config
    new: dict[str, list[str]]
    values: dict[str, list[str]]
    has_images: bool

    @property
    def schema(self) -> Schema:
        """The schema of the extended run."""
        return Schema.from_dict(self.config.schema)


def read_extension(folder: Path, old: Config, more: Path) -> Extension:
    """Read what a run is to be extended by.

    Args:
        folder: The run folder.
        old: Its configuration.
        more: YAML file: `schema` with attributes and composites to add (an attribute that is there
            with all its values and then more adds these to it), and where needed `data`
            with the images of new attributes (a manifest with a column for each attribute, old ones
            included; blank = unknown), `prediction` for the joint spaces that are new, and
            `method`, the extended run's name in tables.

    Raises:
        ConfigError: If the file cannot be read, or adds nothing, or changes what is there.
        ManifestError: Listing the names that are there already.
        SchemaError: If the schema of the whole does not fit.
    """
    asked = _read(more)
    additions = _mapping(asked.get("schema"), more, "schema")
    for key in additions:
        if key not in _PARTS:
            raise SchemaError(unknown("key", key, _PARTS, f"in schema of {more}"))
    parts = {part: _mapping(additions.get(part) or {}, more, f"schema.{part}") for part in _PARTS}
    if not any(parts.values()):
        raise ConfigError(f"{more}: schema adds neither attributes nor composites")
    whole = {part: old.schema.get(part) or {} for part in _PARTS}
    values = _added_values(whole["attributes"], parts["attributes"])
    had = set().union(*whole.values())
    taken = [
        f"schema.{part}.{name}: the run has that already; what it has stays as it is{_grows(part)}"
        for part in _PARTS
        for name in parts[part]
        if str(name) in had and name not in values
    ]
    if taken:
        raise ManifestError(more, taken)
    new = {}
    for part, entries in parts.items():
        new[part] = [str(name) for name in entries if name not in values]
    if values and (others := [*chain.from_iterable(new.values())]):
        raise ConfigError(
            f"{more}: schema adds values to {', '.join(values)}, and beside that "
            f"{', '.join(others)}; add the values first, then the rest to what comes out"
        )
    schema = Schema.from_dict({part: {**whole[part], **parts[part]} for part in _PARTS})
    overlay = {"method": f"{old.method}, extended"} | {
        k: v for k, v in asked.items() if k != "schema"
    }
    data = _mapping(asked.get("data") or {}, more, "data")
    if data.get("augmentation") is not None:
        why = "the backbone stays as it is, and sees each picture once, unchanged; leave it out"
        raise ConfigError(f"{more}: data.augmentation: {why}")
    has_images = "manifest" in data
    if parts["attributes"] and not has_images:
        names = ", ".join(map(str, parts["attributes"]))
        raise ConfigError(
            f"{more}: no images are given to learn {names} from; name their table in data.manifest"
        )
    config = _overlaid(folder, overlay | {"schema": schema.to_dict()})
    _check_frozen(old.data, config.data, more)
    if has_images:
        config = replace(config, data=_own_images(config.data, data))
    return Extension(config, new, values, has_images)


def _grows(part: str) -> str:
    hint = "; to add a value, list those of the run in order, then the new one"
    return hint if part == "attributes" else ""


def _added_values(old: Mapping[str, Any], grown: Mapping[str, Any]) -> dict[str, list[str]]:
    """Of attributes that are there, given with all their values in order and more: those."""
    added = {}
    for name, values in grown.items():
        before = [str(v) for v in old.get(name, [])]
        now = [str(v) for v in values] if isinstance(values, list) else []
        if before and now[: len(before)] == before and len(now) > len(before):
            added[str(name)] = now[len(before) :]
    return added


def _read(path: Path) -> Mapping[str, Any]:
    asked = read_yaml(path)
    for key in asked:
        if key not in _KEYS:
            raise ConfigError(
                f"{path}: {unknown('key', key, _KEYS)}; the rest stays as the run has it"
            )
    return asked


def _mapping(value: object, path: Path, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{path}: {what} must be a mapping of names, found {value!r}")
    return value


def _overlaid(folder: Path, overlay: Mapping[str, Any]) -> Config:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "extension.yaml"
        file.write_text(
            yaml.safe_dump(dict(overlay), sort_keys=False, allow_unicode=True), encoding="utf-8"
        )
        return load_config(folder / "config.yaml", file)


def _check_frozen(old: Data, new: Data, more: Path) -> None:
    for name in _FROZEN:
        before, now = getattr(old, name), getattr(new, name)
        if before != now:
            raise ConfigError(
                f"{more}: data.{name} is {now}; the frozen backbone was trained with {before}"
            )


def _own_images(data: Data, settings: Mapping[str, Any]) -> Data:
    """The run's settings but those that belong to its manifest.

    Rare classes are reported, none is made scarce.
    """
    fresh: dict[str, Any] = {"root": None, "about": None, "hold_out": 0.0, "limit": None}
    fresh["per_class"] = None
    data = replace(data, **{key: value for key, value in fresh.items() if key not in settings})
    if "scarcity" not in settings:
        data = replace(data, scarcity=[replace(s, keep=None) for s in data.scarcities] or None)
    return data
