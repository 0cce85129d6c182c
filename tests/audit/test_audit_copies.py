"""Copies of pictures: exact ones by their bytes, near ones by what they look like; the search against brute force."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modular_cls.audit.alike import CORRELATION, DISTANCE, joined, similar_pairs
from modular_cls.audit.inspection import LOOK, Picture
from modular_cls.audit.near import near_pairs

WORD = st.integers(0, 2**64 - 1)
FLIPS = st.lists(st.integers(0, 63), max_size=12)


@st.composite
def clustered_hashes(draw):
    """Hashes of which many are near one another."""
    centres = draw(st.lists(WORD, min_size=1, max_size=4))
    words = []
    for flips in draw(st.lists(FLIPS, max_size=30)):
        word = draw(st.sampled_from(centres))
        for bit in flips:
            word ^= 1 << bit
        words.append(word)
    return np.array(words, dtype=np.uint64)


@given(clustered_hashes(), st.integers(0, 10), st.sampled_from([None, 4, 7]))
def test_pairs_within_a_distance_against_all_pairs(hashes, distance, bands):
    found = [
        tuple(pair) for pairs in near_pairs(hashes, distance, bands) for pair in pairs.tolist()
    ]
    expected = [
        (i, j)
        for i, j in itertools.combinations(range(len(hashes)), 2)
        if (int(hashes[i]) ^ int(hashes[j])).bit_count() <= distance
    ]
    assert sorted(found) == expected


def test_many_hashes(monkeypatch):
    """The wide bands that many hashes have find what the others do."""
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, 50, dtype=np.uint64)[rng.integers(0, 50, 300)]
    for _ in range(5):
        hashes ^= np.uint64(1) << rng.integers(0, 64, len(hashes), dtype=np.uint64)
    few = np.concatenate(list(near_pairs(hashes, 8)))
    monkeypatch.setattr("modular_cls.audit.near._MANY", 100)
    many = np.concatenate(list(near_pairs(hashes, 8)))
    assert len(many) > 100
    assert sorted(many.tolist()) == sorted(few.tolist())


def test_pairs_are_found_over_several_steps(monkeypatch):
    monkeypatch.setattr("modular_cls.audit.near._AT_ONCE", 7)
    hashes = np.arange(64, dtype=np.uint64) % 16
    found = np.concatenate(list(near_pairs(hashes, 1)))
    assert len(np.unique(found, axis=0)) == len(found) == 16 * (4 * 3 // 2) + 32 * 16


@given(
    st.lists(st.integers(0, 6), max_size=10),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=6),
)
def test_joined_against_sets(labels, pairs):
    pairs = [p for p in pairs if max(p) <= max(labels, default=-1)]
    groups = [{label} for label in range(7)]
    for a, b in pairs:
        whole = next(g for g in groups if a in g) | next(g for g in groups if b in g)
        groups = [g for g in groups if not g & whole] + [whole]
    found = joined(np.array(labels, dtype=np.int64), np.array(pairs, dtype=np.int64).reshape(-1, 2))
    for i, j in itertools.combinations(range(len(labels)), 2):
        assert (found[i] == found[j]) == any({labels[i], labels[j]} <= g for g in groups)


def test_similar_pairs_against_all_correlations():
    """Of pictures whose hashes are near, those whose small pictures correlate, whatever their contrast."""
    rng = np.random.default_rng(0)
    bases = rng.normal(0, 60, (4, LOOK, LOOK, 3))
    pictures = []
    for n in range(60):
        contrast, noise = rng.choice([1, 0.1]), rng.normal(0, rng.uniform(0, 20), (LOOK, LOOK, 3))
        look = (128 + contrast * (bases[n % 4] + noise)).clip(0, 255).astype(np.uint8)
        pictures.append(Picture(hash=(n % 4) * 0x1111_1111_1111 ^ (1 << n), look=look))
    correlation = np.corrcoef([p.look.ravel() for p in pictures])
    expected = [
        (i, j)
        for i, j in itertools.combinations(range(60), 2)
        if (pictures[i].hash ^ pictures[j].hash).bit_count() <= DISTANCE
        and correlation[i, j] >= CORRELATION
    ]
    assert sorted(map(tuple, similar_pairs(pictures).tolist())) == expected
    assert 10 < len(expected) < 4 * 15 * 14 // 2


def place(faces, split, like=0):
    """The first row of a split with the labels of another row."""
    row = faces.rows[like]
    return next(
        i for i, r in enumerate(faces.rows)
        if i != like and (r["split"], r["hair"], r["gender"]) == (split, row["hair"], row["gender"])
    )  # fmt: skip


@pytest.mark.parametrize(("split", "name", "level"), [
    ("test", "duplicates_across_test", "error"), ("validation", "duplicates_across_validation", "warning"),
    ("train", "duplicates_within_split", "warning"),
])  # fmt: skip
def test_exact_duplicates(faces, split, name, level):
    other = place(faces, split)
    faces.path(other).write_bytes(faces.path(0).read_bytes())
    found = faces.found()
    assert list(found) == [name]
    assert found[name]["level"] == level
    assert found[name]["groups"] == [[2, other + 2]]
    assert found[name]["examples"] == [
        f"row 2, {faces.rows[0]['path']} = row {other + 2}, {faces.rows[other]['path']}"
    ]
    assert faces.found("--no-pictures") == {}


def test_duplicates_whose_labels_contradict_each_other(faces):
    other = next(
        i
        for i, r in enumerate(faces.rows)
        if r["split"] == "train" and r["hair"] != faces.rows[0]["hair"]
    )
    faces.path(other).write_bytes(faces.path(0).read_bytes())
    found = faces.found()
    assert set(found) == {"conflicting_labels", "duplicates_within_split"}
    assert found["conflicting_labels"]["groups"] == [[2, other + 2]]
    faces.rows[other]["hair"] = ""
    assert "conflicting_labels" not in faces.found()


def jpeg(picture, path):
    picture.save(path, format="JPEG", quality=75)


def halved(picture, path):
    picture.resize((32, 32), Image.Resampling.LANCZOS).save(path, format="PNG")


def cropped(picture, path):
    picture.crop((1, 1, 63, 63)).save(path, format="PNG")


def brighter(picture, path):
    picture.point(lambda v: min(255, round(1.1 * v))).save(path, format="PNG")


@pytest.mark.parametrize("change", [jpeg, halved, cropped, brighter])
def test_copies_saved_anew(faces, change):
    other = place(faces, "test")
    with Image.open(faces.path(0)) as picture:
        change(picture.convert("RGB"), faces.path(other))
    status, _, found = faces.audit()
    assert status == 0
    assert found["near_duplicates_across_test"]["groups"] == [[2, other + 2]]
    assert found["near_duplicates_across_test"]["level"] == "warning"
    assert list(found) == ["near_duplicates_across_test"]


def test_exact_copies_of_a_near_copy_join_its_group(faces):
    with Image.open(faces.path(0)) as picture:
        jpeg(picture.convert("RGB"), faces.path(1))
    faces.path(2).write_bytes(faces.path(1).read_bytes())
    found = faces.found()
    assert found["duplicates_within_split"]["groups"] == [[3, 4]]
    assert found["near_duplicates_within_split"]["groups"] == [[2, 3, 4]]


def test_parts_of_one_picture_are_no_duplicates_unless_splits_share_it(faces):
    for i, box in enumerate(["0 0 62 62", "1 1 62 62"]):
        faces.rows[i] |= {"box": box, "path": faces.rows[0]["path"]}
    faces.rows[1]["gender"] = "male" if faces.rows[0]["gender"] == "female" else "female"
    assert faces.found() == {}
    faces.rows[1]["split"] = "test"
    found = faces.found()
    assert list(found) == ["duplicates_across_test"]
    assert found["duplicates_across_test"]["groups"] == [[2, 3]]
