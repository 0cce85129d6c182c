"""The words of one problem: attributes, their values, and the joint classes made of them.

Standard library only; almost every other file imports this one. The order of attributes and values
is part of the meaning (weights are stored by position), so everything here is an ordered tuple.
"""

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from modular_cls.errors import SchemaError, unknown

# Columns of a manifest that are no attributes.
RESERVED = ("path", "split", "source", "identity", "box")
MAX_JOINT_CLASSES = 256  # above this, one energy model per composite instead of one over everything


@dataclass(frozen=True)
class Attribute:
    """One basic question about a picture, with its possible answers.

    Attributes:
        name: What is asked, for example `hair`.
        values: The possible answers in order, for example `("short", "long")`; at least two.
    """

    name: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise SchemaError("an attribute needs a name")
        if self.name in RESERVED:
            raise SchemaError(
                f"an attribute may not be called {self.name!r}: that column of a manifest "
                "means something else"
            )
        if not all(v.strip() for v in self.values):
            raise SchemaError(
                f"attribute {self.name!r} has a blank value; blank means unknown in a manifest"
            )
        if len(self.values) < 2:
            raise SchemaError(
                f"attribute {self.name!r} has {len(self.values)} value(s); it needs at least 2"
            )
        _refuse_repeats(self.values, f"values of attribute {self.name!r}")

    def index(self, value: str) -> int:
        """Return the position of `value`; raises SchemaError with the nearest value otherwise."""
        if value not in self.values:
            raise SchemaError(unknown("value", value, self.values, f"of attribute {self.name!r}"))
        return self.values.index(value)


