"""Who may ask the page, and how many at a time."""

import pytest

from modular_cls.demo import guard
from modular_cls.demo.app import create_app
from tests.demo.asking import ask, refused


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://127.0.0.1:{0}", 200),
        ("http://127.0.0.1:1", 403),
        ("https://elsewhere.example", 403),
        ("null", 403),
    ],
)
def test_only_its_own_page_may_ask_for_answers(port, picture, caplog, origin, status):
    headers = {} if origin is None else {"Origin": origin.format(port)}
    found, content, _ = ask(port, "POST", "/answers", picture, headers)
    assert found == status, content
    assert len(refused(caplog)) == (status != 200)
    assert status == 200 or "only its own page may" in refused(caplog)[0]


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1.example:80", "[::2]:80", ""])
def test_it_is_asked_by_its_own_names_only(port, host):
    assert ask(port, "GET", "/about", headers={"Host": host})[0] == 400
    assert ask(port, "GET", "/about", headers={"Host": f"LOCALHOST:{port}"})[0] == 200


def test_a_refusal_is_one_line_of_log_whatever_was_asked(port, caplog):
    assert ask(port, "GET", "/examples/x%0Afalse%20line%1b")[0] == 422
    assert ask(port, "POST", "/answers", b"no picture")[0] == 422
    first, second = refused(caplog)
    assert first.startswith(r"127.0.0.1 GET /examples/x\nfalse line\x1b 422 ")
    assert "not a picture that can be read" in second
    assert not any(c < " " for line in (first, second) for c in line)


def test_what_does_not_fit_is_sent_away_for_a_moment(port, picture, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(guard, "MAX_WAITING", 0)
        status, content, headers = ask(port, "POST", "/answers", picture)
        assert (status, headers["retry-after"]) == (503, "2")
        assert b"too many pictures at a time" in content
    with monkeypatch.context() as patch:
        patch.setattr(guard, "MAX_HELD", len(picture) - 1)
        assert ask(port, "POST", "/answers", picture)[0] == 503
    assert ask(port, "POST", "/answers", picture)[0] == 200


def test_the_application_without_a_port_has_the_same_guard(run_dirs):
    from fastapi.testclient import TestClient

    with TestClient(create_app(run_dirs[:1], ("[::1]",)), base_url="http://[::1]:80") as client:
        assert client.get("/about").status_code == 200
        assert client.get("/about", headers={"host": "[::1"}).status_code == 400
