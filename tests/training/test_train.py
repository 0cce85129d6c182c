"""Every method's run keeps the contract; wrong input changes nothing."""

import csv
import json
import shutil
from dataclasses import fields

import pytest
import yaml

from modular_cls.cli import main
from modular_cls.config import Config
from modular_cls.config.shipped import packaged_configs
from tests.training.small_commands import command, read


@pytest.fixture(scope="module")
def run(faces_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "modular"
    assert main(command(faces_dir, out, "--data.scarcity.keep", "0")) == 0
    return out


@pytest.mark.parametrize("file", packaged_configs(), ids=lambda file: file.stem)
def test_every_configuration_trains_and_keeps_the_contract(file, faces_dir, tmp_path):
    two = ["--training.updates", "2"]
    assert main(command(faces_dir, tmp_path / "run", *two, config=file.name)) == 0
    kept = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert list(kept) == [field.name for field in fields(Config)]  # whole: it stands on no file
    metrics = read(tmp_path / "run")
    assert metrics["method"] == file.stem
    assert (metrics["keep"], metrics["seed"], metrics["updates"]) == (5, 0, 2)
    assert metrics["train_images"] == 3 * 24 + 5
    joint = metrics["test"]["hair_gender"]
    assert list(joint["recall"]) == ["short_female", "short_male", "long_female", "long_haired_man"]
    assert joint["rare_class_recall"] == joint["recall"]["long_haired_man"]
    assert sum(map(sum, joint["confusion"])) == sum(joint["support"].values()) == 24
    assert 0 <= metrics["test"]["hair"]["balanced_accuracy"] <= 1
    assert json.loads((tmp_path / "run" / "classes.json").read_text())["gender"] == [
        "female",
        "male",
    ]
    with (tmp_path / "run" / "log.csv").open() as file:
        assert "train/loss" in next(csv.reader(file))


def test_the_fitted_bias_is_in_the_saved_weights(run, faces_dir, tmp_path):
    """A reloaded run gives the same metrics on the same images, and its config runs again to the same."""
    assert main(["evaluate", str(run), "--out", str(tmp_path / "m.json")]) == 0
    again = json.loads((tmp_path / "m.json").read_text())
    assert again == read(run)["test"]
    assert (
        main(["train", "--config", str(run / "config.yaml"), "--out", str(tmp_path / "again")]) == 0
    )
    first, second = read(run), read(tmp_path / "again")
    assert first["test"] == second["test"]
    assert first["finish"] == second["finish"]


def test_seed_and_workers(faces_dir, tmp_path):
    """Another seed is another run; loading in other processes is not."""
    for name, flags in {
        "a": ["--seed", "1"],
        "b": ["--data.workers", "2", "--training.threads", "2"],
    }.items():
        assert main(command(faces_dir, tmp_path / name, "--training.threads", "2", *flags)) == 0
    assert main(command(faces_dir, tmp_path / "c", "--training.threads", "2")) == 0
    losses = {n: (tmp_path / n / "log.csv").read_text() for n in "abc"}
    assert losses["a"] != losses["c"]
    assert losses["b"] == losses["c"]


def test_an_existing_run_is_kept_until_the_new_one_is_complete(run, faces_dir, tmp_path, capsys):
    mine = tmp_path / "mine"
    shutil.copytree(run, mine)
    before = (mine / "metrics.json").read_bytes()
    assert main(command(faces_dir, mine)) == 1
    assert "--overwrite" in capsys.readouterr().err
    broken = tmp_path / "faces"
    shutil.copytree(faces_dir, broken)
    picture = next((broken / "train").iterdir())
    picture.write_bytes(picture.read_bytes()[:200])
    assert main(command(broken, mine, "--overwrite", "--data.scarcity", "null")) == 1
    assert picture.name in capsys.readouterr().err
    assert (mine / "metrics.json").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    (foreign / "chapter1.txt").write_text("years of work")
    assert main(command(faces_dir, foreign, "--overwrite")) == 1
    assert (foreign / "chapter1.txt").exists()


def test_a_method_without_meaning_on_these_data_says_why(faces_dir, tmp_path, capsys):
    flags = ["--data.scarcity.keep", "0"]
    assert main(command(faces_dir, tmp_path / "run", *flags, config="flat_class_weights.yaml")) == 1
    assert (
        "WeightedLikelihood is not defined without training images of long_haired_man"
        in capsys.readouterr().err
    )
    assert (
        main(command(faces_dir, tmp_path / "run", "--data.hold_out", "1", config="flat.yaml")) == 1
    )
    assert "data.hold_out is 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "manifest.csv"),
        (lambda text: text.splitlines()[0] + "\n", "no rows"),
        (lambda text: text + text.splitlines()[1] + "\n", "stands in an earlier row"),
        (
            lambda text: text.replace("train/short_female_00000.png", "../secret.png"),
            "leaves the root",
        ),
        (
            lambda text: text.replace("train/short_female_00000.png", "train/gone.png"),
            "gone.png: no such file",
        ),
        (lambda text: text.replace(",validation,", ",train,"), "'validation' has no images"),
        (lambda text: text.replace(",test,", ",tset,"), "did you mean 'test'"),
    ],
)
def test_a_broken_manifest_is_told_by_row(change, message, faces_dir, tmp_path, capsys):
    data = tmp_path / "faces"
    shutil.copytree(faces_dir, data)
    manifest = data / "manifest.csv"
    manifest.write_text(change(manifest.read_text()))
    assert main(command(data, tmp_path / "run", "--data.scarcity", "null")) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
