"""The page's addresses, asked as a browser asks them, with real runs behind."""

import io
import json
import os
import shutil

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from modular_cls import Predictor, load_config, train
from modular_cls.cli import main
from modular_cls.demo.app import MAX_BYTES, create_app
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


def test_the_page_asks_for_nothing_from_outside(client):
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert client.get("/docs").status_code == 404  # FastAPI's own pages load theirs from elsewhere


def test_it_tells_runs_schema_and_examples_of_every_joint_class(client):
    about = client.get("/about").json()
    assert about["runs"] == ["modular", "flat"]
    assert about["outputs"]["gender"] == ["female", "male"]
    assert about["attributes"] == ["hair", "gender"]
    assert set(about["examples"]) == set(about["outputs"]["hair_gender"])
    assert len(about["examples"]) == 8
    assert [set(of) for of in about["calibration"]] == [{"hair_gender"}] * 2
    assert about["calibration"][0]["hair_gender"]["images"] == 24


def test_answers_are_those_of_the_predictor(client, run_dirs, pictures):
    about = client.get("/about").json()
    for answer, folder in zip(ask(client, pictures[0].read_bytes()), run_dirs, strict=True):
        expected = Predictor.load(folder)([pictures[0]]).probabilities
        assert answer["name"] == folder.name
        for output, shares in answer["probabilities"].items():
            np.testing.assert_allclose(shares, expected[output][0], atol=1e-6)
            assert len(shares) == len(about["outputs"][output])
            assert answer["maps"][output]["class"] == expected[output][0].argmax()
            assert np.shape(answer["maps"][output]["values"]) == (4, 4)
        assert answer["picture"].startswith("data:image/png;base64,")


@settings(max_examples=10)
@given(female=st.floats(0.01, 100), male=st.floats(0.01, 100))
def test_what_else_is_known_follows_bayes_rule(client, pictures, female, male):
    picture = pictures[1].read_bytes()
    told = ask(client, picture, gender={"female": female, "male": male})
    for before, after in zip(ask(client, picture), told, strict=True):
        weighted = np.array(before["probabilities"]["hair_gender"]) * [female, male, female, male]
        np.testing.assert_allclose(
            after["probabilities"]["hair_gender"], weighted / weighted.sum(), atol=1e-5
        )
        assert (
            before["maps"] == after["maps"]
        )  # where it looked does not depend on what else is known


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


def whole_bomb():
    """A picture of 400 million pixels in some kilobytes."""
    out = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(out, "png", compress_level=1)
    return out.getvalue()


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (lambda whole: b"", "this picture: not a picture that can be read"),
        (lambda whole: b"<svg/>", "this picture: not a picture that can be read"),
        (lambda whole: whole[:200], "this picture: broken: "),
        (lambda whole: whole_bomb(), "this picture: too large: "),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(client, pictures, picture, reason):
    response = client.post("/answers", content=picture(pictures[0].read_bytes()))
    assert response.status_code == 422
    assert reason in response.json()["detail"]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("{", "accepted: JSON such as"),
        ('{"gender": {"male": Infinity}}', "gender.male: Input should be a finite number"),
        ('{"gender": {"male": 1e999}}', "gender.male: Input should be a finite number"),
        ('{"gender": "male"}', "gender: Input should be"),
        ('{"beard": {"yes": 1}}', "unknown attribute 'beard'; accepted: hair, gender"),
        ('{"gender": {"mal": 1}}', "did you mean 'male'"),
        ('{"gender": {"male": -1}}', "at least 0"),
        ('{"gender": {"male": 0}}', "no joint class of hair_gender that can be predicted agrees"),
    ],
)
def test_evidence_that_does_not_fit_is_refused(client, pictures, told, reason):
    response = client.post("/answers", content=pictures[0].read_bytes(), params={"given": told})
    assert response.status_code == 422
    assert reason in response.json()["detail"]


def test_too_large_is_refused_as_soon_as_it_is(client):
    """Of a body without end, no more is read than a picture may have."""
    read = []

    def endless():
        while len(read) < 100:
            read.append(1)
            yield bytes(MAX_BYTES // 8)

    response = client.post("/answers", content=endless())
    assert response.status_code == 413
    assert "10,000,000 bytes" in response.json()["detail"]


def test_nothing_is_written(client, pictures, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = set(os.listdir("."))
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1200, 3), dtype=np.uint8)
    picture = cv2.imencode(".png", noise)[1].tobytes()
    assert len(picture) > 2**22  # forms of this size would be put on disk
    ask(client, picture)
    assert list(tmp_path.iterdir()) == []
    assert set(os.listdir(".")) == before


def test_a_page_under_another_name_cannot_ask(client):
    assert client.get("/about", headers={"host": "elsewhere.example"}).status_code == 400


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


def test_the_verb_says_what_is_no_run(tmp_path, capsys):
    assert main(["demo", str(tmp_path)]) == 1
    assert "holds no" in capsys.readouterr().err  # before any page is served
