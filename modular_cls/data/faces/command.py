"""`modular-cls faces`."""

from pathlib import Path

from modular_cls.arguments import Parser, add_overwrite


def faces(prog: str, arguments: list[str]) -> None:
    """Draw the built-in data set: pictures and manifest.csv."""
    parser = Parser(prog=prog, description=faces.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument(
        "--per-class", type=int, default=2000, help="training pictures of each joint class"
    )
    parser.add_argument("--seed", type=int, default=0, help="same seed, same bytes")
    parser.add_argument("--size", type=int, default=64, help="side of the pictures in pixels")
    parser.add_argument(
        "--interaction", type=float, default=0.0, help="0 to 1: couples hair and gender cues"
    )
    parser.add_argument(
        "--medium", action="store_true", help="hair may also be medium: short, medium, long"
    )
    parser.add_argument(
        "--glasses", action="store_true", help="glasses are an attribute (no, yes), not a nuisance"
    )
    add_overwrite(parser)
    options = parser.parse_args(arguments)
    from modular_cls.data.faces.write import write_faces

    manifest = write_faces(
        options.out, options.per_class, options.seed, options.size, options.interaction,
        overwrite=options.overwrite, medium=options.medium, glasses=options.glasses,
    )  # fmt: skip
    print(f"{len(manifest):,} faces and their manifest are in {options.out}")
