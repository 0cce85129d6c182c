"""`modular-cls study`."""

import shlex
from pathlib import Path

from modular_cls.arguments import ConfigFile, Parser
from modular_cls.config.shipped import find_configs
from modular_cls.errors import ModularClsError
from modular_cls.study.grid import Study


def study(prog: str, arguments: list[str]) -> None:
    """A grid of runs: methods x images kept x seeds, resumable."""
    parser = Parser(prog=prog, description=study.__doc__)
    parser.add_argument("--config", action=ConfigFile, help="YAML file of the grid")
    parser.add_class_arguments(Study)
    parser.add_argument("--out", type=Path, required=True, help="folder of the study")
    parser.add_argument(
        "--cluster", help="address of a dask scheduler that runs the cells, such as tcp://host:8786"
    )
    options = parser.instantiate(parser.parse_args(find_configs(arguments)))
    from modular_cls.jobs.executors import connect
    from modular_cls.jobs.signals import Interrupted
    from modular_cls.report.page import write_report
    from modular_cls.study.study import run_study

    out, cluster = options.pop("out"), options.pop("cluster")
    options.pop("config")
    try:
        failures = run_study(Study(**vars(options)), out, connect(cluster) if cluster else None)
    except Interrupted as stop:
        again = f"{prog} {shlex.join(arguments)}"
        stop.advice = f"finished cells are kept, others go on where they stood with: {again}"
        raise
    failure = ModularClsError(
        "\n  ".join(["these cells failed; all others are finished:", *failures])
    )
    try:
        print(write_report([out], out, f"{prog} {' '.join(arguments)}"))
    except ModularClsError:
        if not failures:
            raise
        raise failure from None  # with no finished cell there is nothing to report but why
    if failures:
        raise failure
