"""The verb extend: what cannot be, and what is told."""

import hashlib
import json
import shutil

import pytest
import torch
import yaml

from modular_cls import Run
from modular_cls.runs.scores import FILE, AttributeScores
from tests.extend.small_runs import NIGHT, WHOLE, composites, extend


def test_joint_classes_out_of_reach_are_never_predicted(apart, tmp_path, capsys):
    scores = AttributeScores.read(apart)
    hair, gender, glasses = scores.labels.T
    kept = ((hair == 0) & (glasses == 0)) | ((hair == 1) & (gender == 0) & (glasses == 1))
    copy = tmp_path / "copy"
    shutil.copytree(apart, copy)
    labels = scores.labels[kept]
    kinds, counts = labels.unique(dim=0, return_counts=True)
    AttributeScores(
        scores.attributes, {n: s[kept] for n, s in scores.scores.items()}, labels, kinds, counts
    ).write(copy)
    metrics = json.loads((copy / "metrics.json").read_text())
    metrics["sha256"][FILE] = hashlib.sha256((copy / FILE).read_bytes()).hexdigest()
    (copy / "metrics.json").write_text(json.dumps(metrics))
    assert extend(copy, {"schema": {"composites": WHOLE}}, tmp_path / "out") == 0
    said = capsys.readouterr().out
    lost = "short_female_yes, short_male_yes, long_female_no, long_male_no"
    assert f"out of reach, never predicted: {lost}" in said
    assert "reachable by composition: long_male_yes" in said
    prior = Run.load(tmp_path / "out").model.log_priors["hair_gender_glasses"]
    assert (prior == -torch.inf).tolist() == [False, True, False, True, True, False, True, False]


def test_without_its_pictures_a_run_is_extended_untested(apart, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(apart, copy)
    config = yaml.safe_load((copy / "config.yaml").read_text())
    config["data"]["manifest"] = "gone/manifest.csv"
    (copy / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    assert extend(copy, {"schema": {"composites": WHOLE}}, tmp_path / "out") == 0
    assert "not tested: gone/manifest.csv" in capsys.readouterr().out
    assert Run.load(tmp_path / "out").metrics["test"] == {}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("schema: [", "is corrupt: line 2: did not find expected node content"),
        ("[]", "holds a list; it must be a mapping"),
        ({"data": {}}, "schema must be a mapping of names, found None"),
        ({"schema": {}}, "schema adds neither attributes nor composites"),
        ({"schema": {"composite": WHOLE}}, "unknown key 'composite' in schema of"),
        ({"schema": {"composites": WHOLE}, "training": {}}, "unknown key 'training'; accepted: schema, data"),
        ({"schema": {"attributes": {"hair": ["a", "b"]}}}, "schema.attributes.hair: the run has that already"),
        ({"schema": {"composites": composites(x=["hair", "beard"])}}, "unknown attribute 'beard' in schema.composites.x"),
        ({"schema": {"attributes": {"hat": ["no", "cap"]}}}, "no images are given to learn hat from; name their table"),
        ({"schema": {"composites": WHOLE}, "data": {"image_size": 64}}, "data.image_size is 64; the frozen backbone"),
        ({"schema": {"composites": WHOLE}, "data": {"augmentation": "mine.yaml"}}, "data.augmentation: the backbone stays as it is"),
        ({"schema": {"composites": WHOLE}, "data": {"fit": "pad"}}, "data.fit is pad; the frozen backbone was trained with squash"),
        ({"schema": NIGHT, "data": {"manifest": "FACES"}}, "no column 'night'"),
        ({"schema": {"attributes": {"night": ["no", "yes", "half"]}}, "data": {"manifest": "NIGHTS"}},
         "attribute night: no training image is labelled half"),
    ],
)  # fmt: skip
def test_wrong_input_is_told(apart, faces, nights, tmp_path, more, message, capsys):
    if isinstance(more, dict) and more.get("data", {}).get("manifest"):
        folder = {"FACES": faces, "NIGHTS": nights}[more["data"]["manifest"]]
        more = {**more, "data": {"manifest": str(folder / "manifest.csv")}}
    assert extend(apart, more, tmp_path / "out") == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_attributes_never_labelled_together(apart, nights, tmp_path, capsys):
    text = (nights / "manifest.csv").read_text().splitlines()
    lines = [",".join([*row.split(",")[:2], "", "", *row.split(",")[4:]]) for row in text[1:]]
    (nights / "alone.csv").write_text("\n".join([text[0], *lines]))
    parts = {**NIGHT, "composites": composites(both=["hair", "night"])}
    more = {"schema": parts, "data": {"manifest": str(nights / "alone.csv")}}
    assert extend(apart, more, tmp_path / "out") == 1
    told = capsys.readouterr().err
    assert "there are none (hair by 64, gender by 64, night by 32)" in told


def test_only_additive_models_grow(make_run, tmp_path, capsys):
    run = make_run(composites(hair_gender=["hair", "gender"]), config="flat")
    assert not (run / FILE).exists()
    assert extend(run, {"schema": {"composites": WHOLE}}, tmp_path / "out") == 1
    assert (
        "only runs of ModularClassifier with composite Additive can be extended"
        in capsys.readouterr().err
    )


def test_nothing_is_replaced_unless_told(apart, tmp_path, capsys):
    more = {"schema": {"composites": composites(hair_=["hair"])}}
    assert extend(apart, more, tmp_path / "out") == 0
    assert extend(apart, more, tmp_path / "out") == 1
    assert "--overwrite to replace it" in capsys.readouterr().err
    assert extend(apart, more, tmp_path / "out", "--overwrite") == 0
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert extend(apart, more, tmp_path / "mine", "--overwrite") == 1
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"
