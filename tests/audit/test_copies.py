"""Copies of pictures: exact ones by their bytes, near ones by what they look like; the search against brute force."""

import pytest
from PIL import Image


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
