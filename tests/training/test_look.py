"""The whole chain on a few pictures, through the command line, and that it never passes for a result."""

import json

import pytest
import yaml

from modular_cls.cli import main

DATA = ["--data.image_size", "32", "--data.workers", "0", "--training.threads", "1"]


def look(faces_dir, out, *more):
    data = ["--data.manifest", str(faces_dir / "manifest.csv"), *DATA]
    return ["train", "--config", "configs/modular.yaml", *data, "--out", str(out), *more]


@pytest.fixture(scope="module")
def run_dir(faces_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("look") / "run"
    assert main(look(faces_dir, out, "--limit", "40")) == 0
    return out


def test_it_is_marked_and_short(run_dir):
    metrics = json.loads((run_dir / "metrics.json").read_text())
    config = yaml.safe_load((run_dir / "config.yaml").read_text())
    assert metrics["limited_to"] == config["data"]["limit"] == 40
    assert metrics["updates"] == config["training"]["updates"] == 10
    # 20 of training, the scarce class as far as its 5 go; 10 and 10 of the others
    counts = metrics["train_counts"]["hair_gender"]
    assert sum(counts) == metrics["train_images"] == 20
    assert counts[3] == 5
    assert sum(metrics["test"]["hair_gender"]["support"].values()) == 10


def test_it_says_so(faces_dir, tmp_path, capsys):
    main(look(faces_dir, tmp_path / "run", "--limit", "40", "--training.updates", "2"))
    said = " ".join(capsys.readouterr().out.split())
    assert "a first look at 40 pictures at most: its numbers are no result" in said
    assert "modular, a first look at 40 pictures" in said


def test_the_chain_goes_on_and_keeps_saying_so(run_dir, faces_dir, tmp_path, capsys):
    pictures, table = str(faces_dir / "test"), str(tmp_path / "table.csv")
    for verb in (
        ["predict", str(run_dir), pictures, "--out", table],
        ["export", str(run_dir), "--out", str(tmp_path / "export"), "--no-onnx"],
        ["evaluate", str(run_dir)],
    ):
        assert main(verb) == 0
        assert f"{run_dir} is a first look at 40 pictures, no result" in capsys.readouterr().err
    assert "**A first look at 40 pictures" in (tmp_path / "export" / "README.md").read_text()


def test_it_is_no_result(run_dir, faces_dir, tmp_path, capsys):
    assert main(["report", str(run_dir), "--out", str(tmp_path / "report")]) != 0
    assert "is a first look at 40 pictures (data.limit), no result" in capsys.readouterr().err
    (tmp_path / "mine.yaml").write_text(f"data: {{manifest: {faces_dir / 'manifest.csv'}, limit: 40}}\n")  # fmt: skip
    (tmp_path / "grid.yaml").write_text(f"methods: [modular]\nkeep: [0]\nseeds: [0]\nalso: [{tmp_path / 'mine.yaml'}]\n")  # fmt: skip
    assert main(["study", "--config", str(tmp_path / "grid.yaml"), "--out", str(tmp_path / "s")]) != 0  # fmt: skip
    assert "modular has data.limit, which is for a first look" in capsys.readouterr().err
    # nor is it the run that was asked for
    assert main(look(faces_dir, run_dir, "--resume")) != 0
    assert "finished run of another configuration" in capsys.readouterr().err


def test_solved_heads_too(faces_dir, pretrained_dir, tmp_path):
    frozen = f"{{name: 'local-dir:{pretrained_dir}', pretrained: true, frozen: true, args: {{}}}}"
    more = ["--backbone", frozen, "--heads.folds", "2", "--heads.ridges", "[1e-3]", "--limit", "40"]
    assert main(look(faces_dir, tmp_path / "run", *more)) == 0
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert (metrics["limited_to"], metrics["train_images"]) == (40, 20)


def test_too_few(faces_dir, tmp_path, capsys):
    assert main(look(faces_dir, tmp_path / "run", "--limit", "3")) != 0
    assert "data.limit is 3; it must be at least 10" in capsys.readouterr().err
