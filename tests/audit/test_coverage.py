"""What the labels tell: counts, lacks, pools, identities; reach as training announces it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modular_cls import load_config
from modular_cls.audit.coverage import across_splits
from modular_cls.cli import main
from modular_cls.training.fit import Fit

MODULAR = Path(__file__).parent.parent.parent / "configs" / "modular.yaml"
SCARCE = ["--config", str(MODULAR)]
MALE_LONG = {"hair": "long", "gender": "male"}


def those(faces, split=None, **labels):
    wanted = labels | ({"split": split} if split else {})
    return [row for row in faces.rows if all(row[k] == v for k, v in wanted.items())]


def announced(faces):
    """What training says of joint classes without images, by kind."""
    fit = Fit(load_config(MODULAR, faces.data_config()))
    faces.capsys.readouterr()
    fit.announce()
    told = faces.capsys.readouterr().out.splitlines()
    kinds = {
        "from_parts": "learned from parts: ",
        "reachable": "by composition: ",
        "unreachable": "never predicted: ",
    }
    return {
        kind: [n for t in told if w in t for n in t.split(w)[1].split(", ")]
        for kind, w in kinds.items()
    }


def blank(rows, attribute):
    for row in rows:
        row[attribute] = ""


@pytest.mark.parametrize("case", ["all", "one empty", "two empty", "from parts", "a value gone"])
def test_reach_is_what_training_announces(faces, case):
    for i, row in enumerate(those(faces, "train")):
        male, long = row["gender"] == "male", row["hair"] == "long"
        if long and (case == "two empty" or (case == "one empty" and male)):
            row["split"] = "test"
        if case == "a value gone" and male:
            row["hair"] = "" if i % 2 else row["hair"]
            row["split"] = "test"
        if case == "from parts" and (male or long):
            row["hair" if i % 2 else "gender"] = ""
    faces.write()
    said = announced(faces)
    faces.audit()
    labels = faces.report["labels"]
    assert {kind: labels[kind]["hair_gender"] for kind in said} == said
    assert any(said.values()) == (case != "all")


def test_empty_joint_classes(faces):
    for row in those(faces, "train", **MALE_LONG):
        row["split"] = "test"
    found = faces.found()
    assert found["reachable"]["level"] == "note"
    assert found["reachable"]["examples"] == ["hair_gender: long_haired_man"]
    for row in those(faces, "train", hair="short", gender="male"):
        row["split"] = "test"
    status, _, found = faces.audit()
    assert status == 1
    assert found["value_without_training"]["examples"] == ["gender: male"]
    assert found["out_of_reach"]["examples"] == [
        "hair_gender: short_male",
        "hair_gender: long_haired_man",
    ]


def test_joint_classes_without_a_test_image(faces):
    for row in those(faces, "test", **MALE_LONG):
        row["split"] = "validation"
    found = faces.found()
    assert list(found) == ["untested"]
    assert found["untested"]["examples"] == ["hair_gender: long_haired_man"]


def test_splits_without_rows(faces):
    for row in faces.rows:
        row["split"] = "test"
    status, _, found = faces.audit(config=SCARCE)
    assert status == 1
    assert list(found) == ["empty_split"]
    assert found["empty_split"]["examples"] == ["train", "validation"]


def test_pools_of_one_value(faces):
    men = those(faces, "train", gender="male", hair="short")
    blank(men[:5], "hair")
    found = faces.found()
    assert found["uninformative_pool"]["examples"] == [
        "hair_gender: 5 rows know gender male and nothing else"
    ]
    assert found["uninformative_pool"]["rows"] == [faces.rows.index(r) + 2 for r in men[:5]]
    blank(those(faces, "train", gender="female", hair="short")[:1], "hair")
    assert faces.found() == {}


def test_labels_that_are_never_together(faces):
    for i, row in enumerate(those(faces, "train")):
        row["hair" if i % 2 else "gender"] = ""
    status, _, found = faces.audit()
    assert (status, found["never_together"]["level"]) == (1, "error")


def test_images_without_labels(faces):
    for row in faces.rows[:3]:
        row["hair"] = row["gender"] = ""
    assert faces.found()["unlabelled"]["rows"] == [2, 3, 4]


def test_identities_across_splits(faces):
    train, validation, test = (those(faces, s) for s in ("train", "validation", "test"))
    for i, row in enumerate(faces.rows):
        row["identity"] = f"p{i}"
    assert faces.found() == {}
    train[0]["identity"] = validation[0]["identity"] = "anna"
    train[1]["identity"] = test[0]["identity"] = "bert"
    train[2]["identity"] = test[1]["identity"] = ""
    status, _, found = faces.audit()
    assert status == 1
    assert found["identity_across_test"]["groups"] == [
        [faces.rows.index(r) + 2 for r in (train[1], test[0])]
    ]
    assert found["identity_across_validation"]["level"] == "warning"
    assert found["identity_across_validation"]["count"] == 1


@given(st.lists(st.sets(st.sampled_from([0, 1, 2])), max_size=8))
def test_across_splits_against_sets(groups):
    inside = np.array([[s in g for s in range(3)] for g in groups], dtype=bool).reshape(-1, 3)
    told = {key: np.flatnonzero(mask).tolist() for _, key, mask, _ in across_splits(inside)}
    assert told.get("across_test", []) == [i for i, g in enumerate(groups) if 2 in g and len(g) > 1]
    assert told.get("across_validation", []) == [i for i, g in enumerate(groups) if g == {0, 1}]
    assert all(told.values())


def test_a_composite_too_large_to_count(faces):
    schema = faces.folder / "large.yaml"
    values = [f"v{i}" for i in range(70)]
    schema.write_text(
        f"schema: {{attributes: {{a: {values}, b: {values}}}, composites: {{ab: {{attributes: [a, b]}}}}}}"
    )
    for i, row in enumerate(faces.rows):
        row["a"], row["b"] = f"v{i % 70}", f"v{i % 70}"
    faces.write()
    assert main(["audit", str(faces.folder / "manifest.csv"), "--config", str(schema)]) != 0
    assert "'ab' has 4,900 joint classes" in faces.capsys.readouterr().err


def test_a_split_that_scarcity_empties(faces):
    for row in faces.rows:
        if row["split"] == "validation":
            row.update(hair="long", gender="male")
    status, _, found = faces.audit(config=SCARCE)
    assert status == 1
    assert found["emptied_split"]["examples"] == ["validation"]
