"""Faults injected on purpose: `python tests/faults/faults.py [--quick] [--out docs/reliability.md]`.

Every experiment runs the real command line on small drawn faces. A promise that does not hold is named on
the page and ends the program with status 1.
"""

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

os.environ |= {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "1"}  # read when torch is imported

import torch
from cases import cases
from damage import damage
from kills import kill
from place import ROOT, Place, Row
from stops import cost, devices, methods, rates, signals

HEAD = """
On {where}:

| promise | experiment | result | held |
|---|---|---|---|
"""
START, END = "<!-- table -->\n", "<!-- end of table -->"


def main() -> int:
    """Run all experiments and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the kills and damages")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "reliability.md")
    given = parser.parse_args()
    part = 10 if given.quick else 1
    with tempfile.TemporaryDirectory(prefix="faults.") as folder:
        os.environ["MODULAR_CLS_CACHE"] = str(Path(folder) / "cache")
        place = Place(Path(folder))
        rows: list[Row] = []
        for experiment in (
            lambda: [methods(place)],
            lambda: kill(place, max(1, 15 // part)),
            lambda: [signals(place, 30 // part)],
            lambda: damage(place, 100 // part),
            lambda: [rates(place)],
            lambda: devices(place),
            lambda: cost(place),
            lambda: cases(place),
        ):
            for row in experiment():
                rows.append(row)
                print(
                    f"{'held' if row.held else 'BROKEN'}: {row.experiment}: {row.result}",
                    flush=True,
                )
                print(*(f"    {line}" for line in row.wrong[:5]), sep="\n", end="\n" if row.wrong else "", flush=True)  # fmt: skip
    given.out.write_text(_page(given.out.read_text(encoding="utf-8"), rows), encoding="utf-8")
    return 0 if all(row.held for row in rows) else 1


def _page(page: str, rows: list[Row]) -> str:
    """The page with its table made anew."""
    where = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    held = {True: "yes", False: "**no**"}
    lines = [f"| {r.promise} | {r.experiment} | {r.result} | {held[r.held]} |\n" for r in rows]
    before, rest = page.split(START)
    table = HEAD.format(where=where) + "".join(lines) + "\n"
    return before + START + table + END + rest.split(END)[1]


if __name__ == "__main__":
    sys.exit(main())
