"""The page on a port of its own: what slow and greedy connections get."""

import json
import socket
import threading
import time

import pytest

from tests.demo.asking import ask, start


@pytest.fixture(scope="module")
def impatient(run_dirs):
    """A page that has five connections, and a second for each request."""
    return start(run_dirs[:1], most=5, seconds=1.0)


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
