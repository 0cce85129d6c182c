"""Which training images are kept of a joint class."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.config import Data, Scarcity
from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.data.scarcity import (
    apply_scarcity,
    cap_classes,
    class_name,
    held_out,
    make_scarce,
)
from modular_cls.errors import ConfigError, SchemaError
from modular_cls.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "attributes": {"hair": ["short", "long"], "gender": ["female", "male"], "beard": [0, 1]},
        "composites": {
            "hg": {
                "attributes": ["hair", "gender"],
                "names": {"metaller": {"hair": "long", "gender": "male"}},
            }
        },
    }
)
TRAIN, VALIDATION, TEST = range(3)
CLASSES = [
    {"hair": "long", "gender": "male"},
    {"beard": "1"},
    {"gender": "female", "beard": "0", "hair": "short"},
]


def build(rows):
    """A manifest of (split, hair, gender, beard) with a path per row."""
    table = np.array(rows, dtype=int).reshape(-1, 4)
    return Manifest(
        schema=SCHEMA,
        root=Path(),
        paths=np.array([f"{i}.png" for i in range(len(table))], dtype=object),
        splits=table[:, 0].astype(np.int8),
        labels=table[:, 1:].astype(np.int16),
        rows=np.arange(len(table)) + 2,
        extra={"source": np.array([f"s{i}" for i in range(len(table))], dtype=object)},
    )


LABEL = st.integers(-1, 1)
MANIFESTS = st.lists(
    st.tuples(st.integers(0, 2), LABEL, LABEL, LABEL), min_size=1, max_size=60
).map(build)
BALANCED = build(
    [(s, h, g, 0) for s in range(3) for h in range(2) for g in range(2) for _ in range(40)]
)
RARE = CLASSES[0]


def paths(manifest, mask=None):
    return set(manifest.paths[... if mask is None else mask])


def trained(manifest, joint_class):
    return paths(manifest, manifest.matches(joint_class) & (manifest.splits == TRAIN))


@given(MANIFESTS, st.sampled_from(CLASSES), st.integers(0, 5))
def test_levels(manifest, joint_class, seed):
    available = trained(manifest, joint_class)
    rare = manifest.matches(joint_class)
    spared = paths(manifest, ~rare | (manifest.splits == TEST))
    previous = None
    for keep in range(len(available) + 1):
        scarce = apply_scarcity(manifest, joint_class, keep, seed)
        kept = trained(scarce, joint_class)
        assert len(kept) == keep
        assert kept <= available
        assert previous is None or previous < kept
        assert paths(scarce) == spared | kept
        assert not (scarce.matches(joint_class) & (scarce.splits == VALIDATION)).any()
        assert (np.diff(scarce.rows) > 0).all()
        previous = kept


@given(MANIFESTS, st.sampled_from(CLASSES), st.data())
def test_rows_that_stay_are_unchanged(manifest, joint_class, data):
    keep = data.draw(st.integers(0, len(trained(manifest, joint_class))))
    scarce = apply_scarcity(manifest, joint_class, keep, 0)
    where = scarce.rows - 2
    for name in ("paths", "splits", "labels"):
        np.testing.assert_array_equal(getattr(scarce, name), getattr(manifest, name)[where])
    np.testing.assert_array_equal(scarce.extra["source"], manifest.extra["source"][where])


@given(MANIFESTS, st.sampled_from(CLASSES), st.integers(0, 5), st.data())
def test_pure_and_independent_of_row_order(manifest, joint_class, seed, data):
    keep = data.draw(st.integers(0, len(trained(manifest, joint_class))))
    before = [getattr(manifest, n).copy() for n in ("paths", "splits", "labels", "rows")]
    scarce = apply_scarcity(manifest, joint_class, keep, seed)
    assert paths(apply_scarcity(manifest, joint_class, keep, seed)) == paths(scarce)
    for name, old in zip(("paths", "splits", "labels", "rows"), before, strict=True):
        np.testing.assert_array_equal(getattr(manifest, name), old)
    order = np.array(data.draw(st.permutations(range(len(manifest)))))
    shuffled = apply_scarcity(manifest.select(order), joint_class, keep, seed)
    assert paths(shuffled) == paths(scarce)


def test_independent_of_other_rows():
    alone = BALANCED.select(BALANCED.matches(RARE))
    assert trained(apply_scarcity(alone, RARE, 7, 3), RARE) == trained(
        apply_scarcity(BALANCED, RARE, 7, 3), RARE
    )


def test_the_seed_decides_and_the_draw_is_not_the_first_rows():
    draws = {
        frozenset(trained(apply_scarcity(BALANCED, RARE, 10, seed), RARE)) for seed in range(5)
    }
    assert len(draws) == 5
    chosen = [int(p.removesuffix(".png")) for draw in draws for p in draw]
    first = min(int(p.removesuffix(".png")) for p in trained(BALANCED, RARE))
    assert abs(np.mean(chosen) - first - 19.5) < 8


def test_what_is_kept_of_a_class_is_kept_with_more_too():
    """At every k of a class of forty, as a study that asks for more images needs it."""
    kept = [trained(apply_scarcity(BALANCED, RARE, keep, 3), RARE) for keep in range(41)]
    assert all(fewer < more for fewer, more in itertools.pairwise(kept))


def test_keep_none_changes_nothing():
    assert apply_scarcity(BALANCED, RARE, None, 0) is BALANCED
    with pytest.raises(SchemaError, match="did you mean 'long'"):
        apply_scarcity(BALANCED, {"hair": "lonk"}, None, 0)


@pytest.mark.parametrize(("keep", "validation", "left"), [
    (None, False, {"train": 40, "validation": 0, "test": 40}), (None, True, {"train": 40, "validation": 40, "test": 40}),
    (5, True, {"train": 5, "validation": 40, "test": 40}), (5, None, {"train": 5, "validation": 0, "test": 40}),
])  # fmt: skip
def test_validation_images_of_a_class_stay_where_asked(keep, validation, left):
    scarce = apply_scarcity(BALANCED, RARE, keep, 0, validation)
    assert {s: int(scarce.split(s).matches(RARE).sum()) for s in SPLITS} == left
    assert len(scarce) == len(BALANCED) - 120 + sum(left.values())


def test_a_configuration_makes_each_class_scarce_and_caps_the_rest():
    others = Scarcity({"hair": "short", "gender": "male"}, 3)
    data = Data(scarcity=[Scarcity(RARE, 5), others], per_class=8)
    capped = make_scarce(BALANCED, data, 1)
    one = Schema(SCHEMA.attributes, SCHEMA.composites)
    assert capped.split("train").counts(one.composites[0]).tolist() == [8, 3, 8, 5]
    assert trained(capped, RARE) == trained(apply_scarcity(BALANCED, RARE, 5, 1), RARE)


@pytest.mark.parametrize("keep", [-1, 41, 1000])
def test_keep_out_of_range(keep):
    with pytest.raises(
        ConfigError, match=f"keep is {keep}, .* 40 training images of metaller; .* from 0 to 40"
    ):
        apply_scarcity(BALANCED, RARE, keep, 0)


@pytest.mark.parametrize(
    ("joint_class", "near"),
    [
        ({"hiar": "long"}, "hair"),
        ({"hair": "lonk"}, "long"),
        ({"hair": "long", "gender": "mal"}, "male"),
    ],
)
def test_unknown_class(joint_class, near):
    with pytest.raises(SchemaError, match=f"did you mean '{near}'"):
        apply_scarcity(BALANCED, joint_class, 1, 0)


def test_empty_class():
    with pytest.raises(SchemaError, match="joint_class is empty"):
        apply_scarcity(BALANCED, {}, 1, 0)


def test_class_name():
    assert class_name(SCHEMA, {"gender": "male", "hair": "long"}) == "metaller"
    assert class_name(SCHEMA, {"gender": "male", "hair": "short"}) == "short_male"
    assert class_name(SCHEMA, {"beard": "1", "hair": "long"}) == "beard 1, hair long"


def test_numbers_are_values_too():
    schema = Schema.from_dict(
        {"attributes": {"beard": [0, 1]}, "composites": {"c": {"attributes": ["beard"]}}}
    )
    manifest = Manifest(
        schema,
        Path(),
        np.array(["a"], dtype=object),
        np.zeros(1, np.int8),
        np.ones((1, 1), np.int16),
        np.array([2]),
    )
    assert len(apply_scarcity(manifest, {"beard": 1}, 0, 0)) == 0
    with pytest.raises(ConfigError, match="keep is 5"):
        apply_scarcity(manifest, {"beard": 1}, 5, 0)


def test_splits_are_in_this_order():
    assert SPLITS == ("train", "validation", "test")


@given(
    st.lists(st.integers(0, 60), min_size=4, max_size=4).filter(any),
    st.sampled_from([0.2, 0.5, 0.8]),
    st.integers(0, 3),
)
def test_held_out_images_are_a_share_of_the_rarest_and_at_most_ten_times_that_of_others(
    sizes, share, seed
):
    manifest = build([(TRAIN, z // 2, z % 2, 0) for z, n in enumerate(sizes) for _ in range(n)])
    hair_gender = SCHEMA.composites[0]
    chosen = held_out(manifest, hair_gender, share, seed)
    rarest = int(share * min(n for n in sizes if n))
    expected = [min(int(share * n), 10 * rarest) for n in sizes]
    assert manifest.select(chosen).counts(hair_gender).tolist() == expected
    np.testing.assert_array_equal(chosen, held_out(manifest, hair_gender, share, seed))


def test_nothing_is_held_out_of_a_class_of_one_image():
    unknown = build([(TRAIN, -1, 1, 0)] * 9)
    assert not held_out(unknown, SCHEMA.composites[0], 0.5, 0).any()
    manifest = build([(TRAIN, 0, 0, 0)] * 9 + [(TRAIN, 1, 1, 0)])
    assert not held_out(manifest, SCHEMA.composites[0], 0.5, 0).any()


@given(MANIFESTS, st.integers(0, 3))
def test_at_most_so_many_of_each_class_and_those_of_fewer_among_them(manifest, seed):
    """Nothing but training images whose class is known is left out; the ones kept are those scarcity keeps."""
    hair_gender = SCHEMA.composites[0]
    capped = (manifest.splits == TRAIN) & (manifest.targets(hair_gender) >= 0)
    previous = paths(manifest, ~capped)
    for most in range(6):
        kept = cap_classes(manifest, hair_gender, most, seed)
        assert previous <= paths(kept)
        assert paths(manifest, ~capped) <= paths(kept)
        before = manifest.split("train").counts(hair_gender)
        assert kept.split("train").counts(hair_gender).tolist() == before.clip(max=most).tolist()
        previous = paths(kept)
    few = min(2, len(manifest.split("train").select(manifest.split("train").matches(RARE))))
    alike = apply_scarcity(manifest, RARE, few, seed)
    assert trained(cap_classes(manifest, hair_gender, few, seed), RARE) == trained(alike, RARE)


def test_the_seed_decides_what_is_held_out_and_kept_of_each_class():
    train, hair_gender = BALANCED.split("train"), SCHEMA.composites[0]
    for draw in (
        lambda seed: paths(train, held_out(train, hair_gender, 0.25, seed)),
        lambda seed: paths(cap_classes(train, hair_gender, 10, seed)),
    ):
        drawn = {frozenset(draw(seed)) for seed in range(4)}
        assert len(drawn) == 4
