"""The `schema:` block of a configuration file, read."""

from collections.abc import Mapping
from typing import Any

from modular_cls.errors import SchemaError, unknown
from modular_cls.schema.composite import Attribute, Composite


def read_parts(spec: Mapping[str, Any]) -> tuple[tuple[Attribute, ...], tuple[Composite, ...]]:
    """The attributes and composites of a specification; see `Schema.from_dict`."""
    _refuse_unknown_keys(spec, ("attributes", "composites"), "schema")
    attributes = tuple(
        Attribute(
            str(name),
            tuple(_value(v, name) for v in _sequence(values, f"schema.attributes.{name}")),
        )
        for name, values in _mapping(spec.get("attributes"), "schema.attributes").items()
    )
    by_name = {a.name: a for a in attributes}
    composites = tuple(
        _composite(str(name), entry, by_name)
        for name, entry in _mapping(spec.get("composites") or {}, "schema.composites").items()
    )
    return attributes, composites


def _composite(name: str, entry: object, by_name: Mapping[str, Attribute]) -> Composite:
    where = f"schema.composites.{name}"
    entry = _mapping(entry, where)
    _refuse_unknown_keys(entry, ("attributes", "names"), where)
    attributes = []
    for a in _sequence(entry.get("attributes"), f"{where}.attributes"):
        if not isinstance(a, str) or a not in by_name:
            raise SchemaError(unknown("attribute", a, by_name, f"in {where}"))
        attributes.append(by_name[a])
    given = []
    for class_name, values in _mapping(entry.get("names") or {}, f"{where}.names").items():
        values = _mapping(values, f"{where}.names.{class_name}")
        if set(values) != {a.name for a in attributes}:
            raise SchemaError(
                f"{where}.names.{class_name} must give one value for each of "
                f"{', '.join(a.name for a in attributes)}; it gives {dict(values)}"
            )
        chosen = tuple(_value(values[a.name], a.name) for a in attributes)
        for attribute, value in zip(attributes, chosen, strict=True):
            attribute.index(value)
        given.append((str(class_name), chosen))
    return Composite(name, tuple(attributes), tuple(given))


def _value(value: object, attribute: str) -> str:
    # YAML 1.1 reads bare yes/no/on/off as booleans; the manifest's text would then never match.
    if isinstance(value, bool) or value is None:
        raise SchemaError(
            f"attribute {attribute!r}: value {value!r} was read as a YAML {type(value).__name__}; "
            "put it in quotes, as in ['no', 'yes']"
        )
    return str(value)


def _mapping(entry: object, where: str) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping):
        raise SchemaError(f"{where} must be a mapping of names, found {entry!r}")
    return entry


def _sequence(entry: object, where: str) -> list[Any]:
    if not isinstance(entry, (list, tuple)):
        raise SchemaError(f"{where} must be a list, found {entry!r}")
    return list(entry)


def _refuse_unknown_keys(entry: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in _mapping(entry, where):
        if key not in known:
            raise SchemaError(unknown("key", key, known, f"in {where}"))
