"""The page as a small web application.

Three addresses, nothing kept, nothing read but what they name.

    GET /             the page
    GET /about        runs, schema and examples, as JSON
    GET /examples/N   picture number N of the run's test split
    POST /answers     the bytes of a picture -> what each run says about it, as JSON

A picture stays in memory and is forgotten with its answer. The raw body carries it, not a form:
parsers of forms write large files to disk.
"""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import FiniteFloat, TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect

from modular_cls.demo.guard import MAX_BYTES, Guard, Line
from modular_cls.demo.serving import LOOPBACK, is_loopback, serve_app
from modular_cls.demo.shown import examples, load_runs
from modular_cls.errors import ConfigError, ModularClsError
from modular_cls.jobs.cores import count_cores

_NO_OTHERS = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: "
    "blob: 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_EVIDENCE = TypeAdapter(dict[str, dict[str, FiniteFloat]])


def create_app(folders: Sequence[Path], hosts: Sequence[str] = ("*",)) -> FastAPI:
    """Build the application.

    Args:
        folders: Run folders to show beside each other; examples are of the first one's test split.
        hosts: Names under which it may be asked; others are refused, so that no foreign page can
            reach it by giving its own name the address of this machine.

    Raises:
        ConfigError: If a folder is not a finished run, or the runs do not share their schema.
    """
    runs, pictures = load_runs(folders), examples(folders[0])
    page = resources.files("modular_cls.demo").joinpath("page.html").read_text(encoding="utf-8")
    about = {
        "runs": [run.name for run in runs],
        "calibration": [run.calibration for run in runs],
        "outputs": {o.name: list(o.class_names) for o in runs[0].predictor.schema.outputs},
        "attributes": [a.name for a in runs[0].predictor.schema.attributes],
        "examples": [example.label for example in pictures],
        "max_bytes": MAX_BYTES,
    }
    app = FastAPI(openapi_url=None)
    app.add_middleware(Guard, hosts=hosts)
    app.add_exception_handler(ModularClsError, _refuse)
    app.add_exception_handler(ClientDisconnect, _leave)
    line = Line(count_cores())

    @app.get("/", response_class=HTMLResponse)
    def show() -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": _NO_OTHERS})

    @app.get("/about")
    def tell() -> dict[str, Any]:
        return about

    @app.get("/examples/{number}")
    def example(number: int) -> Response:
        if not 0 <= number < len(pictures):
            raise HTTPException(
                404, f"there is no example {number}; there are {len(pictures)}, from 0"
            )
        return Response(pictures[number].png, media_type="image/png")

    @app.post("/answers")
    async def answer(request: Request, given: str = "{}") -> list[dict[str, Any]]:
        evidence = _evidence(given)
        async with line.read(request) as picture, line.turn() as cores:
            return [await run_in_threadpool(run.answer, picture, evidence, cores) for run in runs]

    return app


def serve(folders: Sequence[Path], host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve the page until interrupted; port 0 takes a free one.

    Raises:
        ConfigError: As `create_app`.
        OSError: If the address cannot be had.
    """
    hosts = (*LOOPBACK, f"[{host}]" if ":" in host else host) if is_loopback(host) else ("*",)
    serve_app(create_app(folders, hosts), host, port)


def _evidence(text: str) -> dict[str, dict[str, float]]:
    try:
        return _EVIDENCE.validate_json(text)
    except ValidationError as error:
        first = error.errors()[:20]
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in first)
        accepted = '{"gender": {"female": 1, "male": 3}}'
        raise ConfigError(
            f"given is {text!r}: {problems}; accepted: JSON such as {accepted}"
        ) from None


def _refuse(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 422)


def _leave(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # the one who asked has gone: nobody reads this
