"""The configurations of data sets: on invented ones in their formats, and on the sets themselves where at hand."""

import csv
import importlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml

from modular_cls import load_config
from modular_cls.cli import main
from modular_cls.data.manifest import Manifest
from modular_cls.schema import Schema
from tests.data_prep import trees

ROOT = Path(__file__).parents[2]
DATA = os.environ.get("MODULAR_CLS_DATA", "")
CONFIGS = sorted(path.stem for path in (ROOT / "configs/data").glob("*.yaml"))
CONVERTED = ("berkeley", "celeba", "folders", "market1501", "pa100k", "peta", "utkface")


@pytest.mark.parametrize("name", CONFIGS)
def test_every_configuration_goes_on_top_of_modular(name):
    config = load_config(ROOT / "configs/modular.yaml", ROOT / f"configs/data/{name}.yaml")
    schema = Schema.from_dict(config.schema)
    for scarcity in config.data.scarcities:
        assert any(
            c.contains(schema.scarce_values(scarcity.joint_class)) for c in schema.composites
        )
    assert name in config.data.manifest


@pytest.mark.parametrize("name", CONVERTED)
def test_the_command_told_writes_a_manifest_that_fits(name, tmp_path):
    config = load_config(ROOT / "configs/modular.yaml", ROOT / f"configs/data/{name}.yaml")
    getattr(trees, name)(tmp_path / name)
    assert config.data.root == f"${{MODULAR_CLS_DATA}}/{name}"
    assert all(s.keep is None for s in config.data.scarcities)
    script, *told = config.data.about.partition("python ")[2].split()
    assert script == f"data_prep/{name}.py"
    told = [word.replace("$MODULAR_CLS_DATA", str(tmp_path)) for word in told]
    out = tmp_path / "manifest.csv"
    assert (
        importlib.import_module(name).main(
            [str(out) if w == config.data.manifest else w for w in told]
        )
        == 0
    )
    manifest = Manifest.read(out, Schema.from_dict(config.schema), tmp_path / name)
    assert all(manifest.file(i).is_file() for i in range(len(manifest)))
    assert (manifest.labels >= 0).any(axis=0).all()


def prepared(name, tmp_path):
    """Make the manifest by the very command that the configuration tells, and point a copy at it."""
    spec = yaml.safe_load((ROOT / "configs/data" / f"{name}.yaml").read_text())
    told = spec["data"]["about"].partition("python ")[2].replace("\\\n", " ")
    command = (
        told.replace("$MODULAR_CLS_DATA", DATA)
        .replace(spec["data"]["manifest"], str(tmp_path / "m.csv"))
        .split()
    )
    subprocess.run([sys.executable, *command], check=True, cwd=ROOT, capture_output=True)
    spec["data"]["manifest"] = str(tmp_path / "m.csv")
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    return str(tmp_path / "data.yaml")


@pytest.mark.skipif(
    not Path(DATA, "avatars/labels.csv").is_file(), reason="needs avatars in MODULAR_CLS_DATA"
)
def test_avatars_train_and_hairstyles_do_not_leak(tmp_path):
    data = prepared("avatars", tmp_path)
    rows = [line.split(",") for line in (tmp_path / "m.csv").read_text().splitlines()[1:]]
    styles = {
        split: {r[4] for r in rows if r[1] == split} for split in ("train", "validation", "test")
    }
    assert all(styles.values())
    assert not styles["train"] & styles["test"]
    flags = ["--training.updates", "3", "--data.workers", "0", "--out", str(tmp_path / "run")]
    assert (
        main(["train", "--config", str(ROOT / "configs/modular.yaml"), "--config", data, *flags])
        == 0
    )
    test = json.loads((tmp_path / "run/metrics.json").read_text())["test"]
    listed = Counter(f"{r[2]}_{r[3]}" for r in rows if r[1] == "test")
    support = test["hair_facial_hair"]["support"]
    assert support == {name: listed[name] for name in support}
    assert min(support.values()) > 0


@pytest.mark.skipif(
    not Path(DATA, "portraits/labels.csv").is_file(), reason="needs portraits in MODULAR_CLS_DATA"
)
def test_portraits_evaluate_a_run_on_drawn_faces(tmp_path, faces_dir):
    data = prepared("portraits", tmp_path)
    flags = [
        "--data.manifest",
        str(faces_dir / "manifest.csv"),
        "--training.updates",
        "2",
        "--data.workers",
        "0",
    ]
    run = str(tmp_path / "run")
    assert (
        main(["train", "--config", str(ROOT / "configs/modular.yaml"), *flags, "--out", run]) == 0
    )
    assert main(["evaluate", run, "--config", data, "--out", str(tmp_path / "m.json")]) == 0
    joint = json.loads((tmp_path / "m.json").read_text())["hair_gender"]
    with Path(DATA, "portraits/labels.csv").open() as file:
        labelled = Counter(f"{r['hair']}_{r['gender_prompt']}" for r in csv.DictReader(file))
    assert joint["support"] == {
        **{name: labelled[name] for name in ("short_female", "short_male", "long_female")},
        "long_haired_man": labelled["long_male"],
    }
    assert joint["recall"]["long_haired_man"] is None


@pytest.mark.skipif(
    not Path(DATA, "mnist/mnist.npz").is_file(), reason="needs mnist in MODULAR_CLS_DATA"
)
def test_mnist_trains_and_tests_on_the_official_digits(tmp_path):
    config, folder = ROOT / "configs/data/mnist.yaml", tmp_path / "digits"
    told = yaml.safe_load(config.read_text())["data"]["about"].partition("python ")[2]
    command = told.replace("data/mnist", str(folder)).replace("$MODULAR_CLS_DATA", DATA).split()
    subprocess.run(
        [sys.executable, *command, "--per-class", "60"], check=True, cwd=ROOT, capture_output=True
    )
    flags = [
        "--data.manifest",
        str(folder / "manifest.csv"),
        "--training.updates",
        "3",
        "--data.workers",
        "0",
    ]
    run = tmp_path / "run"
    configs = ["--config", str(ROOT / "configs/modular.yaml"), "--config", str(config)]
    assert main(["train", *configs, *flags, "--out", str(run)]) == 0
    test = json.loads((run / "metrics.json").read_text())["test"]
    with np.load(Path(DATA, "mnist/mnist.npz")) as arrays:
        official = np.bincount(arrays["test_labels"])
    assert test["digit_slant"]["support"] == {  # half of them each way
        "four_left": official[4] - official[4] // 2,
        "four_right": official[4] // 2,
        "nine_left": official[9] - official[9] // 2,
        "nine_right": official[9] // 2,
    }
