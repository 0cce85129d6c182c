"""A value more for a known attribute: pictures turned negative, beside those as they are and dark ones."""

import csv
import json

import numpy as np
import pytest
import torch
import yaml
from PIL import Image, ImageOps

from modular_cls import Predictor, Run
from modular_cls.cli import main
from tests.extend.small_runs import extend

TONES = {
    "day": lambda p: p,
    "night": lambda p: p.point(lambda v: v // 8),
    "negative": ImageOps.invert,
}


@pytest.fixture(scope="module")
def toned(faces, pretrained_dir, tmp_path_factory):
    """Pictures of three tones; tables of two of them, and of all, without negatives of men to learn from."""
    folder = tmp_path_factory.mktemp("toned")
    with (faces / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    tables = {"two": [], "three": []}
    for i, row in enumerate(rows):
        tone = list(TONES)[i % 3]
        (folder / row["path"]).parent.mkdir(exist_ok=True)
        TONES[tone](Image.open(faces / row["path"]).convert("RGB")).save(folder / row["path"])
        kept = [row["path"], row["split"], tone, row["gender"]]
        if tone != "negative":
            tables["two"].append(kept)
        if tone != "negative" or row["gender"] == "female" or row["split"] == "test":
            tables["three"].append(kept)
    for name, kept in tables.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([["path", "split", "tone", "gender"], *kept])
    network = {
        "name": f"local-dir:{pretrained_dir}",
        "pretrained": True,
        "frozen": True,
        "args": {},
    }
    attributes = {"tone": ["day", "night"], "gender": ["female", "male"]}
    schema = {"attributes": attributes, "composites": {"both": {"attributes": ["gender", "tone"]}}}
    data = {"manifest": str(folder / "two.csv"), "image_size": 32, "workers": 0, "scarcity": None}
    given = {"schema": schema, "data": data, "backbone": network}
    (folder / "toned.yaml").write_text(yaml.safe_dump(given, sort_keys=False))
    configs = ["--config", "configs/modular.yaml", "--config", str(folder / "toned.yaml")]
    assert main(["train", *configs, "--out", str(folder / "run")]) == 0
    return folder


def more(toned, values=("day", "night", "negative"), table="three", **parts):
    schema = {"attributes": {"tone": list(values)}, **parts}
    return {"schema": schema, "data": {"manifest": str(toned / f"{table}.csv"), "root": str(toned)}}


@pytest.fixture(scope="module")
def grown(toned):
    assert extend(toned / "run", more(toned), toned / "grown") == 0
    return toned / "grown"


def test_the_new_value_is_learned_and_composed(grown):
    metrics = json.loads((grown / "metrics.json").read_text())
    assert metrics["extended"]["values"] == {"tone": ["negative"]}
    assert metrics["finish"]["cross_validated/tone"] > 0.6  # guessing 1 / 3
    assert metrics["test"]["tone"]["recall"]["negative"] > 0.5
    assert metrics["test"]["both"]["support"]["male_negative"] > 0
    assert metrics["train_counts"]["both"][5] == 0  # gender x tone: no negative of a man
    prior = Run.load(grown).model.log_priors["both"]
    assert torch.isfinite(prior).all()  # reached by composition


def test_what_was_there_stays(toned, grown):
    old, new = Run.load(toned / "run").model, Run.load(grown).model
    for name, tensor in old.state_dict().items():
        if name.startswith("attribute_heads"):
            assert new.state_dict()[name][: len(tensor)].equal(tensor)
        if name.startswith("backbone"):
            assert new.state_dict()[name].equal(tensor)
    pictures = sorted((toned / "test").glob("*.png"))
    before = Predictor.load(toned / "run")(pictures).probabilities["both"]
    after = Predictor.load(grown)(pictures).probabilities["both"].reshape(-1, 2, 3)[:, :, :2]
    after = after.reshape(-1, 4) / after.sum((1, 2))[:, None]  # among the classes that were there
    np.testing.assert_allclose(after, before, atol=2e-3)


def test_an_extended_run_is_extended_again(grown, toned):
    parts = {"schema": {"composites": {"tone_only": {"attributes": ["tone"]}}}}
    assert extend(grown, parts, toned / "again") == 0
    assert Run.load(toned / "again").model.schema.composite("tone_only").size == 3


@pytest.mark.parametrize(
    ("values", "table", "parts", "message"),
    [
        (["night", "day", "dusk"], "three", {}, "the run has that already; what it has stays as it is; to add a value, list"),
        (["day", "night"], "three", {}, "the run has that already"),
        (["day", "night", "negative"], "two", {}, "attribute tone: no training image is labelled negative"),
        (["day", "night", "negative"], "three", {"composites": {"x": {"attributes": ["tone"]}}}, "add the values first"),
        (["day", "night", "negative"], "apart", {}, "no training image knows all of gender, tone"),
    ],
)  # fmt: skip
def test_values_that_cannot_be_added(toned, tmp_path, capsys, values, table, parts, message):
    lines = (toned / "three.csv").read_text().splitlines()
    apart = [lines[0], *(",".join([*line.split(",")[:3], ""]) for line in lines[1:])]
    (toned / "apart.csv").write_text("\n".join(apart))
    given = more(toned, values, table, **parts)
    assert extend(toned / "run", given, tmp_path / "out") == 1
    assert message in capsys.readouterr().err
