"""Attributes and composites of one problem, and the joint spaces that models score."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from modular_cls.errors import SchemaError, unknown
from modular_cls.schema.composite import Attribute, Composite, Conclusion, refuse_repeats
from modular_cls.schema.spec import read_parts

MAX_JOINT_CLASSES = 256  # above this, one energy model per composite instead of one over all
MAX_CLASSES = 4096  # joint classes of one composite: what is counted of pairs grows with the square


@dataclass(frozen=True)
class Schema:
    """Attributes and composites of one problem.

    Attributes:
        attributes: All attributes, in order.
        composites: The composites to report, in order; names differ from those of the attributes.
            Without any, attributes are learned side by side.
        conclusions: Attributes that are concluded from others instead of being learned from
            pictures; they are in no composite.

    Example:
        >>> from modular_cls import Schema
        >>> schema = Schema.from_dict({
        ...     "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        ...     "composites": {"hair_gender": {"attributes": ["hair", "gender"]}},
        ... })
        >>> [output.name for output in schema.outputs]
        ['hair', 'gender', 'hair_gender']
        >>> schema.composite("hair_gender").class_names
        ('short_female', 'short_male', 'long_female', 'long_male')
        >>> schema.attribute("har")
        Traceback (most recent call last):
        modular_cls.errors.SchemaError: unknown attribute 'har'; ...; did you mean 'hair'?
    """

    attributes: tuple[Attribute, ...]
    composites: tuple[Composite, ...]
    conclusions: tuple[Conclusion, ...] = ()

    def __post_init__(self) -> None:
        if not self.attributes:
            raise SchemaError(
                "schema.attributes is empty; name at least one attribute and its values"
            )
        names = [a.name for a in self.attributes]
        names += [c.name for c in self.composites]
        refuse_repeats(names, "names of attributes and composites")
        for name in names:
            if "*" in name:  # kept for the joint spaces that are made below
                raise SchemaError(f"{name!r}: names of attributes and composites may not hold '*'")
        for composite in self.composites:
            if composite.size > MAX_CLASSES:
                raise SchemaError(
                    f"composite {composite.name!r} has {composite.size:,} joint classes, one for "
                    f"each combination of values; at most {MAX_CLASSES:,} can be told apart. Make "
                    "several composites of fewer attributes; attributes in no composite have heads "
                    "of their own"
                )
            if composite.size <= MAX_JOINT_CLASSES:
                refuse_repeats(composite.class_names, f"joint class names of {composite.name!r}")
        refuse_repeats([n.strip().casefold() for n in names], "names (apart from case)")
        self._check_conclusions()

    @classmethod
    def from_dict(cls, spec: Mapping[str, Any]) -> "Schema":
        """Build a schema from the `schema:` block of a configuration file.

        Args:
            spec: `{"attributes": {name: [value, ...]}, "composites": {name: {"attributes": [name,
                ...], "names": {class name: {attribute: value}}}}}`; `names` is optional, and so
                are composites; and `"outputs": {attribute: {"from": [attribute, ...]}}` for
                attributes that are concluded from others.

        Raises:
            SchemaError: Naming the entry that does not fit, and the nearest one that would.
        """
        return cls(*read_parts(spec))

    def to_dict(self) -> dict[str, Any]:
        """The inverse of `from_dict`, with lists in order."""
        composites: dict[str, Any] = {}
        for c in self.composites:
            names = [a.name for a in c.attributes]
            composites[c.name] = {"attributes": names}
            if c.given_names:
                joint_classes = {
                    n: dict(zip(names, cell, strict=True)) for n, cell in c.given_names
                }
                composites[c.name]["names"] = joint_classes
        outputs = {}
        for concluded in self.conclusions:
            outputs[concluded.attribute.name] = {"from": [a.name for a in concluded.sources]}
        return {
            "attributes": {a.name: list(a.values) for a in self.attributes},
            "composites": composites,
        } | ({"outputs": outputs} if outputs else {})

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

    def output(self, name: str) -> Composite:
        """Return what is predicted by name; raises SchemaError with the nearest name otherwise."""
        for output in self.outputs:
            if output.name == name:
                return output
        raise SchemaError(unknown("output", name, [o.name for o in self.outputs]))

    @property
    def first(self) -> Composite:
        """What one number is about: the first composite; without any, the first attribute."""
        return (self.composites or self.outputs)[0]

    @cached_property
    def joints(self) -> tuple[Composite, ...]:
        """The joint spaces that models score; every output is a marginal of some of them.

        Attributes that composites link, directly or over others, share one space, as long as it has
        at most `MAX_JOINT_CLASSES` classes; otherwise each of their composites has its own.
        Attributes that no composite uses have a space of their own.
        """
        spaces: list[Composite] = []
        for linked in self._linked():
            mine = [c for c in self.composites if set(c.attributes) <= set(linked)]
            whole = next((c for c in mine if set(c.attributes) == set(linked)), None)
            whole = whole or Composite("*".join(a.name for a in linked) + "*", linked)
            spaces += [whole] if whole.size <= MAX_JOINT_CLASSES else mine
        used = {a for space in spaces for a in space.attributes}
        alone = (a for a in self.attributes if a not in used)
        return (*spaces, *(Composite(f"{a.name}*", (a,)) for a in alone))

    @cached_property
    def learned(self) -> "Schema":
        """The same without the attributes that are concluded."""
        concluded = {c.attribute for c in self.conclusions}
        learned = tuple(a for a in self.attributes if a not in concluded)
        return Schema(learned, self.composites) if concluded else self

    def counted(self, setting: str) -> Composite:
        """The joint space whose classes a setting counts.

        Raises:
            SchemaError: If composites have several joint spaces, or there is no composite.
        """
        used = {a for composite in self.composites for a in composite.attributes}
        several = [j for j in self.joints if not used.isdisjoint(j.attributes)]
        if len(self.joints) == 1 or len(several) == 1:
            return self.joints[0]
        names = ", ".join(j.name.rstrip("*") for j in several or self.joints)
        raise SchemaError(
            f"{setting} counts the classes of one joint space, and the schema has several "
            f"({names}); leave it out, or make one composite of all attributes that it should count"
        )

    def answering(self, output: Composite) -> tuple[Composite, ...]:
        """The joint spaces that an output is a marginal of: all that its attributes are in."""
        return self._answering[output.attributes]

    @cached_property
    def outputs(self) -> tuple[Composite, ...]:
        """Everything predicted, as composites: the attributes one by one, then the composites."""
        basic = (Composite(a.name, (a,)) for a in self.attributes)
        return (*basic, *self.composites)

    @cached_property
    def _answering(self) -> dict[tuple[Attribute, ...], tuple[Composite, ...]]:
        # As sets once: a hundred attributes make thousands of questions.
        spaces = [(space, set(space.attributes)) for space in self.joints]

        def holding(attributes: set[Attribute]) -> tuple[Composite, ...]:
            return tuple(space for space, has in spaces if attributes <= has)

        return {output.attributes: holding(set(output.attributes)) for output in self.outputs}

    def _check_conclusions(self) -> None:
        concluded = {c.attribute for c in self.conclusions}
        for conclusion in self.conclusions:
            name = conclusion.attribute.name
            for composite in self.composites:
                if conclusion.attribute in composite.attributes:
                    raise SchemaError(
                        f"composite {composite.name!r} holds {name!r}, which schema.outputs "
                        "concludes from other attributes; take it out of one of the two"
                    )
            if chained := [a.name for a in conclusion.sources if a in concluded]:
                raise SchemaError(
                    f"schema.outputs.{name}.from names {chained[0]!r}, which is concluded itself; "
                    "name the attributes that it is concluded from"
                )

    def _linked(self) -> list[tuple[Attribute, ...]]:
        """The attributes that composites use, in groups that no composite links to each other."""
        groups: list[set[Attribute]] = []
        for composite in self.composites:
            mine = set(composite.attributes)
            apart = [g for g in groups if not g & mine]
            groups = [*apart, mine.union(*(g for g in groups if g & mine))]
        ordered = [sorted(group, key=self.attributes.index) for group in groups]
        ordered.sort(key=lambda group: self.attributes.index(group[0]))
        return list(map(tuple, ordered))

    def scarce_values(self, joint_class: Mapping[str, str]) -> dict[str, str]:
        """Check a joint class written as `{attribute: value}` against this schema and return it."""
        if not joint_class:
            raise SchemaError(
                "scarcity.joint_class is empty; write for example {hair: long, gender: male}"
            )
        for name, value in joint_class.items():
            self.attribute(name).index(str(value))
        return {name: str(value) for name, value in joint_class.items()}
