"""The demo page under load: fifty clients for half a minute, a fifth of their requests hostile.

All of it on 127.0.0.1, against the command line's own process.
"""

import http.client
import io
import json
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from modular_cls import load_config, train

pytest.importorskip("fastapi", reason="the page needs the extra [demo]")
pytestmark = pytest.mark.faults
CLIENTS, SECONDS, HOSTILE = 50, 30, 0.2
SLOW = 300  # connections held open besides


@pytest.fixture(scope="module")
def run_dir(faces_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("load") / "run"
    config = load_config("configs/modular.yaml", data__manifest=faces_dir / "manifest.csv",
                         data__workers=0, training__updates=6)  # fmt: skip
    train(config, out, progress=False)
    return out


class Page:
    """The page in a process of its own."""

    def __init__(self, run_dir, log):
        command = [sys.executable, "-m", "modular_cls", "demo", str(run_dir), "--port", "0"]
        self.log = log
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log.open("w"))
        self.port = int(re.search(rb":(\d+) ", self.process.stdout.readline())[1])

    def peak(self):
        """The most memory it ever had, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            response.read()
            return response.status
        except (BrokenPipeError, ConnectionResetError):  # refused before all of it was sent
            return 0
        finally:
            connection.close()


@pytest.fixture
def page(run_dir, tmp_path):
    opened = Page(run_dir, tmp_path / "log.txt")
    yield opened
    opened.process.terminate()
    opened.process.wait(20)


def png(width, height, mode="1"):
    out = io.BytesIO()
    Image.new(mode, (width, height)).save(out, "png")
    return out.getvalue()


def hostile_requests(picture):
    """By name, what `Page.ask` is given."""
    answers = "/answers?given="
    return {
        "100 megapixels": ("POST", "/answers", png(10_000, 10_000)),
        "a side of 99,999,999": ("POST", "/answers", png(99_999_999, 1)),
        "24 megapixels, allowed": ("POST", "/answers", png(4_900, 4_900, "RGB")),
        "garbage": ("POST", "/answers", random.Random(0).randbytes(50_000)),
        "half a picture": ("POST", "/answers", picture[: len(picture) // 2]),
        "11 megabytes": ("POST", "/answers", bytes(11_000_000)),
        "EPS": ("POST", "/answers", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
        "infinite": ("POST", answers + "{%22gender%22:{%22male%22:1e999}}", picture),
        "1e308": ("POST", answers + "{%22gender%22:{%22male%22:1e308}}", picture),
        "no JSON": ("POST", answers + "{" * 5_000, picture),
        "other origin": ("POST", "/answers", picture, {"Origin": "http://elsewhere.example"}),
        "other host": ("GET", "/about", None, {"Host": "elsewhere.example"}),
        "no example": ("GET", "/examples/" + "9" * 5_000),
        "other method": ("PUT", "/answers", picture),
    }


class Load:
    """Clients that ask, one request after the other, and what they got."""

    def __init__(self, page, picture):
        self.page, self.picture, self.hostile = page, picture, hostile_requests(picture)
        self.statuses, self.honest, self.lock = Counter(), [], threading.Lock()

    def run(self, number, until):
        rng = random.Random(number)
        while time.monotonic() < until:
            name = rng.choice(list(self.hostile)) if rng.random() < HOSTILE else "honest"
            began = time.monotonic()
            request = self.hostile.get(name, ("POST", "/answers", self.picture))
            status = self.page.ask(*request)
            with self.lock:
                self.statuses[name, status] += 1
                if name == "honest":
                    self.honest.append(time.monotonic() - began)


def test_it_holds(page, faces_dir, record_property):
    picture = next((faces_dir / "test").glob("*.png")).read_bytes()
    assert page.ask("POST", "/answers", picture) == 200
    slow = [socket.create_connection(("127.0.0.1", page.port)) for _ in range(SLOW)]
    for sock in slow:
        sock.sendall(b"POST /answers HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n")
    load, until = Load(page, picture), time.monotonic() + SECONDS
    clients = [threading.Thread(target=load.run, args=(n, until)) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    for sock in slow:
        sock.close()
    honest = sorted(load.honest)
    measured = {
        "honest": len(honest),
        "hostile": sum(load.statuses.values()) - len(honest),
        "median_seconds": round(honest[len(honest) // 2], 3),
        "longest_seconds": round(honest[-1], 3),
        "peak_mib": page.peak() >> 20,
        "statuses": {f"{name}: {status}": n for (name, status), n in sorted(load.statuses.items())},
    }
    print(json.dumps(measured, indent=1))
    for name in ("honest", "hostile", "median_seconds", "longest_seconds", "peak_mib"):
        record_property(name, measured[name])
    assert not [key for key in load.statuses if key[1] >= 500]
    assert {status for name, status in load.statuses if name == "honest"} == {200}
    answered = {"24 megapixels, allowed": 200, "1e308": 200}
    for name, status in load.statuses:
        if name != "honest":
            assert status == answered.get(name, status), (name, status)
            assert name in answered or status == 0 or 400 <= status < 500, (name, status)
    assert page.peak() < 2 * 2**30
    assert honest[-1] < 2
    assert page.process.poll() is None
    assert page.ask("POST", "/answers", picture) == 200
    assert "Traceback" not in page.log.read_text()
