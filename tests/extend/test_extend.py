"""The verb extend, through the command line: composites over what a run knows, and what stays."""

import csv
import json
import stat

import numpy as np
import pytest
import torch

from modular_cls import Predictor, Run
from modular_cls.cli import main
from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.export.export import export_run
from modular_cls.finish import Features, FitBias
from modular_cls.models.build import build_model
from modular_cls.runs.scores import FILE, AttributeScores
from tests.extend.small_runs import WHOLE, composites, extend, probabilities


def test_a_composite_needs_no_image(apart, faces, tmp_path, capsys):
    """The bias is what the finish step makes of the features of all training images."""
    assert extend(apart, {"schema": {"composites": WHOLE}}, tmp_path / "out") == 0
    said = capsys.readouterr().out
    assert "hair_gender_glasses added, without any image" in said
    assert (
        "changed, for their joint space has grown into hair_gender_glasses: hair, gender, glasses, hair_gender"
        in said
    )
    old, new = Run.load(apart), Run.load(tmp_path / "out")
    model = build_model(new.config, new.model.schema)
    weights = {
        k: v
        for k, v in old.model.state_dict().items()
        if k.startswith(("backbone", "attribute_heads"))
    }
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


def test_an_export_can_be_extended_as_its_run_can(apart, faces, tmp_path, capsys):
    exported, more = tmp_path / "exported", {"schema": {"composites": WHOLE}}
    export_run(apart, exported, onnx=False)
    assert str(faces.parent) not in (exported / "modular_cls" / "config.yaml").read_text()
    assert extend(exported, more, tmp_path / "its") == extend(apart, more, tmp_path / "mine") == 0
    its, mine = Run.load(tmp_path / "its"), Run.load(tmp_path / "mine")
    assert all(
        torch.equal(t, mine.model.state_dict()[name]) for name, t in its.model.state_dict().items()
    )
    assert its.metrics["train_counts"] == mine.metrics["train_counts"]
    assert its.metrics["test"] == {}  # its pictures did not travel with it
    assert "not tested" in capsys.readouterr().out
    tested = {**more, "data": {"manifest": str(faces / "manifest.csv")}}
    assert extend(exported, tested, tmp_path / "tested") == 0
    assert Run.load(tmp_path / "tested").metrics["test"].keys() == mine.metrics["test"].keys()


@pytest.mark.parametrize("name", ["config.yaml", FILE])
def test_a_damaged_export_is_not_extended(apart, tmp_path, capsys, name):
    export_run(apart, tmp_path / "exported", onnx=False)
    with (tmp_path / "exported" / "modular_cls" / name).open("ab") as file:
        file.write(b" ")
    assert extend(tmp_path / "exported", {"schema": {"composites": WHOLE}}, tmp_path / "out") == 1
    assert f"{name} " in (error := capsys.readouterr().err)
    assert "is truncated or changed" in error
    assert not (tmp_path / "out").exists()


def test_the_result_is_a_run_like_any_other(apart, faces, tmp_path):
    out = tmp_path / "out"
    assert extend(apart, {"schema": {"composites": WHOLE}, "method": "more"}, out) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["method"] == "more"
    assert set(metrics["test"]) == {
        "hair",
        "gender",
        "glasses",
        "hair_gender",
        "hair_gender_glasses",
    }
    assert len(json.loads((out / "classes.json").read_text())["hair_gender_glasses"]) == 8
    with (out / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    predictor = Predictor.load(out)
    predicted = predictor([faces / row["path"] for row in rows])
    assert [row["hair_gender_glasses:predicted"] for row in rows] == predicted.names(
        "hair_gender_glasses"
    )
    recall = np.mean([row["hair"] == row["hair:predicted"] for row in rows])
    assert metrics["test"]["hair"]["accuracy"] == pytest.approx(recall)
    assert main(["evaluate", str(out), "--out", str(tmp_path / "again.json")]) == 0
    assert json.loads((tmp_path / "again.json").read_text())["hair"] == metrics["test"]["hair"]
    assert main(["report", str(apart), str(out), "--out", str(tmp_path / "report")]) == 0
    assert "more" in (tmp_path / "report" / "report.md").read_text()
    assert (
        extend(
            out,
            {"schema": {"composites": composites(hair_glasses=["hair", "glasses"])}},
            tmp_path / "twice",
        )
        == 0
    )


def test_scores_are_small_and_for_all_to_read(apart):
    kept = apart / FILE
    assert kept.stat().st_size < 10_000
    assert stat.S_IMODE(kept.stat().st_mode) == stat.S_IMODE((apart / "config.yaml").stat().st_mode)
    assert AttributeScores.read(apart).labels.shape == (64, 3)


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
