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
    <!-- summary keeps=0,5,all faces=drawn faces; photographs/leaf=photographs of leaves -->

In the answers, differences are bold whose p-value is below 0.05, adjusted for the numbers kept.
Means and intervals are those of `intervals.csv`, images to match those of `match.csv`; where a page
has none yet, over the seeds of `results.csv`. Other comments: `<!-- not run: why -->`.
"""

import argparse
import csv
import functools
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modular_cls.report.comparison import Comparison
from modular_cls.report.contrasts import Contrast, contrasts, images_needed, match_text
from modular_cls.report.statistics import Estimate, estimate
from modular_cls.report.wording import in_points, table
from modular_cls.runs.score_table import MISSING, SCORES

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/*.md", "docs/results/*.md", "docs/results/photographs/*.md")
NAMED = {name.partition("_")[0]: name for name in SCORES}  # rare: rare_class_recall, and so on
CALIBRATION = "ece"  # mean over seeds; no page compares it
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
_SURE = 0.05  # a p-value below


@dataclass(frozen=True)
class Recorded:
    """A row of `results.csv`, as a comparison takes it in place of a run."""

    row: dict[str, str]

    method = property(lambda self: self.row["method"])
    keep = property(lambda self: self.row["keep"])
    seed = property(lambda self: int(self.row["seed"]))
    undefined = property(lambda self: self.row["undefined"])
    composites = property(lambda self: [self.row["composite"]])
    folder = property(lambda self: Path())

    @property
    def model(self) -> str:
        """Flat methods are called so."""
        return "FlatClassifier" if self.method.startswith("flat") else "ModularClassifier"

    def value(self, composite: str, name: str) -> float | None:
        """A score."""
        found = self.row.get({"rare_support": "rare_test_images"}.get(name, name))
        return float(found) if found else None


class Page(Comparison):
    """The CSVs of a folder of docs/results, for one composite."""

    def __init__(self, folder: Path, composite: str | None) -> None:
        rows = [Recorded(row) for row in _rows(folder / "results.csv")]
        rows = [r for r in rows if not r.row.get("empty")]
        if not rows:
            raise ValueError(f"{folder / 'results.csv'} holds no runs")
        names = list(dict.fromkeys(r.row["composite"] for r in rows))
        rare = [r.row["composite"] for r in rows if r.value("", "rare_support")]
        name = composite or (rare or names)[0]
        intervals, matches = (
            [r for r in _rows(folder / file) if r["composite"] == name]
            for file in ("intervals.csv", "match.csv")
        )
        self._known = {(r["method"], r["minus"], r["keep"], r["score"]): r for r in intervals}
        self.matches = {r["method"]: r for r in matches if r["score"] == NAMED["balanced"]}
        super().__init__(name, rows)  # type: ignore[arg-type]

    def _read(self, run: Any) -> None:
        return None  # the answers of a run stay with it

    def estimate(self, method: str, keep: str, score: str) -> Estimate:
        """As the page has it, else over seeds."""
        return self._found(method, "", keep, score) or super().estimate(method, keep, score)

    def difference(self, method: str, other: str, keep: str, score: str) -> Estimate:
        """As the page has it, else over seeds."""
        if found := self._found(method, other, keep, score):
            return found
        if back := self._found(other, method, keep, score):
            return replace(back, mean=-back.mean)
        return self._over_seeds(super().difference(method, other, keep, score), f"{method}-{other}")

    def gap(self, method: str, keep: str, less: str, score: str) -> Estimate:
        """A method at two numbers kept, as the page has it, else over seeds."""
        if found := self._found(method, "", f"{keep}-{less}", score):
            return found
        gap = self.sample(method, keep, score) - self.sample(method, less, score)
        return self._over_seeds(estimate(gap), f"{method} {keep}-{less}")

    def _over_seeds(self, found: Estimate, what: str) -> Estimate:
        """Good enough where a page has no intervals; one that has must not be mixed with it."""
        if self._known and found.count:
            raise ValueError(f"intervals.csv has no {what}: modular's differences, and all-FEWEST")
        return found

    def _found(self, method: str, minus: str, keep: str, score: str) -> Estimate | None:
        row = self._known.get((method, minus, keep, score))
        if row is None:
            return None
        mean, half, p = (float(row[n]) if row[n] else math.nan for n in ("mean", "half", "p"))
        return Estimate(mean, half, int(row["seeds"]), p)

    def rival(self, name: str, keep: str) -> Contrast:
        """The reference against the best flat method (`best_flat`) or the best of all (`best`)."""
        others = [m for m in self.methods if m != self.reference]
        chosen = {
            "best_flat": self.flats,
            "best_composing": [m for m in self.modulars if m != self.reference],
            "best": others,
        }[name]
        found = [c for c in contrasts(self, chosen) if c.keep == keep]
        if not found:
            raise ValueError(f"{name} at {keep}: there is none")
        return found[0]


class Results:
    """The folders of docs/results."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "docs" / "results"
        self.page = functools.cache(self._page)

    def _page(self, name: str) -> Page:
        """A folder by name; `FOLDER:COMPOSITE` where it has several composites."""
        place, _, composite = name.partition(":")
        if not (self.folder / place / "results.csv").is_file():
            raise ValueError(f"{place}: docs/results has no {place}/results.csv")
        return Page(self.folder / place, composite or None)

    def cell(self, what: str) -> Estimate:
        """What a marker names.

        Raises:
            ValueError: If there is no such folder, method, number kept or score.
        """
        words = what.split()
        if len(words) not in (3, 4):
            raise ValueError("a marker is FOLDER METHOD[-OTHER] KEEP[-KEEP] [SCORE]")
        page, score = self.page(words[0]), NAMED.get(words[3] if words[3:] else "balanced")
        if score is None:
            raise ValueError(f"no score {words[3]!r}; there are {', '.join(NAMED)}")
        (method, _, other), (keep, _, less) = (w.partition("-") for w in words[1:3])
        for name in (keep, less):
            if name and name not in page.keeps:
                raise ValueError(f"{words[0]} has no k = {name}; it has {', '.join(page.keeps)}")
        if other.startswith("best"):
            return page.rival(other, keep).differences[score]
        for name in (method, other):
            if name and name not in page.methods:
                raise ValueError(f"{words[0]} has no {name}; it has {', '.join(page.methods)}")
        if less:
            return page.gap(method, keep, less, score)
        if other:
            return page.difference(method, other, keep, score)
        return page.estimate(method, keep, score)

    def rival(self, what: str) -> str:
        """Who the best is, of `FOLDER best_flat KEEP`."""
        folder, which, keep = what.split()
        return self.page(folder).rival(which, keep).rival

    def measured(self, name: str) -> float:
        """The median of a number of `make bench`; raises ValueError if there is none."""
        rows = _rows(self.folder / "bench" / "bench.csv")
        found = [row["median"] for row in rows if row["name"] == name]
        if not found:
            raise ValueError(f"bench.csv has no {name!r}; it has {[row['name'] for row in rows]}")
        return float(found[0])

    def table(self, what: str) -> list[str]:
        """Scores of some methods; with `difference` a last row against the best flat method."""
        name, *words = what.split()
        page, asked = self.page(name), dict(w.split("=") for w in words if "=" in w)
        keeps, scores = asked["keeps"].split(","), [_score(s) for s in asked["scores"].split(",")]
        if lacking := [k for k in keeps if k not in page.keeps]:
            raise ValueError(f"{name} has no k = {lacking[0]}; it has {', '.join(page.keeps)}")
        rows = []
        for method in asked["methods"].split(","):
            cells = [_scores(page, method, keep, scores) for keep in keeps]
            rows.append([f"**{method}**" if method == page.reference else method, *cells])
        if "difference" in words:
            found = {c.keep: c for c in contrasts(page, page.flats)}
            gaps = [
                in_points(found[k].differences[scores[0]]) if k in found else MISSING for k in keeps
            ]
            rows.append([f"{page.reference} minus best flat, paired", *gaps])
        header = [k if k == "all" else f"k = {k}" for k in keeps]
        return table(["method", *header], rows)[:-1]

    def summary(self, what: str) -> list[str]:
        """For some sets by their names: the reference, and the best flat method at each k."""
        first, _, sets = what.partition(" ")
        keeps, rows = first.removeprefix("keeps=").split(","), []
        scores = [NAMED["balanced"], NAMED["rare"]]
        for folder, told in _named_sets(sets):
            page = self.page(folder)
            ours = page.reference or ""
            rivals = [page.rival("best_flat", keep).rival for keep in keeps]
            cells = (_scores(page, ours, keep, scores) for keep in keeps)
            rows.append([f"{told}, **{ours}**", *cells])
            pairs = zip(rivals, keeps, strict=True)
            rows.append([f"{told}, best flat", *(_scores(page, r, k, scores) for r, k in pairs)])
        return table(["", *(k if k == "all" else f"k = {k}" for k in keeps)], rows)[:-1]

    def answers(self, what: str) -> list[str]:
        """For each set and number kept: the reference, the best others, and what they lack."""
        rows = []
        for folder, told in _named_sets(what):
            link = f"[{told}]({folder.partition(':')[0]}/report.md)"
            rows += _answer_rows(link, self.page(folder))
        needed = "rare images the best flat method needs to match modular without any"
        header = ["set", "k", "modular", "best flat", "modular minus it"]
        header += ["best composing rival", "modular minus it", needed]
        return table(header, rows)[:-1]


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
            lines = getattr(results, match["kind"])(match["what"])
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


