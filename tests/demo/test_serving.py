"""The page on a port of its own: who may ask, and what slow and greedy connections get."""

import http.client
import json
import socket
import threading
import time

import pytest

from modular_cls.demo import guard, serving
from modular_cls.demo.app import create_app, serve


def start(run_dirs, host="127.0.0.1", most=200, seconds=30.0):
    """Serve in a thread; returns the port once it answers."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as free:
        port = free.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "MAX_CONNECTIONS", most)
        patch.setattr(serving, "MAX_SECONDS", seconds)
        thread = threading.Thread(target=serve, args=(run_dirs, host, port), daemon=True)
        thread.start()
        for _ in range(600):
            try:
                assert ask(port, "GET", "/about", host=host)[0] == 200
                break
            except ConnectionError:
                time.sleep(0.05)
    return port


def ask(port, method, path, body=None, headers=None, host="127.0.0.1"):
    connection = http.client.HTTPConnection(host, port, timeout=20)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, content, dict(response.getheaders())


@pytest.fixture(scope="module")
def port(run_dirs):
    return start(run_dirs[:1])


@pytest.fixture(scope="module")
def impatient(run_dirs):
    """A page that has five connections, and a second for each request."""
    return start(run_dirs[:1], most=5, seconds=1.0)


@pytest.fixture(scope="module")
def picture(faces_dir):
    return next((faces_dir / "test").glob("*.png")).read_bytes()


def refused(caplog):
    return [r.getMessage() for r in caplog.records if r.name == guard.__name__]


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


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_it_listens_on_ipv6(run_dirs, picture, capsys):
    try:
        port = start(run_dirs[:1], "::1")
    except OSError:
        pytest.skip("no IPv6")
    assert f"http://[::1]:{port}  (Ctrl-C ends it)" in capsys.readouterr().out
    headers = {"Origin": f"http://[::1]:{port}"}
    assert ask(port, "POST", "/answers", picture, headers, "::1")[0] == 200
    assert ask(port, "GET", "/about", headers={"Host": f"[::2]:{port}"}, host="::1")[0] == 400


def test_a_refusal_is_one_line_of_log_whatever_was_asked(port, caplog):
    assert ask(port, "GET", "/examples/x%0Afalse%20line%1b")[0] == 422
    assert ask(port, "POST", "/answers", b"no picture")[0] == 422
    first, second = refused(caplog)
    assert first.startswith(r"127.0.0.1 GET /examples/x\nfalse line\x1b 422 ")
    assert "not a picture that can be read" in second
    assert not any(c < " " for line in (first, second) for c in line)


@pytest.mark.parametrize("number", ["1e39", "1e308", "1" + "0" * 400, "-1e400", "NaN"])
def test_numbers_that_overflow_are_answered_or_refused(port, picture, number):
    given = json.dumps({"gender": {"female": 1, "male": 0.5}}).replace("0.5", number)
    path = "/answers?given=" + given.replace(" ", "").replace('"', "%22")
    status, content, _ = ask(port, "POST", path, picture)
    if number in ("1e39", "1e308"):
        shares = json.loads(content)[0]["probabilities"]["gender"]
        assert shares == pytest.approx([0, 1], abs=1e-6)
    else:
        assert status == 422, content


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


def trickle(port, start=b"POST /answers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999\r\n"):
    sock = socket.create_connection(("127.0.0.1", port))
    sock.sendall(start)
    return sock


def is_open(sock):
    try:
        sock.sendall(b"x")
        return sock.recv(1) != b""
    except TimeoutError:
        return True
    except ConnectionError:
        return False


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\n", b"POST /answers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\nabc"])  # fmt: skip
def test_who_keeps_it_waiting_is_closed(impatient, start):
    began = time.monotonic()
    with trickle(impatient, start) as sock:
        sock.settimeout(0.2)
        while is_open(sock):
            time.sleep(0.2)
    assert 0.8 < time.monotonic() - began < 5


def test_slow_connections_leave_room_for_others(impatient, picture):
    slow = [trickle(impatient) for _ in range(30)]
    try:
        for _ in range(3):
            began = time.monotonic()
            assert ask(impatient, "POST", "/answers", picture)[0] == 200
            assert time.monotonic() - began < 2
    finally:
        for sock in slow:
            sock.close()


def test_an_unfinished_request_is_no_error_of_the_page(port, caplog):
    with trickle(port, b"POST /answers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nab"):
        time.sleep(0.2)
    time.sleep(0.3)
    assert not [r for r in caplog.records if r.levelname == "ERROR"]
    assert ask(port, "GET", "/about")[0] == 200


def test_two_answers_at_a_time_are_those_of_one_after_the_other(run_dirs, port, picture):
    alone = json.loads(ask(port, "POST", "/answers", picture)[1])
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(ask(port, "POST", "/answers", picture)[1]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [json.loads(answer) for answer in found] == [alone] * 8


def test_the_application_without_a_port_has_the_same_guard(run_dirs):
    from fastapi.testclient import TestClient

    with TestClient(create_app(run_dirs[:1], ("[::1]",)), base_url="http://[::1]:80") as client:
        assert client.get("/about").status_code == 200
        assert client.get("/about", headers={"host": "[::1"}).status_code == 400
