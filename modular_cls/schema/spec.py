"""The `schema:` block of a configuration file, read."""

from collections.abc import Mapping
from typing import Any

from modular_cls.errors import SchemaError, unknown
from modular_cls.schema.composite import Attribute, Composite, Conclusion

Parts = tuple[tuple[Attribute, ...], tuple[Composite, ...], tuple[Conclusion, ...]]


def read_parts(spec: Mapping[str, Any]) -> Parts:
    """Attributes, composites and conclusions of a specification; see `Schema.from_dict`."""
    _refuse_unknown_keys(spec, ("attributes", "composites", "outputs"), "schema")
    attributes = tuple(
        _attribute(_name(name, "schema.attributes"), values)
        for name, values in _mapping(spec.get("attributes"), "schema.attributes").items()
    )
    by_name = {a.name: a for a in attributes}
    composites = tuple(
        _composite(_name(name, "schema.composites"), entry, by_name)
        for name, entry in _mapping(spec.get("composites") or {}, "schema.composites").items()
    )
    conclusions = tuple(
        _conclusion(_name(name, "schema.outputs"), entry, by_name)
        for name, entry in _mapping(spec.get("outputs") or {}, "schema.outputs").items()
    )
    return attributes, composites, conclusions


def _attribute(name: str, entry: object) -> Attribute:
    values = _sequence(entry, f"schema.attributes.{name}")
    return Attribute(name, tuple(_value(value, name) for value in values))


def _composite(name: str, entry: object, by_name: Mapping[str, Attribute]) -> Composite:
    where = f"schema.composites.{name}"
    entry = _mapping(entry, where)
    _refuse_unknown_keys(entry, ("attributes", "names"), where)
    attributes = _attributes(entry.get("attributes"), f"{where}.attributes", by_name)
    named = []
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
        named.append((_name(class_name, f"{where}.names"), chosen))
    return Composite(name, attributes, tuple(named))


def _conclusion(name: str, entry: object, by_name: Mapping[str, Attribute]) -> Conclusion:
    where = f"schema.outputs.{name}"
    entry = _mapping(entry, where)
    _refuse_unknown_keys(entry, ("from",), where)
    if name not in by_name:
        raise SchemaError(
            f"{unknown('attribute', name, by_name, 'in schema.outputs')}; what is concluded is an "
            "attribute, too: list its values under schema.attributes"
        )
    return Conclusion(by_name[name], _attributes(entry.get("from"), f"{where}.from", by_name))


def _attributes(
    names: object, where: str, by_name: Mapping[str, Attribute]
) -> tuple[Attribute, ...]:
    attributes = []
    for entry in _sequence(names, where):
        name = _name(entry, where)
        if not isinstance(name, str) or name not in by_name:
            raise SchemaError(unknown("attribute", name, by_name, f"in {where}"))
        attributes.append(by_name[name])
    return tuple(attributes)


def _name(name: object, where: str) -> str:
    """A name, which is text: YAML 1.1 reads no as false, and 1_1 as 11."""
    if not isinstance(name, str):
        kind = type(name).__name__
        raise SchemaError(f"{where}: name {name!r} was read as a YAML {kind}; put it in quotes")
    return name


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
