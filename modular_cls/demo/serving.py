"""The page on a port: connections that keep it waiting are closed, the oldest first."""

import asyncio
import ipaddress
import socket
from typing import Any

from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MAX_CONNECTIONS = 200
MAX_SECONDS = 30.0  # for a request to come in whole, or its answer to go out
_KEEP_ALIVE = 5  # seconds between two requests


def serve_app(app: Any, host: str, port: int) -> None:
    """Serve an application until interrupted; port 0 takes a free one.

    Raises:
        OSError: If the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listener:
        shown = f"[{host}]" if ":" in host else host
        print(f"http://{shown}:{listener.getsockname()[1]}  (Ctrl-C ends it)", flush=True)
        if not is_loopback(host):
            print(
                "note: others in your network can open it too; pictures travel unencrypted",
                flush=True,
            )
        config = Config(
            app,
            log_level="warning",
            http=_patient(MAX_CONNECTIONS, MAX_SECONDS),
            ws="none",
            lifespan="off",
            limit_concurrency=2 * MAX_CONNECTIONS,
            timeout_keep_alive=_KEEP_ALIVE,
        )
        Server(config).run(sockets=[listener])


def is_loopback(host: str) -> bool:
    """Whether an address is of this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _patient(most: int, seconds: float) -> type[asyncio.Protocol]:
    """Uvicorn's protocol, which by itself waits for a request as long as its sender likes.

    Args:
        most: Connections; one more closes the one that has kept waiting for longest.
        seconds: For a request, head and body, to come in, and as many for its answer to go out.
    """
    waiting: dict[Any, None] = {}  # the one that has waited for longest first

    class Patient(H11Protocol):
        answering: bool | None = None
        timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > most:
                next(iter(waiting), self).leave()
            self.look()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self.look()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self.look()

        def connection_lost(self, exc: Exception | None) -> None:
            self.stop()
            super().connection_lost(exc)

        def look(self) -> None:
            """Whose turn it is: as often as that changes, there is time until it changes again."""
            whole = self.cycle is not None and not self.cycle.more_body
            answering = whole and not self.cycle.response_complete
            if answering == self.answering or self.transport.is_closing():
                return
            self.stop()
            self.answering = answering
            self.timer = self.loop.call_later(seconds, self.leave)
            if not answering:
                waiting[self] = None

        def leave(self) -> None:
            self.stop()
            self.connections.discard(self)
            self.transport.abort()

        def stop(self) -> None:
            waiting.pop(self, None)
            if self.timer:
                self.timer.cancel()

    return Patient
