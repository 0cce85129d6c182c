"""The numbers of README.md and docs/results/*.md, from the CSVs beside the pages.

    python docs/from_csv.py            # writes them anew
    python docs/from_csv.py --check    # says which differ, exit 1

A marker is an HTML comment, which no reader sees. After a number it names the CSV and the cell:

    92.0 ± 1.5<!-- faces modular 0 -->         docs/results/faces, k = 0, balanced accuracy
    92<!-- faces modular 0 rare -->            its rare-class recall; or `worst`
    19 ± 2<!-- faces modular-best_flat 0 -->   paired; also `-best` of all, `-best_composing`
    4 ± 1<!-- faces modular all-0 -->          the same method at two numbers kept

    flat<!-- rival faces best_flat 0 -->       who that was
    1.46<!-- bench training step: timm / ours -->   the median of that name in bench/bench.csv

Signs, decimals and the interval are written as they stood; a marker that stands after no such
number is a fault. Before a table, up to `<!-- end -->`:

    <!-- table faces methods=modular,flat keeps=0,5,all scores=balanced,rare,worst -->
    <!-- answers faces=drawn faces; photographs/leaf=leaves -->
    <!-- summary keeps=0,5,all also=additive_learned faces=drawn faces; mnist=digits -->

In the answers, differences are bold whose p-value is below 0.05, adjusted for the numbers kept;
scores there are balanced accuracy / rare-class recall. Means and intervals are those of
`intervals.csv`, images to match those of `match.csv`; where a page has none yet, over the seeds of
`results.csv`. Other comments: `<!-- not run: why -->`.
"""

import argparse
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from recorded import Results
from result_tables import KINDS

from modular_cls.report.statistics import Estimate

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/*.md", "docs/results/*.md", "docs/results/photographs/*.md")
_NUMBER = re.compile(
    r"(?P<sign>(?<![\w.])[+-])?(?P<mean>\d+(?:\.\d+)?)(?P<half> ± \d+(?:\.\d+)?)?(?P<unit> %)?"
    r"<!-- (?P<cell>(?!rival )[^>]*?) -->"
)
_NAME = re.compile(r"\w+(?P<tick>`?)<!-- rival (?P<cell>[^>]*?) -->")
_TABLE = re.compile(
    r"(?P<head><!-- (?P<kind>table|answers|summary) (?P<what>[^>]*?) -->\n)"
    r"(?:(?!<!-- (?:table|answers|summary) ).)*?"
    r"(?P<end><!-- end -->)",
    re.S,
)
_COMMENT = re.compile(r"<!-- (?!not run: )([^>]*?) -->")
_OTHERS = re.compile(r"<!-- end of ([^>]*?) -->")  # blocks that other scripts write


def rewritten(text: str, results: Results) -> tuple[str, list[str]]:
    """A page, its marked numbers and tables as the CSVs have them, and what is wrong with it."""
    problems: list[str] = []

    def number(match: "re.Match[str]") -> str:
        kind, _, name = match["cell"].partition(" ")
        try:
            if kind == "bench":
                decimals = len(match["mean"].partition(".")[2])
                return f"{results.measured(name):.{decimals}f}<!-- {match['cell']} -->"
            return _written(results.cell(match["cell"]), match)
        except (ValueError, KeyError) as error:
            problems.append(f"{match[0]}: {error}")
            return match[0]

    def name(match: "re.Match[str]") -> str:
        try:
            return f"{results.rival(match['cell'])}{match['tick']}<!-- rival {match['cell']} -->"
        except (ValueError, KeyError) as error:
            problems.append(f"{match[0]}: {error}")
            return match[0]

    def block(match: "re.Match[str]") -> str:
        try:
            lines = KINDS[match["kind"]](results, match["what"])
        except (ValueError, KeyError) as error:
            problems.append(f"{match['head'].strip()}: {error}")
            return match[0]
        return match["head"] + "\n".join(["", *lines, "", match["end"]])

    unread = _NAME.sub("", _NUMBER.sub("", _TABLE.sub("", text)))
    others = _OTHERS.findall(text)
    for what in _COMMENT.findall(unread):
        if what.removeprefix("end of ") not in others:
            problems.append(f"<!-- {what} -->: it stands after no number, or is no table")
    return _TABLE.sub(block, _NAME.sub(name, _NUMBER.sub(number, text))), problems


def main(arguments: list[str]) -> int:
    """Write or check every page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if some differ")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout")
    given = parser.parse_args(arguments)
    results, wrong = Results(given.root), 0
    for path in sorted(p for pages in PAGES for p in given.root.glob(pages)):
        text = path.read_text(encoding="utf-8")
        found, problems = rewritten(text, results)
        told = [f"{path.relative_to(given.root)}: {p}" for p in problems]
        if given.check:
            told += [f"{path.relative_to(given.root)}:{line}" for line in _differing(text, found)]
        elif found != text:
            path.write_text(found, encoding="utf-8")
            print(f"{path.relative_to(given.root)} written")
        wrong += len(told)
        for line in told:
            print(line, file=sys.stderr)
    if wrong and given.check:
        print("the CSVs say otherwise: python docs/from_csv.py writes it", file=sys.stderr)
    return 1 if wrong else 0


def _written(found: Estimate, match: "re.Match[str]") -> str:
    """In percent or points, with the sign, decimals, interval and unit that stood there."""
    if math.isnan(found.mean):
        raise ValueError("there is no such number")
    if match["half"] and math.isnan(found.half):
        raise ValueError("there is no interval")
    decimals = len(match["mean"].partition(".")[2])
    sign = "+" if match["sign"] else ""
    text = f"{100 * found.mean:{sign}.{decimals}f}"
    if match["half"]:
        text += f" ± {100 * found.half:.{len(match['half'].partition('.')[2])}f}"
    return f"{text}{match['unit'] or ''}<!-- {match['cell']} -->"


def _differing(text: str, found: str) -> Iterator[str]:
    """Lines that differ, numbered."""
    before, after = text.splitlines(), found.splitlines()
    for i, (old, new) in enumerate(zip(before, after, strict=False), start=1):
        if old != new:
            yield f"{i}: it says\n    {old}\n  the CSV\n    {new}"
    if len(before) != len(after):
        yield f"{len(before)}: it has another number of lines than the CSVs give"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
