"""Heads that are solved on frozen features, from training to use."""

import csv
import json
import shutil

import numpy as np
import pytest
import yaml
from PIL import Image

from modular_cls import (
    ComposedClassifier,
    Manifest,
    Predictor,
    Run,
    apply_scarcity,
    load_config,
    train,
)
from modular_cls.cli import main
from modular_cls.data.faces.write import SCHEMA
from modular_cls.errors import ConfigError, UndefinedError
from modular_cls.files import cache_folder
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.training.train import make_fit

RARE = {"hair": "long", "gender": "male"}


def frozen(faces_dir, pretrained_dir, method="modular", **given):
    given = {
        "backbone__name": f"local-dir:{pretrained_dir}",
        "backbone__pretrained": True,
        "backbone__frozen": True,
        "backbone__args": "{}",
        "data__manifest": faces_dir / "manifest.csv",
        "data__image_size": 32,
        "data__workers": 0,
        "heads__folds": 3,
        "heads__ridges": "[1e-5, 1e-3, 1e-1]",
    } | given
    return load_config(f"configs/{method}.yaml", **given)


def features_and_labels(predictor, manifest):
    files = [manifest.file(i) for i in range(len(manifest))]
    values = [np.array(a.values)[manifest.labels[:, i]] for i, a in enumerate(SCHEMA.attributes)]
    return predictor(files), np.stack(values, axis=1)


@pytest.mark.parametrize("keep", [0, 5])
@pytest.mark.parametrize("method", ["modular", "flat_class_weights", "product_corrected"])
def test_a_run_is_the_estimator_on_the_same_features(
    faces_dir, pretrained_dir, tmp_path, method, keep
):
    if (method, keep) == ("flat_class_weights", 0):
        pytest.skip("class weights are not defined without images of a class")
    config = frozen(faces_dir, pretrained_dir, method, data__scarcity__keep=keep)
    train(config, tmp_path / "run", progress=False)
    predictor = Predictor.load(tmp_path / "run")
    manifest = Manifest.read(faces_dir / "manifest.csv", SCHEMA)
    kept = apply_scarcity(manifest, RARE, keep, config.seed)
    learned, answers = features_and_labels(predictor, kept.split("train"))
    tested, truth = features_and_labels(predictor, kept.split("test"))
    model = ComposedClassifier(config.schema, method, ridges=[1e-5, 1e-3, 1e-1], folds=3)
    model.fit(learned.embeddings, answers)
    for output, found in model.predict_proba(tested.embeddings).items():
        np.testing.assert_allclose(found, tested.probabilities[output], atol=2e-3)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["ridge"] == next(iter(model.ridges_.values()))["ridge"]
    assert metrics["updates"] is None
    assert metrics["test"]["hair_gender"]["balanced_accuracy"] == pytest.approx(
        model.score(tested.embeddings, truth), abs=0.03
    )


