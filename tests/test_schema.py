import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.errors import SchemaError, nearest, unknown
from modular_cls.schema import MAX_JOINT_CLASSES, RESERVED, Attribute, Composite, Schema

# No "_" or "#": default class names are joined by "_", the given ones below start with "#".
WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="_#"), min_size=1, max_size=6
)
NAMES = WORDS.filter(str.strip)
FACES = {
    "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
    "composites": {"hair_gender": {"attributes": ["hair", "gender"]}},
}


@st.composite
def specs(draw):
    names = draw(
        st.lists(
            NAMES.filter(lambda n: "*" not in n and n not in RESERVED),
            min_size=2,
            max_size=7,
            unique_by=lambda n: n.strip().casefold(),
        )
    )
    cut = draw(st.integers(1, len(names) - 1))
    attributes = {
        n: draw(st.lists(WORDS, min_size=2, max_size=4, unique=True)) for n in names[:cut]
    }
    composites = {}
    for name in names[cut:]:
        chosen = draw(st.lists(st.sampled_from(names[:cut]), min_size=1, max_size=3, unique=True))
        composites[name] = {"attributes": chosen}
        cells = list(itertools.product(*(attributes[a] for a in chosen)))
        if named := draw(st.lists(st.sampled_from(cells), max_size=3, unique=True)):
            composites[name]["names"] = {
                f"#{i}": dict(zip(chosen, cell, strict=True)) for i, cell in enumerate(named)
            }
    return {"attributes": attributes, "composites": composites}


def changed(**blocks):
    return FACES | blocks


def chain(*sizes):
    """One attribute per size, one composite per neighbouring pair."""
    names = [f"a{i}" for i in range(len(sizes))]
    return Schema.from_dict(
        {
            "attributes": {
                n: [f"{n}{v}" for v in range(size)] for n, size in zip(names, sizes, strict=True)
            },
            "composites": {
                f"{m}&{n}": {"attributes": [m, n]} for m, n in itertools.pairwise(names)
            },
        }
    )


@given(specs())
def test_dict_round_trip(spec):
    schema = Schema.from_dict(spec)
    assert schema.to_dict() == spec
    assert Schema.from_dict(schema.to_dict()) == schema
    assert list(schema.to_dict()["attributes"]) == list(spec["attributes"])


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


@given(specs())
def test_every_output_is_a_marginal_of_a_joint(spec):
    schema = Schema.from_dict(spec)
    assert [o.name for o in schema.outputs] == [*spec["attributes"], *spec["composites"]]
    for output in schema.outputs:
        assert any(set(output.attributes) <= set(joint.attributes) for joint in schema.joints)
        assert schema.answering(output)
        assert all(set(output.attributes) <= set(j.attributes) for j in schema.answering(output))
    used = {a for entry in spec["composites"].values() for a in entry["attributes"]}
    alone = [j for j in schema.joints if not {a.name for a in j.attributes} & used]
    assert [j.name for j in alone] == [f"{a}*" for a in spec["attributes"] if a not in used]


def test_numbers_become_text():
    schema = Schema.from_dict(
        {"attributes": {"beard": [0, 1]}, "composites": {"c": {"attributes": ["beard"]}}}
    )
    assert schema.attribute("beard").values == ("0", "1")


def test_one_joint_up_to_the_limit():
    schema = chain(4, 4, 4, 4)
    assert [(j.name, j.size) for j in schema.joints] == [("a0*a1*a2*a3*", MAX_JOINT_CLASSES)]


def test_a_joint_per_composite_above_the_limit():
    schema = chain(4, 4, 4, 5)
    assert schema.joints == schema.composites


def test_a_composite_over_everything_is_the_joint():
    spec = changed(
        composites={
            "both": {"attributes": ["gender", "hair"]},
            "hair_only": {"attributes": ["hair"]},
        }
    )
    schema = Schema.from_dict(spec)
    assert schema.joints == (schema.composite("both"),)


@pytest.mark.parametrize("composites", [{}, None])
def test_without_composites_each_attribute_stands_alone(composites):
    schema = Schema.from_dict(changed(composites=composites))
    assert [j.name for j in schema.joints] == ["hair*", "gender*"]
    assert schema.first.name == "hair"
    assert Schema.from_dict(schema.to_dict()) == schema


def many(**composites):
    """Forty attributes of two values, and the composites given by their attributes."""
    return {
        "attributes": {f"a{i}": ["n", "y"] for i in range(40)},
        "composites": {name: {"attributes": names} for name, names in composites.items()},
    }


def test_composites_that_share_no_attribute_share_no_space():
    spec = many(x=["a0", "a1"], z=["a7", "a8"], y=["a2", "a1"], w=["a5"])
    joints = Schema.from_dict(spec).joints
    assert [j.name for j in joints[:4]] == ["a0*a1*a2*", "w", "z", "a3*"]
    assert sum(j.size for j in joints) == 8 + 2 + 4 + 2 * 34


