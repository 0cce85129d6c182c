"""A species that is concluded from attributes, through the command line and out of an export."""

import csv
from pathlib import Path

import numpy as np
import pytest
import yaml

from modular_cls import Predictor
from modular_cls.cli import main

CONFIG = Path(__file__).parent.parent.parent / "configs" / "modular.yaml"


@pytest.fixture(scope="module")
def run(faces_dir, pretrained_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("species")
    with (faces_dir / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / "m.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "split", "hair", "gender", "species"])
        for r in rows:
            species = "tern" if (r["hair"], r["gender"]) == ("long", "male") else "gull"
            writer.writerow([r["path"], r["split"], r["hair"], r["gender"], species])
    given = {
        "schema": {
            "attributes": {
                "species": ["gull", "tern"],
                "hair": ["short", "long"],
                "gender": ["female", "male"],
            },
            "outputs": {"species": {"from": ["hair", "gender"]}},
        },
        "data": {"manifest": str(folder / "m.csv"), "root": str(faces_dir), "scarcity": None},
        "backbone": {"name": f"local-dir:{pretrained_dir}", "pretrained": True, "frozen": True, "args": {}},
    }  # fmt: skip
    (folder / "species.yaml").write_text(yaml.safe_dump(given, sort_keys=False))
    flags = ["--data.image_size", "32", "--data.workers", "0"]
    configs = ["--config", str(CONFIG), "--config", str(folder / "species.yaml")]
    assert main(["train", *configs, *flags, "--out", str(folder / "run")]) == 0
    return folder / "run"


def pictures(faces_dir):
    return sorted((faces_dir / "test").glob("*.png"))[::3]


def test_attributes_set_by_hand_move_it(run, faces_dir):
    predictor = Predictor.load(run)
    plain = predictor(pictures(faces_dir)).probabilities["species"]
    tern = predictor(pictures(faces_dir), given={"hair": "long", "gender": "male"})
    gull = predictor(pictures(faces_dir), given={"hair": "short"})
    assert (tern.probabilities["species"].argmax(1) == 1).all()
    assert tern.names("species") == ["tern"] * len(plain)
    assert (gull.probabilities["species"][:, 1] < plain[:, 1] + 1e-6).all()
    set_itself = predictor(pictures(faces_dir), given={"species": "tern"}).probabilities
    assert (set_itself["species"][:, 1] == 1).all()


def test_an_export_concludes_the_same(run, faces_dir, tmp_path):
    assert main(["export", str(run), "--no-onnx", "--out", str(tmp_path / "export")]) == 0
    one = Predictor.load(run)(pictures(faces_dir)).probabilities
    other = Predictor.load(tmp_path / "export")(pictures(faces_dir)).probabilities
    for name in one:
        np.testing.assert_allclose(one[name], other[name], atol=1e-6)


def test_a_composite_to_come_leaves_it(run, faces_dir, tmp_path):
    more = {"schema": {"composites": {"hair_gender": {"attributes": ["hair", "gender"]}}}}
    (tmp_path / "more.yaml").write_text(yaml.safe_dump(more))
    flags = ["--config", str(tmp_path / "more.yaml"), "--out", str(tmp_path / "more")]
    assert main(["extend", str(run), *flags]) == 0
    probabilities = Predictor.load(tmp_path / "more")(pictures(faces_dir)).probabilities
    assert set(probabilities) == {"species", "hair", "gender", "hair_gender"}
    assert (probabilities["species"].std(0) > 0).all()
