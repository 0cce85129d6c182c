"""An export at work in ONNX Runtime: the same table as by torch, and what is refused."""

import csv
import pickle
import subprocess
import sys

import numpy as np
import pytest

from modular_cls import Predictor
from modular_cls.cli import main

pytest.importorskip("onnxruntime")


def predict(model, out, *words):
    return main(["predict", str(model), *map(str, words), "--out", str(out)])


def numbers(path):
    rows = list(csv.reader(path.open(encoding="utf-8")))
    return [row[0] for row in rows], [[float(c) for c in row[3:5]] for row in rows[1:]]


def test_the_graph_gives_what_torch_gives(exported, faces_dir, tmp_path, capsys):
    tables = {}
    for engine in ("torch", "onnx", "auto"):
        out = tmp_path / f"{engine}.csv"
        assert predict(exported, out, faces_dir / "test", "--engine", engine) == 0
        tables[engine], said = numbers(out), capsys.readouterr().out
        assert ("computed by torch on cpu" in said) == (engine == "torch")
        assert ("computed by ONNX Runtime (model.onnx)" in said) == (engine != "torch")
    assert tables["onnx"] == tables["auto"]
    assert tables["torch"][0] == tables["onnx"][0]
    np.testing.assert_allclose(tables["torch"][1], tables["onnx"][1], atol=1e-4)


@pytest.mark.parametrize("kind", ["modular", "flat_vit"])
def test_priors_evidence_and_embeddings_too(kind, exported, flat_vit, files):
    folder = exported if kind == "modular" else flat_vit[1]
    graph, torch = Predictor.load(folder, graph=True), Predictor.load(folder)
    for asked in ({}, {"prior": "training"}, {"given": {"gender": "male"}, "batch_size": 3}):
        ours, theirs = graph(files, **asked), torch(files, **asked)
        for name, expected in theirs.probabilities.items():
            np.testing.assert_allclose(ours.probabilities[name], expected, atol=1e-4)
        np.testing.assert_allclose(ours.embeddings, theirs.embeddings, atol=1e-4, rtol=1e-3)


def test_it_can_be_pickled(exported, files):
    predictor = Predictor.load(exported, graph=True)
    again = pickle.loads(pickle.dumps(predictor))
    np.testing.assert_array_equal(again(files).embeddings, predictor(files).embeddings)


def test_what_cannot_be_is_told_before_pictures_are_read(run_dir, copy, files, tmp_path, capsys):
    assert predict(run_dir, tmp_path / "t.csv", *files, "--engine", "onnx") == 1
    assert f"{run_dir} is no export" in capsys.readouterr().err
    (copy / "model.onnx").write_bytes((copy / "model.onnx").read_bytes()[:-1])
    assert predict(copy, tmp_path / "t.csv", *files) == 1
    assert "model.onnx" in capsys.readouterr().err
    assert predict(copy, tmp_path / "t.csv", *files, "--engine", "torch") == 0
    (copy / "model.onnx").unlink()
    assert predict(copy, tmp_path / "u.csv", *files, "--engine", "onnx") == 1
    assert "without model.onnx" in capsys.readouterr().err


def test_it_needs_neither_timm_nor_what_trains(exported, files, tmp_path):
    words = ["predict", str(exported), str(files[0]), "--out", str(tmp_path / "t.csv")]
    watched = ["timm", "torchvision", "pandas", "pytorch_lightning", "sklearn", "huggingface_hub"]
    code = f"import sys\nfrom modular_cls.cli import main\nassert main({words}) == 0\n"
    code += f"assert not [m for m in {watched} if m in sys.modules]"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