def _rows(file: Path) -> list[dict[str, str]]:
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


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


def _scores(page: Page, method: str, keep: str, scores: list[str]) -> str:
    """The first with its interval, then the others, in percent."""
    if method not in page.methods:
        raise ValueError(f"there is no {method}; there is {', '.join(page.methods)}")
    first, *others = (
        page.over_seeds(method, keep, score)
        if score == CALIBRATION
        else page.estimate(method, keep, score)
        for score in scores
    )
    if math.isnan(first.mean):
        return MISSING
    half = "" if math.isnan(first.half) else f" ± {100 * first.half:.1f}"
    return " / ".join([f"{100 * first.mean:.1f}{half}", *(f"{100 * e.mean:.0f}" for e in others)])


def _score(word: str) -> str:
    if word != CALIBRATION and word not in NAMED:
        raise ValueError(f"no score {word!r}; there are {', '.join(NAMED)}, {CALIBRATION}")
    return CALIBRATION if word == CALIBRATION else NAMED[word]


def _named_sets(what: str) -> Iterator[tuple[str, str]]:
    """`FOLDER=words; FOLDER=words` -> folder and words."""
    for each in what.split(";"):
        folder, _, told = each.strip().partition("=")
        yield folder, told or folder


def _answer_rows(link: str, page: Page) -> Iterator[list[str]]:
    flat, composing = (
        {c.keep: c for c in contrasts(page, rivals)}
        for rivals in (page.flats, [m for m in page.modulars if m != page.reference])
    )
    ours, score = page.reference or "", NAMED["balanced"]
    for place, keep in enumerate(page.keeps):
        cells = []
        for rivals in (flat, composing):
            if (best := rivals.get(keep)) is None:
                cells += [MISSING, MISSING]
            else:
                theirs = _scores(page, best.rival, keep, [score])
                gap = in_points(best.differences[score])
                cells += [f"{theirs} {best.rival}", f"**{gap}**" if best.p < _SURE else gap]
        needed = _needed(page) if place == 0 else ""
        yield [link if place == 0 else "", keep, _scores(page, ours, keep, [score]), *cells, needed]


def _needed(page: Page) -> str:
    """Of the flat method that needs fewest: how many, with the interval."""
    if page.matches:
        found = {m: float(row["images"]) for m, row in page.matches.items()}
        method = min(found, key=lambda m: (math.isnan(found[m]), found[m]))
        if math.isinf(found[method]):
            return f"more than {page.numbers[-1]}, whichever"
        row = page.matches[method]
        return MISSING if math.isnan(found[method]) else f"{row['text']} {method}"
    score = NAMED["balanced"]
    needs = {m: images_needed(page, m, score) for m in page.flats}
    least = min((n for n in needs.values() if not math.isnan(n)), default=math.nan)
    if math.isnan(least) or len(page.numbers) < 2:
        return MISSING
    if math.isinf(least):
        return f"more than {page.numbers[-1]}, whichever"
    method = next(m for m, n in needs.items() if n == least)
    return f"{match_text(page, method, score)} {method}"


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
