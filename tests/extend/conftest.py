"""Small real runs to extend, made once, and pictures of which some are taken at night."""

import csv
import json
import shutil

import pytest
import yaml
from PIL import Image

from modular_cls import load_config, train
from modular_cls.data.faces.write import write_faces
from tests.extend.small_runs import ATTRIBUTES, composites


@pytest.fixture(scope="session")
def faces(tmp_path_factory):
    out = tmp_path_factory.mktemp("extend") / "faces"
    write_faces(out, per_class=8, size=32, glasses=True, processes=1)
    return out


@pytest.fixture(scope="session")
def make_run(faces, tmp_path_factory):
    """Runs of some updates by their composites; each is trained once."""
    made = {}

    def make(parts, config="modular"):
        key = json.dumps([parts, config])
        if key not in made:
            made[key] = tmp_path_factory.mktemp("run") / "run"
            overlay = made[key].parent / "overlay.yaml"
            data = {"manifest": str(faces / "manifest.csv"), "image_size": 32, "workers": 0, "batch_size": 16,
                    "scarcity": None}  # fmt: skip
            schema = {"attributes": ATTRIBUTES, "composites": parts}
            overlay.write_text(yaml.safe_dump({"schema": schema, "data": data}, sort_keys=False))
            settings = {"training__updates": 12, "training__validate_every": 0}
            train(
                load_config(f"configs/{config}.yaml", overlay, **settings),
                made[key],
                progress=False,
            )
        return made[key]

    return make


@pytest.fixture(scope="session")
def apart(make_run):
    """Hair and gender together, glasses on their own."""
    return make_run(composites(hair_gender=["hair", "gender"]))


@pytest.fixture(scope="session")
def nights(faces, tmp_path_factory):
    """Faces of which a third are taken at night: an attribute that any network can see. Half of training knows it."""
    out = tmp_path_factory.mktemp("nights")
    shutil.copytree(faces, out, dirs_exist_ok=True)
    with (out / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    for i, row in enumerate(rows):
        row["night"] = "yes" if i % 3 == 0 else "no"
        if row["night"] == "yes":
            Image.open(out / row["path"]).convert("RGB").point(lambda v: v // 12).save(
                out / row["path"]
            )
        if row["split"] == "train" and i % 2:
            row["night"] = ""
    with (out / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return out