@pytest.fixture(scope="module")
def run_dir(faces_dir, pretrained_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("frozen") / "run"
    folder = tmp_path_factory.mktemp("given")
    given = {"backbone": {"name": f"local-dir:{pretrained_dir}", "pretrained": True, "frozen": True, "args": {}},
             "data": {"manifest": str(faces_dir / "manifest.csv"), "image_size": 32, "workers": 0},
             "heads": {"ridges": [1e-1, 1.0], "folds": 2}}  # fmt: skip
    (folder / "mine.yaml").write_text(yaml.safe_dump(given))
    arguments = ["--config", "configs/modular.yaml", "--config", str(folder / "mine.yaml")]
    assert main(["train", *arguments, "--out", str(out)]) == 0
    return out


def test_from_the_command_line(run_dir, capsys):
    metrics = json.loads((run_dir / "metrics.json").read_text())
    chosen = metrics["ridges"]["hair_gender"]
    assert (chosen["ridge"], chosen["at_edge"]) == (0.1, True)
    assert list(metrics["ridges"]) == ["hair_gender", "hair_gender/direct"]
    config = yaml.safe_load((run_dir / "config.yaml").read_text())
    assert config["data"]["mean"] == [0.4, 0.5, 0.6]  # the weights' own
    assert main(["evaluate", str(run_dir)]) == 0
    assert "balanced" in capsys.readouterr().out


def test_what_was_tested_is_what_is_loaded(run_dir, faces_dir):
    with (run_dir / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    predictor = Predictor.load(run_dir)
    found = predictor([faces_dir / row["path"] for row in rows])
    same = np.mean(
        [
            a == row["hair_gender:predicted"]
            for a, row in zip(found.names("hair_gender"), rows, strict=True)
        ]
    )
    assert same > 0.97  # a feature's last bit depends on the batch
    assert not [n for n in Run.load(run_dir).model.head_weights() if n.startswith("backbone.")]


def test_predicting_takes_the_features_that_training_kept(
    faces_dir, pretrained_dir, tmp_path, monkeypatch, capsys
):
    run = tmp_path / "run"
    train(frozen(faces_dir, pretrained_dir), run, progress=False)
    known = sorted((faces_dir / "test").rglob("*.png"))
    fresh, broken = tmp_path / "fresh.png", tmp_path / "broken.png"
    Image.fromarray(np.full((40, 30, 3), 90, np.uint8)).save(fresh)
    broken.write_bytes(known[0].read_bytes()[:200])
    passed = []
    extract = JointClassifier.extract
    monkeypatch.setattr(
        JointClassifier, "extract", lambda m, image: passed.append(len(image)) or extract(m, image)
    )
    files = [known[0], fresh, broken, *known[1:]]
    capsys.readouterr()
    assert main(["predict", str(run), *map(str, files), "--out", str(tmp_path / "t.csv")]) == 0
    assert f"{len(known)} of them by features that were kept" in capsys.readouterr().out
    assert sum(passed) == 1
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    assert [bool(row["error"]) for row in rows] == [file == broken for file in files]
    wanted = Predictor.load(run)([f for f in files if f != broken]).probabilities["hair"][:, 1]
    found = [float(row["hair=long"]) for row in rows if not row["error"]]
    np.testing.assert_allclose(found, wanted, atol=2e-3)  # features are rounded to half precision

    shutil.rmtree(cache_folder() / "features")
    passed.clear()
    assert main(["predict", str(run), *map(str, files), "--out", str(tmp_path / "u.csv")]) == 0
    assert sum(passed) == len(known) + 1
    assert "features that were kept" not in capsys.readouterr().out


def test_the_edge_of_the_grid_is_said(faces_dir, pretrained_dir, capsys):
    fit = make_fit(frozen(faces_dir, pretrained_dir, heads__ridges="[10, 100]"))
    fit.run()
    assert "ridge 1e+01 by cross-validation, at the edge" in capsys.readouterr().out


def shortened(faces_dir, tmp_path, keep):
    rows = (faces_dir / "manifest.csv").read_text().splitlines()
    header = rows[0].split(",")
    kept = [row for row in rows[1:] if keep(dict(zip(header, row.split(","), strict=True)))]
    (tmp_path / "manifest.csv").write_text("\n".join([rows[0], *kept]) + "\n")
    return {
        "data__manifest": tmp_path / "manifest.csv",
        "data__root": faces_dir,
        "data__scarcity": None,
    }


def test_one_class_only_is_refused_before_the_pictures_are_read(
    faces_dir, pretrained_dir, tmp_path, monkeypatch
):
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "cache"))
    only = shortened(faces_dir, tmp_path, lambda r: (r["hair"], r["gender"]) == ("short", "male"))
    with pytest.raises(ConfigError, match=r"of one class only \(short_male\)"):
        make_fit(frozen(faces_dir, pretrained_dir, **only))
    assert not (cache_folder() / "features").exists()


def test_a_value_without_images_is_told_and_the_rest_works(
    faces_dir, pretrained_dir, tmp_path, capsys
):
    women = shortened(faces_dir, tmp_path, lambda r: r["gender"] == "female")
    run = train(frozen(faces_dir, pretrained_dir, **women), tmp_path / "run", progress=False)
    assert "never predicted: short_male, long_haired_man" in capsys.readouterr().out
    assert run.metrics["test"]["gender"]["accuracy"] == 1
    assert run.metrics["test"]["hair"]["balanced_accuracy"] > 0.5


def test_methods_that_no_solver_has(faces_dir, pretrained_dir):
    for method in ("mlp", "flat_group_dro", "flat_ldam_drw"):
        with pytest.raises(UndefinedError):
            make_fit(frozen(faces_dir, pretrained_dir, method))
