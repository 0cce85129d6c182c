"""The page's addresses, asked as a browser asks them, with real runs behind."""

import io
import json
import os

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from modular_cls import Predictor
from modular_cls.cli import main
from modular_cls.demo.app import MAX_BYTES, create_app


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


def test_the_verb_says_what_is_no_run(tmp_path, capsys):
    assert main(["demo", str(tmp_path)]) == 1
    assert "holds no" in capsys.readouterr().err  # before any page is served
