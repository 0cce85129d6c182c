"""Labels counted by the audit, and what scarcity leaves of them."""

from collections import Counter
from pathlib import Path

MODULAR = Path(__file__).parent.parent.parent / "configs" / "modular.yaml"
SCARCE = ["--config", str(MODULAR)]


def splits_of(faces, hair, gender):
    """How many rows of a joint class each split has."""
    return Counter(r["split"] for r in faces.rows if (r["hair"], r["gender"]) == (hair, gender))


def test_joint_classes_after_scarcity(faces):
    status, text, found = faces.audit(config=SCARCE)
    assert status == 0
    assert list(found) == ["few_training_images"]
    assert found["few_training_images"]["examples"] == ["hair_gender: long_haired_man has 5"]
    classes = {c["name"]: c for c in faces.report["labels"]["classes"]["hair_gender"]}
    rare = {"name": "long_haired_man", "training": 5, **splits_of(faces, "long", "male")}
    assert classes["long_haired_man"] == rare
    assert classes["short_male"]["training"] == splits_of(faces, "short", "male")["train"]
    assert "after scarcity" in text


def test_counts_agree_with_the_rows(faces):
    for i, row in enumerate(faces.rows):
        row["hair"] *= i % 3 > 0
        row["source"] = "ab"[i % 2]
    faces.audit()
    labels = faces.report["labels"]
    assert {k: v for k, v in labels["values"]["hair"].items() if v} == {
        k: v for k, v in Counter(r["hair"] for r in faces.rows).items() if k
    }
    assert labels["unknown"] == {"hair": sum(not r["hair"] for r in faces.rows), "gender": 0}
    for name, counts in labels["sources"].items():
        mine = [r for r in faces.rows if r["source"] == name]
        assert counts == {
            "rows": len(mine),
            "hair": sum(bool(r["hair"]) for r in mine),
            "gender": len(mine),
        }
    together = {tuple(t["attributes"]): t["rows"] for t in labels["together"]}
    assert together == {
        ("gender",): labels["unknown"]["hair"],
        ("hair", "gender"): len(faces.rows) - labels["unknown"]["hair"],
    }


def test_scarcity_that_cannot_be(faces):
    most = splits_of(faces, "long", "male")["train"]
    found = faces.found("--data.scarcity.keep", str(most + 1), config=SCARCE)
    assert f"give a number from 0 to {most}" in found["scarcity"]["what"]
