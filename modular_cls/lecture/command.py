"""`modular-cls lecture`."""

import os
from pathlib import Path

from modular_cls.arguments import Parser
from modular_cls.config import DATA_VARIABLE


def lecture(prog: str, arguments: list[str]) -> None:
    """One claim of the lecture: table, figure and verdict; resumable."""
    parser = Parser(prog=prog, description=lecture.__doc__)
    parser.add_argument(
        "claim", metavar="CLAIM", help="depth, data, circuits, layers, speech, pixels or mimic"
    )
    parser.add_argument(
        "--size", choices=["quick", "full"], default="quick", help="quick: one seed, no verdict"
    )
    parser.add_argument("--out", type=Path, help="folder to write; default runs/lecture/SIZE/CLAIM")
    parser.add_argument(
        "--data", type=Path, help="folder with mnist/ and fsdd/; default $MODULAR_CLS_DATA, or data"
    )
    parser.add_argument(
        "--processes", type=int, help="beside each other; default one per core, with a GPU one"
    )
    parser.add_argument(
        "--only",
        nargs="*",
        metavar="PART",
        help="measure these parts, the others stay as they are in --out; none: only judge again",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="forget what was measured in --out before"
    )
    options = parser.parse_args(arguments)
    from modular_cls.lecture.kit.claim import measure_claim

    data = options.data or Path(os.environ.get(DATA_VARIABLE) or "data")
    out = options.out or Path("runs", "lecture", options.size, options.claim)
    command = " ".join([prog, *_whole(arguments)])
    measure_claim(
        options.claim,
        options.size,
        out,
        data,
        options.processes,
        options.overwrite,
        command,
        only=options.only,
    )
    print(f"written to {out / 'README.md'}")


def _whole(arguments: list[str]) -> list[str]:
    """What is to be typed for the whole page: without `--only` and its parts."""
    kept, dropping = list[str](), False
    for argument in arguments:
        dropping = argument == "--only" or (dropping and not argument.startswith("--"))
        if not dropping and not argument.startswith("--only="):
            kept.append(argument)
    return kept
