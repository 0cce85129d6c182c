"""Own pictures in a folder or a table, and the sample that is shipped."""

import csv
import re
import shutil
from collections import Counter
from pathlib import Path

import chess_sample
import photographs
import pytest
from PIL import Image

from modular_cls import load_config
from modular_cls.cli import main
from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.schema import Schema

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    out = tmp_path_factory.mktemp("sample") / "chess_sample"
    assert chess_sample.main(["--out", str(out)]) == 0
    return out


def test_the_sample_is_small_and_fits_its_configuration(sample):
    assert chess_sample.SAMPLE.stat().st_size < 1e6
    config = load_config(ROOT / "configs/modular.yaml", ROOT / "configs/data/chess_sample.yaml")
    schema = Schema.from_dict(config.schema)
    manifest = Manifest.read(sample / "manifest.csv", schema)
    alike = {s: set(manifest.split(s).counts(schema.joints[0]).tolist()) for s in SPLITS}
    assert all(len(counts) == 1 and min(counts) > 0 for counts in alike.values())
    assert len(manifest) == len(list(sample.glob("*.jpg")))
    for i in range(len(manifest)):
        with Image.open(manifest.file(i)) as picture:
            assert (picture.size, picture.format) == ((64, 64), "JPEG")
    (scarce,) = config.data.scarcities
    assert (scarce.joint_class, scarce.keep) == ({"colour": "black", "piece": "queen"}, 0)


def test_nothing_else_is_replaced_and_a_damaged_sample_is_told(sample, tmp_path, capsys):
    assert chess_sample.main(["--out", str(sample)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    (tmp_path / "thesis.txt").write_text("years of work")
    assert chess_sample.main(["--out", str(tmp_path), "--overwrite"]) == 1
    assert (tmp_path / "thesis.txt").exists()
    (tmp_path / "sample.zip").write_bytes(chess_sample.SAMPLE.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"sample.zip is damaged"):
        chess_sample.unpack(tmp_path / "out", sample=tmp_path / "sample.zip")
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def tree(sample, tmp_path_factory):
    """One folder a joint class of four."""
    root = tmp_path_factory.mktemp("own") / "tree"
    for row in csv.DictReader((sample / "manifest.csv").open()):
        if row["piece"] in ("king", "queen"):
            folder = root / f"{row['colour']}_{row['piece']}"
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(sample / row["path"], folder)
    return root


def test_a_folder_of_folders_is_ready_to_train(tree, tmp_path, capsys):
    out = tmp_path / "photographs"
    given = [str(tree), "--attributes", "colour", "piece", "--out", str(out)]
    assert photographs.main(given) == 0
    config = ["--config", str(ROOT / "configs/modular.yaml"), "--config", str(out / "mine.yaml")]
    quick = ["--data.image_size", "16", "--training.updates", "1", "--data.workers", "0"]
    assert main(["train", *config, *quick, "--out", str(tmp_path / "run")]) == 0
    assert "black_queen" in capsys.readouterr().out
    assert photographs.main(given) == 0  # again, over itself


def test_a_table_keeps_its_split(sample, tmp_path):
    given = [str(sample / "manifest.csv"), "--attributes", "piece", "colour"]
    assert photographs.main([*given, "--out", str(tmp_path)]) == 0
    config = load_config(ROOT / "configs/modular.yaml", tmp_path / "mine.yaml")
    assert config.data.scarcities == []
    manifest = Manifest.read(
        config.data.manifest, Schema.from_dict(config.schema), config.data.root
    )
    assert Counter(manifest.splits.tolist()) == {0: 240, 1: 72, 2: 300}
    assert all(manifest.file(i).is_file() for i in range(len(manifest)))


@pytest.mark.parametrize(
    ("pictures", "attributes", "said"),
    [
        ("nowhere", ["a", "b"], "nowhere: no such folder or table"),
        ("empty", ["a", "b"], "no pictures in folders of classes"),
        ("tree", [], "name at least two attributes"),
        ("tree", ["colour"], "name at least two attributes"),
        ("tree", ["a", "b", "c"], "folder 'black_king': accepted: 3 parts"),
        ("sample/manifest.csv", ["colour", "kind"], "no column 'kind'"),
    ],
)
def test_what_cannot_be_used_is_told(pictures, attributes, said, tree, sample, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "tree").symlink_to(tree)
    (tmp_path / "sample").symlink_to(sample)
    given = [str(tmp_path / pictures), "--attributes", *attributes, "--out", str(tmp_path / "out")]
    assert photographs.main(given) == 1
    assert said in re.sub(r"\s+", " ", capsys.readouterr().err)
    assert not (tmp_path / "out/mine.yaml").exists()
