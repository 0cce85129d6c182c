"""`modular-cls extend`."""

from pathlib import Path

from modular_cls.arguments import Parser, add_overwrite


def extend(prog: str, arguments: list[str]) -> None:
    """More attributes and composites for a run, on its frozen backbone."""
    parser = Parser(prog=prog, description=extend.__doc__)
    parser.add_argument(
        "run", type=Path, metavar="RUN", help="run or export of a modular model with Additive heads"
    )
    parser.add_argument(
        "--config",
        type=Path,
        required=True,
        help="YAML file: schema to add, data of new attributes",
    )
    parser.add_argument("--out", type=Path, required=True, help="run folder to write")
    add_overwrite(parser)
    options = parser.parse_args(arguments)
    from modular_cls.extend.extend import extend as extend_run
    from modular_cls.runs.terminal import print_metrics

    run = extend_run(options.run, options.config, options.out, options.overwrite)
    if run.metrics["test"]:
        print_metrics(run.metrics["test"], run.config.method)
    print(f"{run.metrics['seconds']} s; written to {options.out}")
