"""An export predicts what its run does, and replaces nothing unasked."""

import os
import pickletools
import shutil

import pytest

from modular_cls import Predictor
from modular_cls.cli import main
from modular_cls.runs.weights import digest
from tests.export.small_exports import ODD, same


def test_run_export_and_snapshot_predict_the_same(run_dir, exported, files, tmp_path):
    """A hub keeps files under their digests, and links to them from a folder per commit."""
    snapshot, blobs = tmp_path / "snapshots" / "0a1b", tmp_path / "blobs"
    blobs.mkdir()
    for file in (f for f in exported.rglob("*") if f.is_file()):
        shutil.copy(file, blobs / digest(file))
        link = snapshot / file.relative_to(exported)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blobs / digest(file), link.parent))
    run = Predictor.load(run_dir)
    for folder in (exported, str(snapshot)):
        again = Predictor.load(folder)
        assert again.schema == run.schema
        assert again.counts == run.counts == {"hair_gender": [24, 24, 24, 0]}
        for asked in ({}, {"prior": "training"}, {"prior": "uniform", "given": {"gender": "male"}}):
            same(run(files, **asked), again(files, **asked))


def test_classes_out_of_reach_stay_out(flat_vit, files):
    run, again = map(Predictor.load, flat_vit)
    same(run(files), again(files))
    told = again(files).probabilities
    assert (told["hair"][:, 1] == 0).all()
    assert (told[ODD][:, :2] > 0).all()


def test_no_file_is_a_pickle(exported):
    for file in (f for f in exported.rglob("*") if f.is_file()):
        assert file.suffix in (".json", ".safetensors", ".onnx", ".md", ".yaml")
        with pytest.raises(ValueError, match=r".*"):
            list(pickletools.genops(file.read_bytes()))


def test_nothing_is_overwritten_unasked(run_dir, exported, copy, tmp_path, capsys):
    arguments = ["export", str(run_dir), "--no-onnx", "--out"]
    assert main([*arguments, str(copy)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert main([*arguments, str(copy), "--overwrite"]) == 0
    assert not (copy / "model.onnx").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert main([*arguments, str(tmp_path / "mine"), "--overwrite"]) == 1
    assert [f.name for f in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    assert main(["export", str(exported), "--out", str(tmp_path / "again")]) == 1
    assert "is not a finished run" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()


def test_an_export_that_fails_leaves_what_was_there(run_dir, copy, tmp_path, monkeypatch, capsys):
    before = {f: f.read_bytes() for f in copy.rglob("*.*")}
    monkeypatch.setattr("modular_cls.export.graph._NEEDED", ("onnx", "no_such_package"))
    assert main(["export", str(run_dir), "--out", str(copy), "--overwrite"]) == 1
    assert (
        "model.onnx needs no_such_package: pip install 'modular-cls[onnx]'"
        in capsys.readouterr().err
    )
    monkeypatch.undo()
    monkeypatch.setattr("modular_cls.export.graph._TOLERANCE", -1.0)
    assert main(["export", str(run_dir), "--out", str(copy), "--overwrite"]) == 1
    assert "model.onnx: hair differs by" in capsys.readouterr().err
    assert {f: f.read_bytes() for f in copy.rglob("*.*")} == before
    assert [f.name for f in tmp_path.iterdir()] == ["copy"]
