"""Pictures of 12 bits in 16-bit files, from training to the export, through the command line."""

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

from modular_cls import Predictor
from modular_cls.cli import main


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
