"""Attributes, composites and the names of joint classes."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.errors import SchemaError
from modular_cls.schema import Attribute, Composite, Schema
from tests.schema.small_schemas import specs


@given(specs())
def test_class_names(spec):
    for composite in Schema.from_dict(spec).composites:
        entry = spec["composites"][composite.name]
        given_names = {tuple(v.values()): n for n, v in entry.get("names", {}).items()}
        combinations = list(
            itertools.product(*(spec["attributes"][a] for a in entry["attributes"]))
        )
        assert list(composite.class_names) == [
            given_names.get(c, "_".join(c)) for c in combinations
        ]
        assert len(composite.cells) == composite.size == len(combinations)
        for cell, values in zip(composite.cells, combinations, strict=True):
            assert (
                tuple(a.values[i] for a, i in zip(composite.attributes, cell, strict=True))
                == values
            )


@given(specs(), st.data())
def test_contains(spec, data):
    schema = Schema.from_dict(spec)
    asked = data.draw(st.lists(st.sampled_from(schema.attributes), unique=True))
    values = {a.name: data.draw(st.sampled_from(a.values)) for a in asked}
    for composite in schema.composites:
        expected = []
        for z, cell in enumerate(composite.cells):
            has = {a.name: a.values[i] for a, i in zip(composite.attributes, cell, strict=True)}
            if all(has.get(n) == v for n, v in values.items()):
                expected.append(z)
        assert composite.contains(values) == expected


def test_numbers_become_text():
    schema = Schema.from_dict(
        {"attributes": {"beard": [0, 1]}, "composites": {"c": {"attributes": ["beard"]}}}
    )
    assert schema.attribute("beard").values == ("0", "1")


def test_a_blank_value_is_refused():
    with pytest.raises(SchemaError):
        Attribute("hair", ("", "long"))


def test_composite_of_one():
    composite = Composite("c", (Attribute("a", ("x", "y")),))
    assert composite.class_names == ("x", "y")
    assert composite.contains({}) == [0, 1]
    assert composite.contains({"other": "x"}) == []
