"""The command line: `modular-cls VERB`. Each verb imports only what it needs, so help is instant."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

# Idle threads that spin make busy cores many times slower; torch reads this when it is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from modular_cls import __version__
from modular_cls.config import DATA_VARIABLE
from modular_cls.errors import ModularClsError, nearest
from modular_cls.parsing import Parser, parse_run, run_parser


class _Verb(NamedTuple):
    does: str
    run: Callable[[str, list[str]], None]


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; returns the exit status (0 done, 1 stopped by an error, 2 not understood)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    verb, *rest = arguments or ["--help"]
    if verb in ("-h", "--help"):
        print("usage: modular-cls VERB ... (modular-cls VERB --help tells more)\n")
        print("\n".join(f"  {name:10} {v.does}" for name, v in VERBS.items()) + "\n\n  --version")
        return 0
    if verb == "--version":
        print(__version__)
        return 0
    if verb not in VERBS:
        print(f"error: unknown verb {verb!r}; verbs: {', '.join(VERBS)}{nearest(verb, VERBS)}", file=sys.stderr)
        return 2
    try:
        VERBS[verb].run(f"modular-cls {verb}", rest)
    except (ModularClsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what was finished before is kept, nothing is half written", file=sys.stderr)
        return 130
    return 0


def _faces(prog: str, arguments: list[str]) -> None:
    parser = Parser(prog=prog, description=VERBS["faces"].does)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--per-class", type=int, default=2000, help="training pictures of each joint class")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same bytes")
    parser.add_argument("--size", type=int, default=64, help="side of the pictures in pixels")
    parser.add_argument("--interaction", type=float, default=0.0, help="0 to 1: couples hair and gender cues")
    parser.add_argument("--medium", action="store_true", help="hair may also be medium: short, medium, long")
    parser.add_argument("--glasses", action="store_true", help="glasses are an attribute (no, yes), not a nuisance")
    _add_overwrite(parser)
    given = parser.parse_args(arguments)
    from modular_cls.data.faces import write_faces

    manifest = write_faces(
        given.out, given.per_class, given.seed, given.size, given.interaction,
        overwrite=given.overwrite, medium=given.medium, glasses=given.glasses,
    )  # fmt: skip
    print(f"{len(manifest):,} faces and their manifest are in {given.out}")


def _audit(prog: str, arguments: list[str]) -> None:
    parser = run_parser(prog, "What is wrong with a data set; without a schema in --config it is read off the table.")
    parser.usage = "%(prog)s MANIFEST [--config FILE ...] [--json PATH] [--no-pictures] [--data.root DIR ...]"
    parser.add_argument("table", metavar="MANIFEST", help="table of images (in place of data.manifest)")
    parser.add_argument("--json", metavar="PATH", help="JSON file to write all of it to; - for the standard output")
    parser.add_argument("--no-pictures", action="store_true", help="only look whether the pictures are there")
    # Data can be judged before a method is chosen.
    parser.set_defaults({"schema": {}, "method": "none", "model": {}, "criterion": {}})
    config, given = parse_run(parser, arguments)
    from dataclasses import replace

    from modular_cls.audit import audit, print_audit
    from modular_cls.files import replacing_file

    config = replace(config, data=replace(config.data, manifest=given.table))
    found = audit(config, pictures=not given.no_pictures)
    if given.json == "-":
        print(found.to_json())
    else:
        print_audit(found)
    if given.json not in (None, "-"):
        with replacing_file(Path(given.json)) as partial:
            partial.write_text(found.to_json() + "\n", encoding="utf-8")
    if errors := found.count("error"):
        kinds = "1 kind" if errors == 1 else f"{errors} kinds"
        raise ModularClsError(f"{kinds} of error in {given.table}: training would fail or mislead")


def _train(prog: str, arguments: list[str]) -> None:
    parser = run_parser(prog, "Train one configuration.")
    parser.add_argument("--out", type=Path, required=True, help="run folder to write")
    _add_overwrite(parser)
    config, given = parse_run(parser, arguments)
    from modular_cls.report import print_metrics
    from modular_cls.run import train

    run = train(config, given.out, given.overwrite)
    print_metrics(run.metrics["test"], run.config.method)
    print(f"{run.metrics['seconds']} s; written to {given.out}")


def _evaluate(prog: str, arguments: list[str]) -> None:
    parser = run_parser(prog, "Metrics of a run on any manifest: modular-cls evaluate RUN [options].")
    parser.add_argument("--manifest", help="table of images; default the run's (sets data.manifest, clears data.root)")
    parser.add_argument("--split", default="test", help="which split of it")
    parser.add_argument("--out", type=Path, help="JSON file to write the metrics to")
    if {"-h", "--help"} & set(arguments):
        parser.parse_args(["--help"])
    folder, options = _leading_path(prog, arguments)
    # The run's own configuration comes first, so that files and flags given here change it.
    config, given = parse_run(parser, ["--config", str(folder / "config.yaml"), *options])
    from dataclasses import replace

    from modular_cls.report import print_metrics
    from modular_cls.run import Run, evaluate_run, write_metrics

    run = Run.load(folder)
    data = config.data
    if config.prediction != run.config.prediction:
        raise ModularClsError(
            "evaluate measures a run as it is; only data can differ, not prediction (see predict --prior)"
        )
    if given.manifest:
        data = replace(data, manifest=given.manifest, root=None, about=None)
    metrics = evaluate_run(run, data, given.split)
    print_metrics(metrics, f"{run.config.method} on {data.manifest}, {given.split}")
    if given.out:
        write_metrics(given.out, metrics)


def _predict(prog: str, arguments: list[str]) -> None:
    parser = Parser(prog=prog, description=VERBS["predict"].does)
    parser.add_argument("model", type=Path, metavar="RUN_OR_EXPORT", help="folder of a run or an export")
    parser.add_argument("images", nargs="+", metavar="IMAGES", help="files, folders, patterns, or a table (CSV)")
    parser.add_argument("--out", type=Path, required=True, help="table to write: .csv, or .parquet (needs pyarrow)")
    parser.add_argument("--root", help="folder that a table's paths are relative to; default the table's own")
    parser.add_argument("--prior", choices=["uniform", "training"], help="classes expected; default as in training")
    parser.add_argument("--given", action="append", metavar="ATTRIBUTE=VALUE", help="is so in all pictures; repeatable")
    parser.add_argument("--batch-size", type=int, default=64, help="pictures that pass the network at once")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda ...")
    _add_overwrite(parser)
    asked = parser.parse_args(arguments)
    from modular_cls.predict import parse_given, predict

    table = predict(
        asked.model, asked.images, asked.out, asked.root, asked.prior, parse_given(asked.given or []),
        asked.batch_size, asked.device, asked.overwrite,
    )  # fmt: skip
    if table.bad == table.images:
        raise ModularClsError(f"none of {table.images:,} images could be predicted; see column error of {asked.out}")
    resumed = f", {table.resumed:,} of them by an earlier job that was interrupted" if table.resumed else ""
    print(f"{table.images:,} images are in {asked.out}{resumed}")
    if table.bad:
        print(f"{table.bad:,} of them could not be predicted; the column error says why")


def _extend(prog: str, arguments: list[str]) -> None:
    parser = Parser(prog=prog, description=VERBS["extend"].does)
    parser.add_argument("run", type=Path, metavar="RUN", help="run or export of a modular model with Additive heads")
    parser.add_argument("--config", type=Path, required=True, help="YAML file: schema to add, data of new attributes")
    parser.add_argument("--out", type=Path, required=True, help="run folder to write")
    _add_overwrite(parser)
    given = parser.parse_args(arguments)
    from modular_cls.extend import extend
    from modular_cls.report import print_metrics

    run = extend(given.run, given.config, given.out, given.overwrite)
    if run.metrics["test"]:
        print_metrics(run.metrics["test"], run.config.method)
    print(f"{run.metrics['seconds']} s; written to {given.out}")


def _export(prog: str, arguments: list[str]) -> None:
    parser = Parser(prog=prog, description=VERBS["export"].does)
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--no-onnx", action="store_true", help="without model.onnx, which needs modular-cls[onnx]")
    parser.add_argument("--license", default="other", help="of the weights, as the Hugging Face Hub writes it: mit ...")
    _add_overwrite(parser)
    given = parser.parse_args(arguments)
    from modular_cls.export.whole import export_run

    export_run(given.run, given.out, given.overwrite, not given.no_onnx, given.license)
    print(f"{given.run} is exported to {given.out}; its README.md says how to use it")


def _report(prog: str, arguments: list[str]) -> None:
    parser = Parser(prog=prog, description=VERBS["report"].does)
    parser.add_argument("runs", type=Path, nargs="+", help="run folders, or folders that hold some")
    parser.add_argument("--out", type=Path, help="folder for report.md and figures; default the first of RUNS")
    given = parser.parse_args(arguments)
    from modular_cls.report import write_report

    print(write_report(given.runs, given.out or given.runs[0], f"{prog} {' '.join(arguments)}"))


def _study(prog: str, arguments: list[str]) -> None:
    parser = Parser(prog=prog, description=VERBS["study"].does)
    from modular_cls.config import Study

    parser.add_argument("--config", action="config", help="YAML file of the grid")
    parser.add_class_arguments(Study)
    parser.add_argument("--out", type=Path, required=True, help="folder of the study")
    parser.add_argument("--cluster", help="address of a dask scheduler that runs the cells, such as tcp://host:8786")
    given = parser.instantiate(parser.parse_args(arguments))
    from modular_cls.executors import connect
    from modular_cls.report import write_report
    from modular_cls.study import run_study

    out, cluster = given.pop("out"), given.pop("cluster")
    given.pop("config")
    failures = run_study(Study(**vars(given)), out, connect(cluster) if cluster else None)
    told = ModularClsError("\n  ".join(["these cells failed; all others are finished:", *failures]))
    try:
        print(write_report([out], out, f"{prog} {' '.join(arguments)}"))
    except ModularClsError:
        if not failures:
            raise
        raise told from None  # with no finished cell there is nothing to report but why
    if failures:
        raise told


def _demo(prog: str, arguments: list[str]) -> None:
    parser = Parser(prog=prog, description=VERBS["demo"].does)
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder")
    parser.add_argument("beside", type=Path, nargs="?", metavar="RUN2", help="another to show beside it, same schema")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; the default is this machine alone")
    given = parser.parse_args(arguments)
    try:
        from modular_cls.demo.app import serve
    except ModuleNotFoundError as error:
        raise ModularClsError(f"{prog} needs {error.name}: pip install 'modular-cls[demo]'") from None
    serve([given.run, *([given.beside] if given.beside else [])], given.host, given.port)


def _lecture(prog: str, arguments: list[str]) -> None:
    parser = Parser(prog=prog, description=VERBS["lecture"].does)
    parser.add_argument("claim", metavar="CLAIM", help="depth, data, circuits, layers, speech, pixels or mimic")
    parser.add_argument("--size", choices=["quick", "full"], default="quick", help="quick: one seed, no verdict")
    parser.add_argument("--out", type=Path, help="folder to write; default runs/lecture/SIZE/CLAIM")
    parser.add_argument("--data", type=Path, help="folder with mnist/ and fsdd/; default $MODULAR_CLS_DATA, or data")
    parser.add_argument("--processes", type=int, help="beside each other; default one per core, with a GPU one")
    parser.add_argument("--overwrite", action="store_true", help="forget what was measured in --out before")
    given = parser.parse_args(arguments)
    from modular_cls.lecture.claim import measure_claim

    data = given.data or Path(os.environ.get(DATA_VARIABLE) or "data")
    out = given.out or Path("runs", "lecture", given.size, given.claim)
    command = " ".join([prog, *arguments])
    measure_claim(given.claim, given.size, out, data, given.processes, given.overwrite, command)
    print(f"written to {out / 'README.md'}")


VERBS = {
    "faces": _Verb("draw the built-in data set: pictures and manifest.csv", _faces),
    "audit": _Verb("what is wrong with a data set, before any training", _audit),
    "train": _Verb("train one configuration into a run folder", _train),
    "evaluate": _Verb("metrics of a run on any manifest", _evaluate),
    "predict": _Verb("pictures in, a table of predictions out; goes on where it was interrupted", _predict),
    "extend": _Verb("more attributes and composites for a run, on its frozen backbone", _extend),
    "export": _Verb("the reusable model of a run: for timm, ONNX runtimes and modular_cls", _export),
    "demo": _Verb("a page in the browser: choose a picture, see what a run says and where it looks", _demo),
    "study": _Verb("a grid of runs: methods x images kept x seeds, resumable", _study),
    "lecture": _Verb("one claim of the lecture: table, figure and verdict; resumable", _lecture),
    "report": _Verb("table and figure of finished runs", _report),
}


def _add_overwrite(parser: Parser) -> None:
    parser.add_argument("--overwrite", action="store_true", help="replace what is there, once the new is complete")


def _leading_path(prog: str, arguments: list[str]) -> tuple[Path, list[str]]:
    """Take the first argument as a run folder, before the configuration in it is parsed."""
    if not arguments or arguments[0].startswith("-"):
        raise ModularClsError(f"{prog} needs a run folder as its first argument: {prog} RUN [options]")
    folder = Path(arguments[0])
    if not (folder / "config.yaml").is_file():
        raise ModularClsError(f"{folder} is not a run: it holds no config.yaml")
    return folder, arguments[1:]


if __name__ == "__main__":
    sys.exit(main())
