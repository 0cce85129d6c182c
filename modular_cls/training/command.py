"""`modular-cls train` and `modular-cls evaluate`."""

import shlex
from pathlib import Path
from typing import Any

from modular_cls.arguments import add_overwrite
from modular_cls.config import Config
from modular_cls.errors import ModularClsError
from modular_cls.files import check_free_json, put_back
from modular_cls.jobs.signals import Interrupted
from modular_cls.parsing import read_config, run_parser, whole_config

# How fast, not what is measured.
_MACHINE = [f"training.{name}" for name in ("accelerator", "devices", "precision", "threads")]
_FULL = """
A whole configuration: configs/modular.yaml with every field that has a default. A file names only
what it changes: it may say what it stands on (base: flat.yaml), and several --config are put on
top of each other, in order.

"""


def train(prog: str, arguments: list[str]) -> None:
    """Train one configuration into a run folder."""
    try:
        _train(prog, arguments)
    except Interrupted as stop:
        again = arguments if "--resume" in arguments else [*arguments, "--resume"]
        advice = stop.advice or "what was saved is kept"
        stop.advice = f"{advice}; go on with: {prog} {shlex.join(again)}"
        raise


def _train(prog: str, arguments: list[str]) -> None:
    parser = run_parser(prog, "Train one configuration.")
    parser.add_argument("--out", type=Path, required=True, help="run folder to write")
    add_overwrite(parser)
    about = "go on exactly where an unfinished run stopped, if there is one"
    parser.add_argument("--resume", action="store_true", help=about)
    about = "a first look, no result: the whole chain on N pictures and a few updates"
    parser.add_argument("--limit", type=int, metavar="N", help=about)
    about = "address of a dask scheduler whose workers extract the features of a frozen backbone"
    parser.add_argument("--cluster", help=about)
    if {"-h", "--help"} & set(arguments):
        parser.print_help()
        print(_FULL + whole_config("modular.yaml"))
        raise SystemExit(0)
    from modular_cls.jobs.executors import connect
    from modular_cls.runs.terminal import print_metrics
    from modular_cls.training.look import first_look
    from modular_cls.training.reading import parse_run
    from modular_cls.training.train import train as train_run

    config, options = parse_run(parser, arguments)
    config = config if options.limit is None else first_look(config, options.limit)
    executor = connect(options.cluster) if options.cluster else None
    run = train_run(
        config, options.out, options.overwrite, resume=options.resume, executor=executor
    )
    limit = run.config.data.limit
    name = run.config.method + ("" if limit is None else f", a first look at {limit} pictures")
    if run.metrics["test"]:
        print_metrics(run.metrics["test"], name)
    elif run.metrics["validation"]:
        title = f"{name} on validation, for there is no test split"
        print_metrics(run.metrics["validation"], title, "validation")
    else:
        print("nothing is measured: the manifest has neither test nor validation images")
    print(f"{run.metrics['seconds']} s; written to {options.out}")


def evaluate(prog: str, arguments: list[str]) -> None:
    """Metrics of a run on any manifest."""
    parser = run_parser(
        prog, "Metrics of a run on any manifest: modular-cls evaluate RUN [options]."
    )
    parser.add_argument(
        "--manifest",
        help="table of images; default the run's (sets data.manifest, clears data.root)",
    )
    parser.add_argument("--split", default="test", help="which split of it")
    parser.add_argument("--out", type=Path, help="JSON file to write the metrics to")
    add_overwrite(parser)
    if {"-h", "--help"} & set(arguments):
        parser.parse_args(["--help"])
    folder, options = _leading_path(prog, arguments)
    read_config(folder / "config.yaml")  # which may have come from anywhere: it names no other file
    from dataclasses import replace

    from modular_cls.runs.folder import Run, write_metrics
    from modular_cls.runs.terminal import print_metrics
    from modular_cls.training.evaluate import evaluate_run
    from modular_cls.training.reading import parse_run

    # The run's own configuration comes first, so that files and flags given here change it.
    config, chosen = parse_run(parser, ["--config", str(folder / "config.yaml"), *options])
    if chosen.out:
        check_free_json(chosen.out, chosen.overwrite, ("balanced_accuracy", "recall"))
    run = Run.load(folder)
    data = config.data
    if config.schema != run.config.schema:  # as files about data say it, too
        print("note: labels are read by the schema of the run, not by another that is given")
    if other := _other_than_data(config, run.config):
        told = f"only data can differ, not {', '.join(other)}"
        raise ModularClsError(f"evaluate measures a run as it is; {told} (see predict --prior)")
    run = replace(run, config=replace(run.config, training=config.training))
    if chosen.manifest:
        data = replace(data, manifest=chosen.manifest, root=None, about=None)
    metrics = evaluate_run(run, data, chosen.split)
    print_metrics(metrics, f"{run.config.method} on {data.manifest}, {chosen.split}", chosen.split)
    if chosen.out:
        write_metrics(chosen.out, metrics)


def _other_than_data(asked: Config, run: Config) -> list[str]:
    """Keys in which what is asked for differs from the run, beside its data and the machine."""
    one, two = _settings(asked), _settings(run)
    return [key for key in one | two if one.get(key) != two.get(key) and key not in _MACHINE]


def _settings(config: Config) -> dict[str, Any]:
    """What makes a run, beside its data and words, by keys such as training.updates."""
    blocks = {k: v for k, v in config.to_dict().items() if k not in ("data", "schema")}
    plain = {key: value for key, value in blocks.items() if not isinstance(value, dict)}
    inside = ((key, block) for key, block in blocks.items() if key not in plain)
    return plain | {f"{key}.{name}": v for key, block in inside for name, v in block.items()}


def _leading_path(prog: str, arguments: list[str]) -> tuple[Path, list[str]]:
    """Take the first argument as a run folder, before the configuration in it is parsed."""
    if not arguments or arguments[0].startswith("-"):
        raise ModularClsError(
            f"{prog} needs a run folder as its first argument: {prog} RUN [options]"
        )
    folder = Path(arguments[0])
    put_back(folder)
    if not (folder / "config.yaml").is_file():
        raise ModularClsError(f"{folder} is not a run: it holds no config.yaml")
    return folder, arguments[1:]
