"""Wide and 12-bit pictures for a square network: all doors prepare them alike."""

import csv
import json
import shutil

import numpy as np
import pytest
import timm
import torch
import yaml
from PIL import Image

from modular_cls import Predictor
from modular_cls.cli import main
from modular_cls.data.images import read_image


@pytest.fixture(scope="module")
def wide_dir(faces_dir, tmp_path_factory):
    """The drawn faces, each beside a grey field: twice as wide as high."""
    out = tmp_path_factory.mktemp("wide")
    with (faces_dir / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        with Image.open(faces_dir / row["path"]) as face:
            picture = Image.new("RGB", (2 * face.width, face.height), "gray")
            picture.paste(face, (0, 0))
        (out / row["path"]).parent.mkdir(parents=True, exist_ok=True)
        picture.save(out / row["path"])
    (out / "manifest.csv").write_bytes((faces_dir / "manifest.csv").read_bytes())
    return out


def flags(wide_dir, *more):
    data = f"""
data: {{manifest: {wide_dir / "manifest.csv"}, image_size: 32, scarcity: null, batch_size: 16, workers: 0}}
training: {{updates: 4, validate_every: 0, threads: 1}}
"""
    (wide_dir / "data.yaml").write_text(data)
    return ["--config", "configs/modular.yaml", "--config", str(wide_dir / "data.yaml"), *more]


def train(wide_dir, out, *more):
    assert main(["train", *flags(wide_dir, *more), "--out", str(out)]) == 0
    return json.loads((out / "metrics.json").read_text())


@pytest.mark.parametrize(("fit", "told", "theirs"), [
    ("squash", "squashed; data.fit: pad or crop keeps their proportions", "squash"),
    ("pad", "data.fit: pad makes more than a third", "border"),
    ("crop", "data.fit: crop leaves less than two thirds", "center"),
])  # fmt: skip
def test_trained_exported_and_predicted_alike(fit, told, theirs, wide_dir, tmp_path, capsys):
    train(wide_dir, tmp_path / "run", "--data.fit", fit)
    said = " ".join(capsys.readouterr().out.split())
    assert f"96 of 96 training pictures looked at are far from the shape of data.image_size, 32 x 32 (height x width), over 1.5 times: {told}" in said  # fmt: skip
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["data"]["fit"] == fit
    main(["export", str(tmp_path / "run"), "--out", str(tmp_path / "export"), "--no-onnx"])
    assert json.loads((tmp_path / "export" / "preprocess.json").read_text())["fit"] == fit
    pictures = sorted((wide_dir / "test").glob("*.png"))[:6]
    run, exported = Predictor.load(tmp_path / "run"), Predictor.load(tmp_path / "export")
    arrays = [read_image(p, "it") for p in pictures]
    for found in (exported(pictures), exported(arrays), run(arrays)):
        np.testing.assert_array_equal(found.embeddings, run(pictures).embeddings)
    network = timm.create_model(f"local-dir:{tmp_path / 'export'}", pretrained=True)
    config = timm.data.resolve_model_data_config(network)
    assert config["crop_mode"] == theirs
    with Image.open(pictures[0]) as picture:
        seen = timm.data.create_transform(**config)(picture)
    # Of what it crops, timm rounds the edges to whole pixels.
    torch.testing.assert_close(seen, run.prepare(pictures[0]), rtol=0, atol=0.1 if fit == "crop" else 1e-6)  # fmt: skip


def test_evaluate_sees_what_training_saw(wide_dir, tmp_path):
    found = train(wide_dir, tmp_path / "run", "--data.fit", "crop")["test"]
    main(["evaluate", str(tmp_path / "run"), "--out", str(tmp_path / "again.json")])
    assert json.loads((tmp_path / "again.json").read_text()) == found
    other = tmp_path / "other.json"
    main(["evaluate", str(tmp_path / "run"), "--data.fit", "squash", "--out", str(other)])
    assert json.loads(other.read_text()) != found


def test_frozen_features_of_each_fit_are_kept_apart(wide_dir, pretrained_dir, tmp_path):
    frozen = f"{{name: 'local-dir:{pretrained_dir}', pretrained: true, frozen: true, args: {{}}}}"
    found = {}
    for run, fit in enumerate(("squash", "pad", "crop", "squash")):
        more = [
            "--backbone",
            frozen,
            "--heads.folds",
            "2",
            "--heads.ridges",
            "[1e-3]",
            "--data.fit",
            fit,
        ]
        metrics = train(wide_dir, tmp_path / f"run{run}", *more)
        weights = metrics["sha256"]["checkpoints/last.safetensors"]
        assert found.setdefault(fit, weights) == weights
    assert len(set(found.values())) == 3


def test_audit_says_what_becomes_of_them(wide_dir, tmp_path, capsys):
    rows = len((wide_dir / "manifest.csv").read_text().splitlines()) - 1
    names = {"squash": ("warning", "squashed"), "pad": ("note", "padded"), "crop": ("warning", "cropped")}  # fmt: skip
    for fit, (level, name) in names.items():
        out = tmp_path / f"{fit}.json"
        asked = flags(wide_dir, "--data.fit", fit, "--json", str(out))
        main(["audit", str(wide_dir / "manifest.csv"), *asked])
        found = {f["name"]: f for f in json.loads(out.read_text())["findings"]}
        assert {names[other][1] for other in names if other != fit}.isdisjoint(found)
        assert found[name]["level"] == level
        assert found[name]["count"] == rows
        assert found[name]["examples"][0].endswith(": 128 x 64")
    assert "32 x 32" in capsys.readouterr().out


def test_pictures_of_the_shape_are_not_spoken_of(faces_dir, wide_dir, tmp_path, capsys):
    asked = flags(wide_dir, "--data.manifest", str(faces_dir / "manifest.csv"))
    main(["train", *asked, "--out", str(tmp_path / "run")])
    assert "far from the shape" not in capsys.readouterr().out


def test_a_fit_that_there_is_not(wide_dir, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["train", *flags(wide_dir, "--data.fit", "padd"), "--out", str(tmp_path / "run")])
    assert "pad" in capsys.readouterr().err


@pytest.fixture(scope="module")
def deep(faces_dir, tmp_path_factory):
    """The drawn faces in grey, as a camera of 12 bits would save them."""
    folder = shutil.copytree(faces_dir, tmp_path_factory.mktemp("deep") / "faces")
    for path in folder.rglob("*.png"):
        grey = np.asarray(Image.open(path).convert("L")).astype(np.uint16)
        Image.fromarray(grey * 16).save(path)
    return folder


def test_a_range_goes_from_training_into_use(deep, tmp_path, capsys):
    words = ["train", "--config", "configs/modular.yaml", "--data.manifest", str(deep / "manifest.csv"),
             "--data.workers", "0", "--data.image_size", "32", "--training.updates", "2",
             "--out", str(tmp_path / "run")]  # fmt: skip
    assert main(words) == 1
    told = capsys.readouterr().err
    assert "row 2, " in told
    assert "uses 12 bits" in told
    assert main([*words, "--data.range", "[3, 3]"]) == 1
    assert "data.range is [3.0, 3.0]; it must be two different numbers" in capsys.readouterr().err
    assert main([*words, "--data.range", "[0, 4080]"]) == 0
    assert (
        main(["export", str(tmp_path / "run"), "--no-onnx", "--out", str(tmp_path / "export")]) == 0
    )
    path = next((deep / "test").iterdir())
    eight = np.asarray(Image.open(path)) // 16
    for folder in ("run", "export"):
        predictor = Predictor.load(tmp_path / folder)
        expected = predictor.prepare(eight.astype(np.uint8))
        assert (predictor.prepare(path) - expected).abs().max() <= 1.01 / 127.5
        out = tmp_path / f"{folder}.csv"
        assert main(["predict", str(tmp_path / folder), str(path), "--out", str(out)]) == 0
        with out.open() as file:
            (row,) = csv.DictReader(file)
        share = predictor([eight.astype(np.uint8)]).probabilities["gender"][0, 1]
        assert float(row["gender=male"]) == pytest.approx(share, abs=0.01)
