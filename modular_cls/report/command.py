"""`modular-cls report`."""

from pathlib import Path

from modular_cls.arguments import Parser


def report(prog: str, arguments: list[str]) -> None:
    """Table and figure of finished runs."""
    parser = Parser(prog=prog, description=report.__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="run folders, or folders that hold some")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder for report.md, report.html, figures and CSVs; default the first of RUNS",
    )
    options = parser.parse_args(arguments)
    from modular_cls.report.first import FIRST
    from modular_cls.report.page import write_report

    out = options.out or options.runs[0]
    page = write_report(options.runs, out, f"{prog} {' '.join(arguments)}")
    print(page)
    if FIRST in page:  # once more where the eye is: at the end
        print(page.split(FIRST)[1].split("\n## ")[0].strip() + "\n")
    print(f"written to {out / 'report.md'}, and to {out / 'report.html'} as one file")