@dataclass(frozen=True)
class Composite:
    """Joint classes: every combination of one value from each of some attributes.

    Attributes:
        name: For example `hair_gender`.
        attributes: The attributes combined, in order.
        given_names: Names for some joint classes, as pairs (class name, one value per attribute).
    """

    name: str
    attributes: tuple[Attribute, ...]
    given_names: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __post_init__(self) -> None:
        if not self.attributes:
            raise SchemaError(f"composite {self.name!r} names no attributes")
        _refuse_repeats([a.name for a in self.attributes], f"attributes of composite {self.name!r}")
        _refuse_repeats(
            [values for _, values in self.given_names], f"joint classes named in {self.name!r}"
        )

    @property
    def size(self) -> int:
        """Number of joint classes."""
        return math.prod(len(a.values) for a in self.attributes)

    @cached_property
    def cells(self) -> tuple[tuple[int, ...], ...]:
        """The value index of each attribute, for each joint class.

        The last attribute varies fastest.
        """
        return tuple(itertools.product(*(range(len(a.values)) for a in self.attributes)))

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Name of each joint class, in the order of `cells`; `long_male` where none was given."""
        given = {values: name for name, values in self.given_names}
        combinations = itertools.product(*(a.values for a in self.attributes))
        return tuple(given.get(values, "_".join(values)) for values in combinations)

    def contains(self, values: Mapping[str, str]) -> list[int]:
        """Indices of the joint classes that have all of `values`.

        Empty if an attribute is not here.
        """
        names = [a.name for a in self.attributes]
        if not set(values) <= set(names):
            return []
        wanted = {
            names.index(n): self.attributes[names.index(n)].index(v) for n, v in values.items()
        }
        return [
            z for z, cell in enumerate(self.cells) if all(cell[i] == v for i, v in wanted.items())
        ]


@dataclass(frozen=True)
class Schema:
    """Attributes and composites of one problem.

    Attributes:
        attributes: All attributes, in order.
        composites: The composites to report, in order; names differ from those of the attributes.
    """

    attributes: tuple[Attribute, ...]
    composites: tuple[Composite, ...]

    def __post_init__(self) -> None:
        if not self.attributes:
            raise SchemaError(
                "schema.attributes is empty; name at least one attribute and its values"
            )
        if not self.composites:
            raise SchemaError("schema.composites is empty; name at least one set of joint classes")
        names = [a.name for a in self.attributes] + [c.name for c in self.composites]
        _refuse_repeats(names, "names of attributes and composites")
        for name in names:
            if "*" in name:  # kept for the joint spaces that are made below
                raise SchemaError(f"{name!r}: names of attributes and composites may not hold '*'")
        for composite in self.composites:
            if composite.size <= MAX_JOINT_CLASSES:
                _refuse_repeats(composite.class_names, f"joint class names of {composite.name!r}")
        _refuse_repeats([n.strip().casefold() for n in names], "names (apart from case)")

    @classmethod
    def from_dict(cls, spec: Mapping[str, Any]) -> "Schema":
        """Build a schema from the `schema:` block of a configuration file.

        Args:
            spec: `{"attributes": {name: [value, ...]}, "composites": {name: {"attributes": [name,
                ...], "names": {class name: {attribute: value}}}}}`; `names` is optional.

        Raises:
            SchemaError: Naming the entry that does not fit, and the nearest one that would.
        """
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
            for name, entry in _mapping(spec.get("composites"), "schema.composites").items()
        )
        return cls(attributes, composites)

    def to_dict(self) -> dict[str, Any]:
        """The inverse of `from_dict`, with lists in order."""
        composites: dict[str, Any] = {}
        for c in self.composites:
            entry: dict[str, Any] = {"attributes": [a.name for a in c.attributes]}
            if c.given_names:
                pairs = ((n, zip(c.attributes, values, strict=True)) for n, values in c.given_names)
                entry["names"] = {n: {a.name: v for a, v in pair} for n, pair in pairs}
            composites[c.name] = entry
        return {
            "attributes": {a.name: list(a.values) for a in self.attributes},
            "composites": composites,
        }

    def attribute(self, name: str) -> Attribute:
        """Return an attribute by name; raises SchemaError with the nearest name otherwise."""
        for a in self.attributes:
            if a.name == name:
                return a
        raise SchemaError(unknown("attribute", name, [a.name for a in self.attributes]))

    def composite(self, name: str) -> Composite:
        """Return a composite by name; raises SchemaError with the nearest name otherwise."""
        for c in self.composites:
            if c.name == name:
                return c
        raise SchemaError(unknown("composite", name, [c.name for c in self.composites]))

    @cached_property
    def joints(self) -> tuple[Composite, ...]:
        """The joint spaces that models score; every output is a marginal of one of them.

        One space over all attributes that a composite uses, as long as it has at most
        `MAX_JOINT_CLASSES` classes; otherwise one space per composite. Attributes that no composite
        uses get a space of their own.
        """
        used = tuple(a for a in self.attributes if any(a in c.attributes for c in self.composites))
        whole = next((c for c in self.composites if set(c.attributes) == set(used)), None)
        whole = whole or Composite("*".join(a.name for a in used) + "*", used)
        spaces = (whole,) if whole.size <= MAX_JOINT_CLASSES else self.composites
        alone = (a for a in self.attributes if a not in used)
        return spaces + tuple(Composite(f"{a.name}*", (a,)) for a in alone)

    @cached_property
    def outputs(self) -> tuple[Composite, ...]:
        """Everything predicted, as composites: the attributes one by one, then the composites."""
        basic = (Composite(a.name, (a,)) for a in self.attributes)
        return (*basic, *self.composites)

    def scarce_values(self, joint_class: Mapping[str, str]) -> dict[str, str]:
        """Check a joint class written as `{attribute: value}` against this schema and return it."""
        if not joint_class:
            raise SchemaError(
                "scarcity.joint_class is empty; write for example {hair: long, gender: male}"
            )
        for name, value in joint_class.items():
            self.attribute(name).index(str(value))
        return {name: str(value) for name, value in joint_class.items()}


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


def _refuse_repeats(names: Iterable[Any], what: str) -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise SchemaError(f"{what}: {name!r} appears twice; each must be unique")
        seen.add(name)
