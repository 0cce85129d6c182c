"""The model card of an export."""

import json
import shutil

from huggingface_hub import ModelCard

from modular_cls import Predictor
from modular_cls.export.export import export_run


def test_card(run_dir, exported):
    card = ModelCard.load(exported / "README.md")
    metrics = json.loads((run_dir / "metrics.json").read_text())["test"]
    told = {
        (r.metric_name.split()[0], r.metric_type): r.metric_value for r in card.data.eval_results
    }
    assert {key: metrics[key[0]][key[1]] for key in told} == told
    assert ("hair_gender", "rare_class_recall") in told
    assert (card.data.license, card.data.library_name) == ("mit", "timm")
    for words in (
        "k = 0 were kept",
        "| long_haired_man | 0.4 | 0 |",
        "72 training images",
        "Responsible use",
        "| short_male | ",
    ):
        assert words in card.text
    assert str(run_dir.parent) not in card.content
    assert "{" not in card.text


def test_names_cannot_break_the_card(flat_vit):
    rows = [
        line
        for line in ModelCard.load(flat_vit[1] / "README.md").text.splitlines()
        if line.startswith("| Länge")
    ]
    assert rows == ["| Länge \\| Bart | short_female, short_male, long_female, long_male |"]


def test_metrics_without_support_are_undefined_in_the_card(run_dir, tmp_path):
    shutil.copytree(run_dir, tmp_path / "run")
    metrics = json.loads((run_dir / "metrics.json").read_text())
    metrics["test"]["hair_gender"] |= {"rare_class_recall": None, "balanced_accuracy": None}
    metrics["test"].pop("hair")
    (tmp_path / "run" / "metrics.json").write_text(json.dumps(metrics))
    export_run(tmp_path / "run", tmp_path / "out", onnx=False)
    card = ModelCard.load(tmp_path / "out" / "README.md")
    assert "balanced accuracy undefined" in card.text
    assert "rare_class_recall" not in {r.metric_type for r in card.data.eval_results}
    assert "**hair**" not in card.text
    assert not (tmp_path / "out" / "model.onnx").exists()
    assert "model.onnx" not in card.text
    del metrics["train_counts"]  # as in runs of old
    (tmp_path / "run" / "metrics.json").write_text(
        json.dumps(metrics | {"test": {}}, sort_keys=False)
    )
    export_run(tmp_path / "run", tmp_path / "out", overwrite=True, onnx=False)
    assert "No test images" in (tmp_path / "out" / "README.md").read_text()
    assert Predictor.load(tmp_path / "out").counts is None
