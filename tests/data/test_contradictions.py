"""Random changes of pictures against the names of labels, in the audit and before a training."""

import csv
import json

import albumentations as A
import pytest

from modular_cls.cli import main
from modular_cls.config import Augment, Data
from modular_cls.data.contradictions import find_contradictions
from modular_cls.schema import Schema


def found(attributes, data=None, **names):
    composite = {"attributes": list(attributes), **({"names": names} if names else {})}
    schema = Schema.from_dict({"attributes": attributes, "composites": {"c": composite}})
    return {c.change.split()[1]: c.labels for c in find_contradictions(schema, data or Data())}


HAIR = {"hair": ["short", "long"]}


@pytest.mark.parametrize(("attribute", "values", "named"), [
    ("side", ["left", "right"], "attribute side has left, right"),
    ("side", ["L", "R", "both"], "attribute side has L, R"),
    ("hand", ["left_hand", "RightHand", "none"], "attribute hand has left_hand, RightHand"),
    ("leftEye", ["open", "closed"], "attribute leftEye (leftEye)"),
    ("seite", ["links", "rechts"], "attribute seite has links, rechts"),
    ("turn", ["clockwise", "other"], "attribute turn has clockwise"),
    ("letter", ["a", "b", "d"], "attribute letter has b, d"),
])  # fmt: skip
def test_mirroring_contradicts_sides(attribute, values, named):
    assert found(HAIR | {attribute: values}) == {"mirrors": [named]}
    assert found(HAIR | {attribute: values}, Data(augment=Augment(flip=0))) == {}


@pytest.mark.parametrize("values", [
    ["short", "long"], ["bright", "copyright"], ["right", "wrong"], ["cleft", "rights"], ["a", "b"], ["R", "G"], ["l", "xl"],
])  # fmt: skip
def test_what_is_no_side(values):
    assert found(HAIR | {"it": values}) == {}


def test_other_changes_contradict_other_names():
    assert list(found({"pose": ["upright", "tilted"], "a": ["b", "c"]})) == ["rotates"]
    assert found({"pose": ["upright", "tilted"]}, Data(augment=Augment(rotate=3))) == {}
    assert list(found({"shot": ["dark", "bright"]})) == ["makes"]
    assert found({"hair": ["dark", "blond"]}) == {}


def test_names_of_joint_classes_count_too():
    names = {"left_hander": {"hair": "short", "gender": "male"}}
    labels = found(HAIR | {"gender": ["female", "male"]}, **names)
    assert labels == {"mirrors": ["composite c has left_hander"]}


def test_pipelines_are_looked_into():
    sides, colours = {"side": ["left", "right"]}, {"paint": ["red", "blue"]}
    for pipeline, expected in (
        (A.Compose([A.OneOf([A.HorizontalFlip(p=1), A.Blur(p=1)])]), {"mirrors"}),
        (A.Compose([A.D4(p=1)]), {"mirrors"}),
        (A.Compose([A.HorizontalFlip(p=0), A.Blur()]), set()),
        (A.Compose([A.HueSaturationValue()]), {"colours"}),
    ):
        data = Data(augmentation=json.loads(json.dumps(A.to_dict(pipeline))))
        labels = found(sides | colours, data)
        assert {"colours" if k == "changes" else k for k in labels} == expected


@pytest.fixture(scope="module")
def sided(faces_dir, tmp_path_factory):
    """The drawn faces, hair called left and right; flags of a training on them."""
    out = tmp_path_factory.mktemp("sided")
    with (faces_dir / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (out / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "split", "side", "gender"])
        for row in rows:
            side = {"short": "left", "long": "right"}[row["hair"]]
            writer.writerow([row["path"], row["split"], side, row["gender"]])
    (out / "mine.yaml").write_text(f"""
method: modular
schema:
  attributes: {{side: [left, right], gender: [female, male]}}
  composites: {{c: {{attributes: [side, gender]}}}}
data: {{manifest: {out / "manifest.csv"}, root: {faces_dir}, image_size: 32, batch_size: 16, workers: 0}}
model: {{name: ModularClassifier}}
criterion: {{name: JointLikelihood}}
training: {{updates: 2, validate_every: 0, threads: 1}}
""")
    return out


TOLD = "data.augment mirrors pictures left and right, which makes labels wrong: attribute side has left, right (data.augment: {flip: 0})"


def test_training_says_so(sided, pretrained_dir, tmp_path, capsys):
    mine = ["--config", str(sided / "mine.yaml")]
    frozen = f"{{name: 'local-dir:{pretrained_dir}', pretrained: true, frozen: true, args: {{}}}}"
    for i, (more, said) in enumerate([
        ([], True), (["--data.augment.flip", "0"], False), (["--backbone", frozen, "--heads.folds", "2", "--heads.ridges", "[1e-3]"], False),
    ]):  # fmt: skip
        assert main(["train", *mine, *more, "--out", str(tmp_path / str(i))]) == 0
        assert (TOLD in capsys.readouterr().out) == said


def test_audit_says_so(sided, pretrained_dir, tmp_path):
    mine = ["--config", str(sided / "mine.yaml"), "--json", str(tmp_path / "out.json"), "--no-pictures"]  # fmt: skip
    frozen = f"{{name: 'local-dir:{pretrained_dir}', pretrained: true, frozen: true, args: {{}}}}"
    broken = tmp_path / "broken.yaml"
    broken.write_text("{transform: {__class_fullname__: Compose, p: 1, transforms: [{__class_fullname__: Flop, p: 1}]}}")  # fmt: skip
    for more, name, level in (
        ([], "contradicted", "warning"),
        (["--data.augment.flip", "0"], None, None),
        (["--backbone", frozen], None, None),
        (["--data.augmentation", str(broken)], "augmentation", "error"),
    ):
        status = main(["audit", str(sided / "manifest.csv"), *mine, *more])
        findings = json.loads((tmp_path / "out.json").read_text())["findings"]
        kinds = {f["name"]: f for f in findings if f["name"] in ("contradicted", "augmentation")}
        assert list(kinds) == ([name] if name else [])
        assert status == (level == "error")
        if name:
            assert kinds[name]["level"] == level
    assert "unknown transform 'Flop'" in kinds["augmentation"]["what"]
