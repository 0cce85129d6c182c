"""The `schema:` block: what is refused, and how it is told."""

import re

import pytest

from modular_cls.errors import SchemaError
from modular_cls.schema import Schema
from tests.schema.small_schemas import changed


@pytest.mark.parametrize(
    ("spec", "wrong", "near"),
    [
        ({"atributes": {}, "composites": {}}, "atributes", "attributes"),
        (changed(composites={"c": {"attributes": ["hair"], "name": {}}}), "name", "names"),
        (changed(composites={"c": {"attributes": ["hiar"]}}), "hiar", "hair"),
        (
            changed(composites={"c": {"attributes": ["hair"], "names": {"x": {"hair": "lonk"}}}}),
            "lonk",
            "long",
        ),
    ],
)
def test_from_dict_names_the_nearest(spec, wrong, near):
    with pytest.raises(SchemaError, match=rf"'{wrong}'.*did you mean '{near}'\?"):
        Schema.from_dict(spec)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({}, "schema.attributes must be a mapping"),
        (changed(attributes={}, composites={}), "schema.attributes is empty"),
        (changed(composites=["hair"]), "schema.composites must be a mapping"),
        (
            changed(attributes={"hair": "long"}),
            "schema.attributes.hair must be a list, found 'long'",
        ),
        (changed(attributes={"hair": ["long"]}), "'hair' has 1 value"),
        (changed(attributes={"hair": ["long", "long"]}), "'long' appears twice"),
        (changed(attributes={" ": ["a", "b"]}), "an attribute needs a name"),
        (changed(composites={"c": {"attributes": []}}), "'c' names no attributes"),
        (changed(composites={"c": {}}), "schema.composites.c.attributes must be a list"),
        (changed(composites={"c": {"attributes": ["hair", "hair"]}}), "'hair' appears twice"),
        (changed(composites={"Hair": {"attributes": ["hair"]}}), "'hair' appears twice"),
        (
            changed(composites={"c": {"attributes": ["hair"], "names": ["x"]}}),
            "c.names must be a mapping",
        ),
        (
            changed(
                composites={
                    "c": {"attributes": ["hair", "gender"], "names": {"x": {"hair": "long"}}}
                }
            ),
            "c.names.x must give one value for each of hair, gender",
        ),
        (
            changed(
                composites={"c": {"attributes": ["hair"], "names": {"long": {"hair": "short"}}}}
            ),
            "'long' appears",
        ),
    ],
)
def test_refused(spec, message):
    with pytest.raises(SchemaError, match=re.escape(message)):
        Schema.from_dict(spec)


@pytest.mark.parametrize("value", [True, False, None])
def test_yaml_booleans_are_refused(value):
    with pytest.raises(SchemaError, match=rf"'hat': value {value}.*in quotes"):
        Schema.from_dict(
            {"attributes": {"hat": [value, "b"]}, "composites": {"c": {"attributes": ["hat"]}}}
        )
    named = {"c": {"attributes": ["hair"], "names": {"x": {"hair": value}}}}
    with pytest.raises(SchemaError, match=rf"'hair': value {value}.*in quotes"):
        Schema.from_dict(changed(composites=named))


@pytest.mark.parametrize(
    "spec",
    [
        changed(attributes={True: ["a", "b"]}),
        changed(composites={11: {"attributes": ["hair"]}}),
        changed(composites={"c": {"attributes": [True]}}),
        changed(composites={"c": {"attributes": ["hair"], "names": {False: {"hair": "long"}}}}),
    ],
)
def test_names_are_text(spec):
    with pytest.raises(SchemaError, match=r"was read as a YAML (bool|int); put it in quotes"):
        Schema.from_dict(spec)


@pytest.mark.parametrize("name", ["path", "split", "source", "identity"])
def test_columns_of_the_manifest_are_no_attributes(name):
    with pytest.raises(SchemaError):
        Schema.from_dict(
            {"attributes": {name: ["a", "b"]}, "composites": {"c": {"attributes": [name]}}}
        )


def test_a_list_as_attribute_name_is_refused():
    with pytest.raises(SchemaError):
        Schema.from_dict(changed(composites={"c": {"attributes": [["hair"]]}}))
