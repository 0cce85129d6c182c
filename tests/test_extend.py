"""The verb extend, through the command line: what is added, what stays, and what cannot be."""

import csv
import json
import shutil
import stat

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from modular_cls import Predictor, Run, load_config, train
from modular_cls.cli import main
from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.data.faces import write_faces
from modular_cls.finish import Features, FitBias
from modular_cls.fit import build_model
from modular_cls.scores import FILE, AttributeScores

ATTRIBUTES = {"hair": ["short", "long"], "gender": ["female", "male"], "glasses": ["no", "yes"]}
WHOLE = {"hair_gender_glasses": {"attributes": ["hair", "gender", "glasses"]}}


def composites(**attributes):
    return {name: {"attributes": list(of)} for name, of in attributes.items()}


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    out = tmp_path_factory.mktemp("extend") / "faces"
    write_faces(out, per_class=8, size=32, glasses=True, processes=1)
    return out


@pytest.fixture(scope="module")
def make_run(faces, tmp_path_factory):
    """Runs of some updates by their composites; each is trained once."""
    made = {}

    def make(parts, config="modular"):
        key = json.dumps([parts, config])
        if key not in made:
            made[key] = tmp_path_factory.mktemp("run") / "run"
            overlay = made[key].parent / "overlay.yaml"
            data = {"manifest": str(faces / "manifest.csv"), "image_size": 32, "workers": 0, "batch_size": 16,
                    "scarcity": None}  # fmt: skip
            schema = {"attributes": ATTRIBUTES, "composites": parts}
            overlay.write_text(yaml.safe_dump({"schema": schema, "data": data}, sort_keys=False))
            settings = {"training__updates": 12, "training__validate_every": 0}
            train(load_config(f"configs/{config}.yaml", overlay, **settings), made[key], progress=False)
        return made[key]

    return make


@pytest.fixture(scope="module")
def apart(make_run):
    """Hair and gender together, glasses on their own."""
    return make_run(composites(hair_gender=["hair", "gender"]))


def extend(run, more, out, *flags):
    file = out.parent / "more.yaml"
    file.write_text(more if isinstance(more, str) else yaml.safe_dump(more, sort_keys=False))
    return main(["extend", str(run), "--config", str(file), "--out", str(out), *flags])


def probabilities(run, faces, outputs):
    predictor = Predictor.load(run)
    found = predictor(sorted((faces / "test").glob("*.png"))[::5]).probabilities
    return {name: found[name] for name in outputs}


def test_a_composite_needs_no_image(apart, faces, tmp_path, capsys):
    """The bias is what the finish step makes of the features of all training images."""
    assert extend(apart, {"schema": {"composites": WHOLE}}, tmp_path / "out") == 0
    said = capsys.readouterr().out
    assert "hair_gender_glasses added, without any image" in said
    assert (
        "changed, for their joint space has grown into hair_gender_glasses: hair, gender, glasses, hair_gender" in said
    )
    old, new = Run.load(apart), Run.load(tmp_path / "out")
    model = build_model(new.config, new.model.schema)
    weights = {k: v for k, v in old.model.state_dict().items() if k.startswith(("backbone", "attribute_heads"))}
    model.load_state_dict(weights, strict=False)
    model.eval()
    data = AttributeDataModule(model.schema, new.config.data, 0, splits=("train",))
    with torch.no_grad():
        features = torch.cat([model.extract(b["image"]) for b in data.split_dataloader("train")])
    FitBias()(model, {"train": Features(features, data.datasets["train"].targets)})
    for name, value in model.state_dict().items():
        if "_log_prior" not in name:
            torch.testing.assert_close(new.model.state_dict()[name], value, atol=2e-2, rtol=0)
    assert new.metrics["train_counts"] == {"hair_gender_glasses": [8] * 8}


