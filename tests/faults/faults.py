"""Faults injected on purpose: `python tests/faults/faults.py [--only PART ...] [--kills 15]`.

Every experiment runs the real command line on small drawn faces. A promise that does not hold is named on
the page and ends the program with status 1. Each part writes its own table, so that one can be done again.
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

os.environ |= {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "1"}  # read when torch is imported
sys.path.insert(0, str(Path(__file__).parents[1]))  # forked, small_networks

import torch
from cases import cases
from damage import damage
from frozen import not_finite, shards
from kills import commands, frozen_commands, kill
from pictures import pictures
from place import ROOT, Place, Row
from stops import cost, devices, methods, rates, resume_start, signals

PARTS: dict[str, Callable[[Place, int], Iterable[Row]]] = {  # of a place, and of how many kills
    "kills": lambda place, n: kill(place, commands(place), n),
    "resumed": lambda place, n: [methods(place)],
    "frozen kills": lambda place, n: kill(place, frozen_commands(place), n),
    "signals": lambda place, n: [signals(place, 2 * n), signals(place, 2 * n, frozen=True)],
    "damage": lambda place, n: damage(place, 7 * n),
    "frozen damage": lambda place, n: [shards(place, 4 * n), *damage(place, 4 * n, frozen=True)],
    "numbers": lambda place, n: [rates(place), not_finite(place)],
    "pictures": lambda place, n: [pictures(place, 14 * n)],
    "devices": lambda place, n: devices(place),
    "cost": lambda place, n: [cost(place), resume_start(place)],
    "cases": lambda place, n: cases(place),
}
_HEAD = "| promise | experiment | result | held |\n|---|---|---|---|\n"


def main() -> int:
    """Run the experiments and write their tables into the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    parser.add_argument("--kills", type=int, default=15, help="of most commands; the rest follows")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "reliability.md")
    given = parser.parse_args()
    held = True
    with tempfile.TemporaryDirectory(prefix="faults.") as folder:
        os.environ["MODULAR_CLS_CACHE"] = str(Path(folder) / "cache")
        place = Place(Path(folder))
        for name in given.only:
            rows = list(map(_told, PARTS[name](place, given.kills)))
            held = held and all(row.held for row in rows)
            _write(given.out, name, _table(rows))
    where = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    _write(given.out, "machine", f"Made by `make faults` on {where}.\n")
    return 0 if held else 1


def _told(row: Row) -> Row:
    """A row, printed as it comes."""
    word = "held" if row.held else "BROKEN"
    print(f"{word}: {row.experiment}: {row.result}", *row.wrong[:5], sep="\n    ", flush=True)
    return row


def _table(rows: list[Row]) -> str:
    held = {True: "yes", False: "**no**"}
    lines = [f"| {r.promise} | {r.experiment} | {r.result} | {held[r.held]} |\n" for r in rows]
    return _HEAD + "".join(lines)


def _write(page: Path, part: str, content: str) -> None:
    """Replace what stands between the marks of a part."""
    start, end = f"<!-- {part} -->\n", f"<!-- end of {part} -->"
    before, rest = page.read_text(encoding="utf-8").split(start)
    page.write_text(f"{before}{start}\n{content}\n{end}{rest.split(end)[1]}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
