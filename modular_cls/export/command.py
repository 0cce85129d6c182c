"""`modular-cls export`."""

from pathlib import Path

from modular_cls.arguments import Parser, add_overwrite


def export(prog: str, arguments: list[str]) -> None:
    """The reusable model of a run: for timm, ONNX runtimes and modular_cls."""
    parser = Parser(prog=prog, description=export.__doc__)
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--no-onnx", action="store_true", help="without model.onnx, which needs modular-cls[onnx]"
    )
    parser.add_argument(
        "--license",
        default="other",
        help="of the weights, as the Hugging Face Hub writes it: mit ...",
    )
    add_overwrite(parser)
    options = parser.parse_args(arguments)
    from modular_cls.export.export import export_run

    export_run(options.run, options.out, options.overwrite, not options.no_onnx, options.license)
    print(f"{options.run} is exported to {options.out}; its README.md says how to use it")
