"""`modular-cls audit`."""

from pathlib import Path

from modular_cls.arguments import add_overwrite
from modular_cls.errors import ModularClsError
from modular_cls.parsing import run_parser


def audit(prog: str, arguments: list[str]) -> None:
    """What is wrong with a data set, before any training."""
    parser = run_parser(
        prog,
        "What is wrong with a data set; without a schema in --config it is read off the table.",
    )
    parser.usage = (
        "%(prog)s MANIFEST [--config FILE ...] [--json PATH] [--overwrite] [--no-pictures] "
        "[--data.root DIR ...]"
    )
    parser.add_argument(
        "table", metavar="MANIFEST", help="table of images (in place of data.manifest)"
    )
    parser.add_argument(
        "--json", metavar="PATH", help="JSON file to write all of it to; - for the standard output"
    )
    add_overwrite(parser)
    parser.add_argument(
        "--no-pictures", action="store_true", help="only look whether the pictures are there"
    )
    # Data can be judged before a method is chosen.
    parser.set_defaults({"schema": {}, "method": "none", "model": {}, "criterion": {}})
    if {"-h", "--help"} & set(arguments):  # before anything slow is imported
        parser.parse_args(["--help"])
    from dataclasses import replace

    from modular_cls.audit.audit import audit as audit_data
    from modular_cls.audit.text import print_audit
    from modular_cls.files import check_free_json, replacing_file
    from modular_cls.training.reading import parse_run

    config, options = parse_run(parser, arguments)
    config = replace(config, data=replace(config.data, manifest=options.table))
    out = None if options.json in (None, "-") else Path(options.json)
    if out:
        check_free_json(out, options.overwrite, ("errors", "findings"), "--json")
    report = audit_data(config, pictures=not options.no_pictures)
    if options.json == "-":
        print(report.to_json())
    else:
        print_audit(report)
    if out:
        with replacing_file(out) as partial:
            partial.write_text(report.to_json() + "\n", encoding="utf-8")
    if errors := report.count("error"):
        kinds = "1 kind" if errors == 1 else f"{errors} kinds"
        raise ModularClsError(
            f"{kinds} of error in {options.table}: training would fail or mislead"
        )
