"""A question with its answers, and the joint classes that are made of several."""

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from modular_cls.errors import SchemaError, unknown

# Columns of a manifest that are no attributes.
RESERVED = ("path", "split", "source", "identity", "box")


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
        refuse_repeats(self.values, f"values of attribute {self.name!r}")

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

    Example:
        >>> hair = Attribute("hair", ("short", "long"))
        >>> gender = Attribute("gender", ("female", "male"))
        >>> both = Composite("both", (hair, gender), (("long_haired_man", ("long", "male")),))
        >>> both.class_names
        ('short_female', 'short_male', 'long_female', 'long_haired_man')
        >>> both.contains({"hair": "long"})
        [2, 3]
    """

    name: str
    attributes: tuple[Attribute, ...]
    given_names: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __post_init__(self) -> None:
        if not self.attributes:
            raise SchemaError(f"composite {self.name!r} names no attributes")
        refuse_repeats([a.name for a in self.attributes], f"attributes of composite {self.name!r}")
        refuse_repeats(
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
        names = {values: name for name, values in self.given_names}
        combinations = itertools.product(*(a.values for a in self.attributes))
        return tuple(names.get(values, "_".join(values)) for values in combinations)

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

        def agrees(cell: tuple[int, ...]) -> bool:
            return all(cell[i] == value for i, value in wanted.items())

        return [z for z, cell in enumerate(self.cells) if agrees(cell)]


@dataclass(frozen=True)
class Conclusion:
    """An attribute that is concluded from others, as a species from marks, a disease from findings.

    Attributes:
        attribute: What is concluded; images are labelled with it as with any other.
        sources: The attributes that it is concluded from, in order.
    """

    attribute: Attribute
    sources: tuple[Attribute, ...]

    def __post_init__(self) -> None:
        where = f"schema.outputs.{self.attribute.name}.from"
        if not self.sources:
            raise SchemaError(f"{where} names no attributes")
        refuse_repeats([a.name for a in self.sources], where)
        if self.attribute in self.sources:
            raise SchemaError(f"{where} names {self.attribute.name} itself")

    @property
    def width(self) -> int:
        """Values of all sources together."""
        return sum(len(a.values) for a in self.sources)


def refuse_repeats(names: Iterable[Any], what: str) -> None:
    """Raise SchemaError if a name stands there twice; `what` says of what they are."""
    seen = set()
    for name in names:
        if name in seen:
            raise SchemaError(f"{what}: {name!r} appears twice; each must be unique")
        seen.add(name)
