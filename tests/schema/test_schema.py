"""Joint spaces of attributes and composites."""

import itertools

import pytest
from hypothesis import given

from modular_cls.errors import SchemaError
from modular_cls.schema import MAX_JOINT_CLASSES, Schema
from tests.schema.small_schemas import FACES, changed, specs


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


def test_scarce_values():
    schema = Schema.from_dict(
        {"attributes": {"beard": [0, 1]}, "composites": {"c": {"attributes": ["beard"]}}}
    )
    assert schema.scarce_values({"beard": 1}) == {"beard": "1"}
    with pytest.raises(SchemaError, match="joint_class is empty"):
        schema.scarce_values({})
