"""`modular-cls demo`."""

from pathlib import Path

from modular_cls.arguments import Parser
from modular_cls.errors import ModularClsError


def demo(prog: str, arguments: list[str]) -> None:
    """A page in the browser: choose a picture, see what a run says and where it looks."""
    parser = Parser(prog=prog, description=demo.__doc__)
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a run or an export")
    parser.add_argument(
        "beside",
        type=Path,
        nargs="?",
        metavar="RUN2",
        help="another to show beside it, same schema",
    )
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; the default is this machine alone",
    )
    options = parser.parse_args(arguments)
    try:
        from modular_cls.demo.app import serve
    except ModuleNotFoundError as error:
        raise ModularClsError(
            f"{prog} needs {error.name}: pip install 'modular-cls[demo]'"
        ) from None
    runs = [options.run] if options.beside is None else [options.run, options.beside]
    serve(runs, options.host, options.port)