def test_what_grows_is_what_is_asked_for():
    pairs = {f"c{i}": [f"a{i}", f"a{i + 1}"] for i in range(39)}
    joints = Schema.from_dict(many(**pairs)).joints  # linked, too many for one space
    assert [j.size for j in joints] == [4] * 39


def test_a_large_group_leaves_the_others_theirs():
    spec = many(x=[f"a{i}" for i in range(8)], y=["a7", "a8"], z=["a20", "a21"], w=["a21", "a22"])
    names = [j.name for j in Schema.from_dict(spec).joints]
    assert names[:3] == ["x", "y", "a20*a21*a22*"]


@pytest.mark.parametrize("count", [13, 20, 40])
def test_a_composite_that_nobody_can_count_is_refused(count):
    spec = many(all=[f"a{i}" for i in range(count)])
    with pytest.raises(SchemaError, match=f"'all' has {2**count:,} joint classes.*4,096.*several"):
        Schema.from_dict(spec)


def test_settings_that_count_one_space():
    assert Schema.from_dict(FACES).counted("x").name == "hair_gender"
    hat = FACES["attributes"] | {"hat": ["no", "yes"]}
    assert Schema.from_dict(changed(attributes=hat)).counted("x").name == "hair_gender"
    for composites in ({}, {"h": {"attributes": ["hair"]}, "g": {"attributes": ["gender"]}}):
        schema = Schema.from_dict(changed(composites=composites))
        with pytest.raises(SchemaError, match="data.per_class counts .* several"):
            schema.counted("data.per_class")


def test_an_unused_attribute_stands_alone():
    schema = Schema.from_dict(changed(attributes=FACES["attributes"] | {"hat": ["no", "yes"]}))
    assert [(j.name, j.size) for j in schema.joints] == [("hair_gender", 4), ("hat*", 2)]


@pytest.mark.parametrize("third", [2, 65])
def test_a_joint_of_our_making_needs_no_distinct_names(third):
    spec = {
        "attributes": {"a": ["x", "x_y"], "b": ["y_z", "z"], "c": [str(i) for i in range(third)]},
        "composites": {"p": {"attributes": ["a", "c"]}, "q": {"attributes": ["b", "c"]}},
    }
    schema = Schema.from_dict(spec)
    assert sum(j.size for j in schema.joints) == (8 if third == 2 else 4 * third)


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
    ("ask", "wrong", "near"),
    [
        (lambda s: s.attribute("gendre"), "gendre", "gender"),
        (lambda s: s.composite("hair_gendr"), "hair_gendr", "hair_gender"),
        (lambda s: s.output("gendr"), "gendr", "gender"),
        (lambda s: s.attribute("gender").index("femal"), "femal", "female"),
        (lambda s: s.composite("hair_gender").contains({"hair": "shrt"}), "shrt", "short"),
        (lambda s: s.scarce_values({"hiar": "long"}), "hiar", "hair"),
        (lambda s: s.scarce_values({"hair": "lon"}), "lon", "long"),
    ],
)
def test_look_ups_name_the_nearest(ask, wrong, near):
    with pytest.raises(SchemaError, match=rf"'{wrong}'.*did you mean '{near}'\?"):
        ask(Schema.from_dict(FACES))


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


def test_a_blank_value_is_refused():
    with pytest.raises(SchemaError):
        Attribute("hair", ("", "long"))


@pytest.mark.parametrize("name", ["path", "split", "source", "identity"])
def test_columns_of_the_manifest_are_no_attributes(name):
    with pytest.raises(SchemaError):
        Schema.from_dict(
            {"attributes": {name: ["a", "b"]}, "composites": {"c": {"attributes": [name]}}}
        )


def test_a_list_as_attribute_name_is_refused():
    with pytest.raises(SchemaError):
        Schema.from_dict(changed(composites={"c": {"attributes": [["hair"]]}}))


def test_scarce_values():
    schema = Schema.from_dict(
        {"attributes": {"beard": [0, 1]}, "composites": {"c": {"attributes": ["beard"]}}}
    )
    assert schema.scarce_values({"beard": 1}) == {"beard": "1"}
    with pytest.raises(SchemaError, match="joint_class is empty"):
        schema.scarce_values({})


def test_wording():
    assert nearest("hiar", ["hair", "gender"]) == "; did you mean 'hair'?"
    assert nearest("zzz", ["hair", "gender"]) == ""
    assert unknown("value", "x", ["long", "short"], "of attribute 'hair'") == (
        "unknown value 'x' of attribute 'hair'; accepted: long, short"
    )


def test_composite_of_one():
    composite = Composite("c", (Attribute("a", ("x", "y")),))
    assert composite.class_names == ("x", "y")
    assert composite.contains({}) == [0, 1]
    assert composite.contains({"other": "x"}) == []
