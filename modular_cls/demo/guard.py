"""What stands before the page: who may ask, and how many at a time.

Each refusal is a line of log.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BYTES = 10_000_000  # of one picture
MAX_HELD = 300_000_000  # of all that are in memory at once
MAX_WAITING = 64
PATIENCE = 10.0  # seconds that a picture waits for its turn
_log = logging.getLogger(__name__)


class Guard:
    """The application behind it is asked by its own pages only.

    Args:
        app: The application.
        hosts: Names under which it may be asked; `*` allows all.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app, self.hosts = app, set(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, reason = self._judge(scope)
        answer = JSONResponse({"detail": reason}, status) if reason else self.app
        await answer(scope, receive, _logged(scope, send))

    def _judge(self, scope: Scope) -> tuple[int, str]:
        """The status and the reason of a refusal; blank if there is none."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if "*" not in self.hosts and _name(host) not in self.hosts:
            return 400, f"asked as {host!r:.100}; this page is {', '.join(sorted(self.hosts))}"
        if scope["method"] == "POST" and origin is not None and urlsplit(origin).netloc != host:
            return 403, f"asked by a page of {origin!r:.100}; only its own page may"
        return 200, ""


class Line:
    """Pictures wait in line: so many are looked at together, and what does not fit is sent away.

    Args:
        together: How many are looked at; as many cores they share.
    """

    def __init__(self, together: int) -> None:
        self._free, self._cores = asyncio.Semaphore(together), together
        self._waiting = self._held = self._looked_at = 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """Read a body, no further than what a picture may have; it is held while in use.

        Raises:
            HTTPException: 413 where it is larger, 503 where too much is held already.
        """
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                self._held += len(chunk)
                if len(body) > MAX_BYTES:
                    raise HTTPException(413, f"this picture is over {MAX_BYTES:,} bytes")
                if self._held > MAX_HELD:
                    raise _busy()
            yield bytes(body)
        finally:
            self._held -= len(body)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[int]:
        """Wait for a picture's turn, and how many cores it has then.

        Raises:
            HTTPException: 503 where the line is too long.
        """
        if self._waiting >= MAX_WAITING:
            raise _busy()
        self._waiting += 1
        try:
            await asyncio.wait_for(self._free.acquire(), PATIENCE)
        except TimeoutError:
            raise _busy() from None
        finally:
            self._waiting -= 1
        self._looked_at += 1
        try:
            yield max(1, self._cores // (self._looked_at + self._waiting))
        finally:
            self._looked_at -= 1
            self._free.release()


def _busy() -> HTTPException:
    advice = "too many pictures at a time; try again in a moment"
    return HTTPException(503, advice, {"Retry-After": "2"})


def _name(host: str) -> str:
    """The name in a Host header, without the port; an address of IPv6 stands in brackets."""
    name = host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]
    return name.lower().rstrip(".")


def _logged(scope: Scope, send: Send) -> Send:
    """As `send`, with a line of log for each refusal; it holds nothing that starts another line."""
    status = 0

    async def send_logged(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif status >= 400:
            client = (scope.get("client") or ("unknown",))[0]
            line = f"{client} {scope['method']} {scope['path']} {status} "
            line += message.get("body", b"")[:300].decode(errors="replace")
            _log.warning("%s", line.encode("unicode_escape").decode()[:500])
            status = 0
        await send(message)

    return send_logged
