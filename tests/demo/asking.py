"""The page on a port of its own, and questions to it."""

import http.client
import socket
import threading
import time

import pytest

from modular_cls.demo import guard, serving
from modular_cls.demo.app import serve


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


def refused(caplog):
    return [r.getMessage() for r in caplog.records if r.name == guard.__name__]
