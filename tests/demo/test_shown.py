"""What the page shows: runs, exports and their examples."""

import json
import shutil

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from modular_cls import load_config, train
from modular_cls.demo.app import create_app
from modular_cls.errors import ConfigError
from modular_cls.export.export import export_run


@pytest.fixture(scope="module")
def client(run_dirs):
    with TestClient(create_app(run_dirs, ("127.0.0.1",)), base_url="http://127.0.0.1") as opened:
        yield opened


@pytest.fixture(scope="module")
def pictures(faces_dir):
    return sorted((faces_dir / "test").glob("*.png"))


def ask(client, picture, **told):
    response = client.post("/answers", content=picture, params={"given": json.dumps(told)})
    assert response.status_code == 200, response.text
    return response.json()


def test_it_tells_runs_schema_and_examples_of_every_joint_class(client):
    about = client.get("/about").json()
    assert about["runs"] == ["modular", "flat"]
    assert about["outputs"]["gender"] == ["female", "male"]
    assert about["attributes"] == ["hair", "gender"]
    assert set(about["examples"]) == set(about["outputs"]["hair_gender"])
    assert len(about["examples"]) == 8
    assert [set(of) for of in about["calibration"]] == [{"hair_gender"}] * 2
    assert about["calibration"][0]["hair_gender"]["images"] == 24


def test_examples_are_pictures_of_the_test_split(client, pictures):
    of_the_split = [cv2.imread(str(p)) for p in pictures]
    for i in range(8):
        shown = cv2.imdecode(
            np.frombuffer(client.get(f"/examples/{i}").content, np.uint8), cv2.IMREAD_COLOR
        )
        assert any(np.array_equal(shown, picture) for picture in of_the_split)
    assert (
        client.get("/examples/8").json()["detail"] == "there is no example 8; there are 8, from 0"
    )
    for path in ("-1", "x", "..%2f..%2fmanifest.csv", "%2fetc%2fpasswd", "../../manifest.csv"):
        assert client.get(f"/examples/{path}").status_code in (404, 422)


def test_without_its_pictures_a_run_has_no_examples(run_dirs, faces_dir, tmp_path):
    mine = shutil.copytree(run_dirs[0], tmp_path / "run")
    config = (mine / "config.yaml").read_text().replace(str(faces_dir), "/nowhere")
    (mine / "config.yaml").write_text(config)
    with TestClient(create_app([mine])) as opened:
        assert opened.get("/about").json()["examples"] == []
        assert opened.get("/about").json()["runs"] == ["run"]


def test_an_export_answers_as_its_run_does(run_dirs, pictures, tmp_path):
    export_run(run_dirs[0], tmp_path / "exported", onnx=False)
    with TestClient(create_app([tmp_path / "exported", run_dirs[0]])) as opened:
        assert (
            opened.get("/about").json()["examples"] == []
        )  # pictures do not travel with an export
        mine, its = ask(opened, pictures[0].read_bytes())
    assert mine["probabilities"] == its["probabilities"]
    assert mine["maps"] == its["maps"]


def test_runs_side_by_side_need_one_schema(run_dirs, faces_dir, tmp_path):
    config = load_config("configs/flat.yaml", data__manifest=faces_dir / "manifest.csv", data__workers=0,
                         data__image_size=32, data__scarcity=None, training__updates=1,
                         schema={"attributes": {"gender": ["male", "female"]},
                                 "composites": {"c": {"attributes": ["gender"]}}})  # fmt: skip
    train(config, tmp_path / "other", progress=False)
    with pytest.raises(ConfigError, match="other has another schema than .*modular"):
        create_app([run_dirs[0], tmp_path / "other"])
