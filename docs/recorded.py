"""The numbers beside the pages: `results.csv`, `intervals.csv`, `match.csv`, `bench/bench.csv`."""

import csv
import functools
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modular_cls.report.comparison import Comparison
from modular_cls.report.contrasts import Contrast, contrasts
from modular_cls.report.statistics import Estimate, estimate
from modular_cls.runs.score_table import SCORES

NAMED = {name.partition("_")[0]: name for name in SCORES}  # rare: rare_class_recall, and so on


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


def _rows(file: Path) -> list[dict[str, str]]:
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))