def test_the_result_is_a_run_like_any_other(apart, faces, tmp_path):
    out = tmp_path / "out"
    assert extend(apart, {"schema": {"composites": WHOLE}, "method": "more"}, out) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["method"] == "more"
    assert set(metrics["test"]) == {"hair", "gender", "glasses", "hair_gender", "hair_gender_glasses"}
    assert len(json.loads((out / "classes.json").read_text())["hair_gender_glasses"]) == 8
    with (out / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    predictor = Predictor.load(out)
    predicted = predictor([faces / row["path"] for row in rows])
    assert [row["hair_gender_glasses:predicted"] for row in rows] == predicted.names("hair_gender_glasses")
    recall = np.mean([row["hair"] == row["hair:predicted"] for row in rows])
    assert metrics["test"]["hair"]["accuracy"] == pytest.approx(recall)
    assert main(["evaluate", str(out), "--out", str(tmp_path / "again.json")]) == 0
    assert json.loads((tmp_path / "again.json").read_text())["hair"] == metrics["test"]["hair"]
    assert main(["report", str(apart), str(out), "--out", str(tmp_path / "report")]) == 0
    assert "more" in (tmp_path / "report" / "report.md").read_text()
    assert (
        extend(out, {"schema": {"composites": composites(hair_glasses=["hair", "glasses"])}}, tmp_path / "twice") == 0
    )


def test_scores_are_small_and_for_all_to_read(apart):
    kept = apart / FILE
    assert kept.stat().st_size < 10_000
    assert stat.S_IMODE(kept.stat().st_mode) == stat.S_IMODE((apart / "config.yaml").stat().st_mode)
    assert AttributeScores.read(apart).labels.shape == (64, 3)


def test_what_does_not_grow_stays_exactly(make_run, faces, tmp_path, capsys):
    run = make_run(WHOLE)
    before = ("hair", "gender", "glasses", "hair_gender_glasses")
    parts = composites(hair_glasses=["hair", "glasses"])
    assert extend(run, {"schema": {"composites": parts}}, tmp_path / "out") == 0
    assert "changed" not in capsys.readouterr().out
    old, new = (probabilities(r, faces, before) for r in (run, tmp_path / "out"))
    for name in before:
        np.testing.assert_array_equal(old[name], new[name])
    assert Run.load(tmp_path / "out").metrics["train_counts"] == Run.load(run).metrics["train_counts"]


def test_images_that_nothing_is_learned_from_change_nothing(make_run, faces, tmp_path):
    run = make_run(WHOLE)
    more = {"schema": {"composites": composites(hair_=["hair"])}, "data": {"manifest": str(faces / "manifest.csv")}}
    assert extend(run, more, tmp_path / "out") == 0
    assert Run.load(tmp_path / "out").metrics["extended"]["images"] == 0


def test_more_images_for_joint_classes(apart, nights, tmp_path):
    more = {"schema": {"composites": WHOLE}, "data": {"manifest": str(nights / "manifest.csv")}}
    assert extend(apart, more, tmp_path / "out") == 0
    assert Run.load(tmp_path / "out").metrics["train_counts"] == {"hair_gender_glasses": [16] * 8}


def test_a_space_that_is_named_anew_is_the_same(make_run, faces, tmp_path):
    run = make_run(composites(hair_gender=["hair", "gender"], looks=["glasses", "gender"]))
    parts = composites(all=["glasses", "hair", "gender"])
    assert extend(run, {"schema": {"composites": parts}}, tmp_path / "out") == 0
    outputs = ("hair", "gender", "glasses", "hair_gender", "looks")
    old, new = (probabilities(r, faces, outputs) for r in (run, tmp_path / "out"))
    for name in outputs:
        np.testing.assert_allclose(old[name], new[name], atol=1e-6)


@pytest.fixture(scope="module")
def nights(faces, tmp_path_factory):
    """Faces of which a third are taken at night: an attribute that any network can see. Half of training knows it."""
    out = tmp_path_factory.mktemp("nights")
    shutil.copytree(faces, out, dirs_exist_ok=True)
    with (out / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    for i, row in enumerate(rows):
        row["night"] = "yes" if i % 3 == 0 else "no"
        if row["night"] == "yes":
            Image.open(out / row["path"]).convert("RGB").point(lambda v: v // 12).save(out / row["path"])
        if row["split"] == "train" and i % 2:
            row["night"] = ""
    with (out / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return out


NIGHT = {"attributes": {"night": ["no", "yes"]}}


def test_a_new_attribute_from_some_images(apart, faces, nights, tmp_path, capsys):
    more = {"schema": NIGHT, "data": {"manifest": str(nights / "manifest.csv")}}
    assert extend(apart, more, tmp_path / "out") == 0
    said = capsys.readouterr().out
    assert "night added, from 32 labelled images" in said
    assert "changed" not in said
    assert "on images left out in turn (guessing: 50.0%)\n" in said
    before = ("hair", "gender", "glasses", "hair_gender")
    old, new = (probabilities(r, faces, before) for r in (apart, tmp_path / "out"))
    for name in before:
        np.testing.assert_array_equal(old[name], new[name])
    metrics = Run.load(tmp_path / "out").metrics
    assert metrics["test"]["night"]["balanced_accuracy"] > 0.9
    assert metrics["finish"]["cross_validated/night"] > 0.9
    assert metrics["extended"]["images"] == 32


@pytest.mark.parametrize("images", [1, 20])
def test_an_attribute_that_is_hardly_learned_is_told(apart, nights, tmp_path, images, capsys):
    """Labels by chance; with one image of a value, nothing can be left out."""
    header, *rows = [line.split(",") for line in (nights / "manifest.csv").read_text().splitlines()]
    rows = [row for row in rows if row[1] == "train"]
    yes = set(np.random.default_rng(0).permutation(len(rows))[:images])
    for i, row in enumerate(rows):
        row[-1] = "yes" if i in yes else "no"
    (nights / "chance.csv").write_text("\n".join(map(",".join, [header, *rows])))
    more = {"schema": NIGHT, "data": {"manifest": str(nights / "chance.csv")}}
    assert extend(apart, more, tmp_path / "out") == 0
    said = capsys.readouterr().out
    assert ("how well it is learned cannot be told" in said) == (images == 1)
    assert ("the frozen backbone hardly shows it" in said) == (images > 1)
    assert "no metrics of test: the manifest has no images of it" in said
    assert Run.load(tmp_path / "out").metrics["test"] == {}


def test_a_new_attribute_in_a_composite(apart, nights, tmp_path, capsys):
    parts = {**NIGHT, "composites": composites(both=["hair", "night"])}
    more = {"schema": parts, "data": {"manifest": str(nights / "manifest.csv")}}
    assert extend(apart, more, tmp_path / "out") == 0
    assert "has grown into hair*gender*night*: hair, gender, hair_gender" in capsys.readouterr().out
    metrics = Run.load(tmp_path / "out").metrics
    assert metrics["test"]["night"]["balanced_accuracy"] > 0.9
    assert sum(metrics["train_counts"]["hair*gender*night*"]) == 32
    assert len(AttributeScores.read(tmp_path / "out").labels) == 64 + 32
    parts = composites(two=["night", "gender"])
    assert extend(tmp_path / "out", {"schema": {"composites": parts}}, tmp_path / "twice") == 0


def test_joint_classes_out_of_reach_are_never_predicted(apart, tmp_path, capsys):
    scores = AttributeScores.read(apart)
    hair, gender, glasses = scores.labels.T
    kept = ((hair == 0) & (glasses == 0)) | ((hair == 1) & (gender == 0) & (glasses == 1))
    copy = tmp_path / "copy"
    shutil.copytree(apart, copy)
    labels = scores.labels[kept]
    kinds, counts = labels.unique(dim=0, return_counts=True)
    AttributeScores(scores.attributes, {n: s[kept] for n, s in scores.scores.items()}, labels, kinds, counts).write(
        copy
    )
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
        ("schema: [", "is not a YAML file that can be read"),
        ("[]", "the file must be a mapping of names"),
        ({"data": {}}, "schema must be a mapping of names, found None"),
        ({"schema": {}}, "schema adds neither attributes nor composites"),
        ({"schema": {"composite": WHOLE}}, "unknown key 'composite' in schema of"),
        ({"schema": {"composites": WHOLE}, "training": {}}, "unknown key 'training'; accepted: schema, data"),
        ({"schema": {"attributes": {"hair": ["a", "b"]}}}, "schema.attributes.hair: the run has that already"),
        ({"schema": {"composites": composites(x=["hair", "beard"])}}, "unknown attribute 'beard' in schema.composites.x"),
        ({"schema": {"attributes": {"hat": ["no", "cap"]}}}, "no images are given to learn hat from; name their table"),
        ({"schema": {"composites": WHOLE}, "data": {"image_size": 64}}, "data.image_size is 64; the frozen backbone"),
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
    assert "only runs of ModularClassifier with composite Additive can be extended" in capsys.readouterr().err


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
