"""The tables that are made of the CSVs: scores, the answers, the summary."""

import math
from collections.abc import Callable, Iterator

from recorded import NAMED, Page, Results

from modular_cls.report.contrasts import contrasts, images_needed, match_text
from modular_cls.report.wording import in_points, table
from modular_cls.runs.score_table import MISSING

CALIBRATION = "ece"  # mean over seeds; no page compares it
_SURE = 0.05  # a p-value below


def scores_table(results: Results, what: str) -> list[str]:
    """Scores of some methods; with `difference` a last row against the best flat method."""
    name, *words = what.split()
    page, asked = results.page(name), dict(w.split("=") for w in words if "=" in w)
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


def summary(results: Results, what: str) -> list[str]:
    """For some sets by their names: the reference, others, and the best flat method at each k."""
    keeps_word, others_word, sets = what.split(" ", 2)
    keeps, rows = keeps_word.removeprefix("keeps=").split(","), []
    others = others_word.removeprefix("also=").split(",")
    scores = [NAMED["balanced"], NAMED["rare"]]
    for folder, told in _named_sets(sets):
        page = results.page(folder)
        ours = page.reference or ""
        rivals = [page.rival("best_flat", keep).rival for keep in keeps]
        for method in (ours, *others):
            name = f"**{method}**" if method == ours else method
            rows.append([f"{told}, {name}", *(_scores(page, method, k, scores) for k in keeps)])
        pairs = zip(rivals, keeps, strict=True)
        rows.append([f"{told}, best flat", *(_scores(page, r, k, scores) for r, k in pairs)])
    return table(["", *(k if k == "all" else f"k = {k}" for k in keeps)], rows)[:-1]


def answers(results: Results, what: str) -> list[str]:
    """For each set and number kept: the reference, the best others, and what they lack."""
    rows = []
    for folder, told in _named_sets(what):
        link = f"[{told}]({folder.partition(':')[0]}/report.md)"
        rows += _answer_rows(link, results.page(folder))
    header = ["set", "k", "modular", "best flat", "modular minus it"]
    header += ["best composing rival", "modular minus it", "rare images to match"]
    return table(header, rows)[:-1]


KINDS: dict[str, Callable[[Results, str], list[str]]] = {
    "table": scores_table,
    "summary": summary,
    "answers": answers,
}


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
    scores = [score, NAMED["rare"]]
    seeds = max(page.estimate(ours, keep, score).count for keep in page.keeps)
    for place, keep in enumerate(page.keeps):
        cells = []
        for rivals in (flat, composing):
            if (best := rivals.get(keep)) is None:
                cells += [MISSING, MISSING]
            else:
                theirs = _scores(page, best.rival, keep, scores)
                gap = in_points(best.differences[score])
                cells += [f"{theirs}<br>{best.rival}", f"**{gap}**" if best.p < _SURE else gap]
        needed = _needed(page) if place == 0 else ""
        told = f"{link}<br>{seeds} seeds" if place == 0 else ""
        yield [told, keep, _scores(page, ours, keep, scores), *cells, needed]


def _needed(page: Page) -> str:
    """Of the flat method that needs fewest: how many, with the interval."""
    if len(page.numbers) < 2:
        return MISSING
    if page.matches:
        found = {m: float(row["images"]) for m, row in page.matches.items()}
        method = min(found, key=lambda m: (math.isnan(found[m]), found[m]))
        if math.isinf(found[method]):
            return f"more than {page.numbers[-1]}, whichever"
        row = page.matches[method]
        return MISSING if math.isnan(found[method]) else f"{row['text']}<br>{method}"
    score = NAMED["balanced"]
    needs = {m: images_needed(page, m, score) for m in page.flats}
    least = min((n for n in needs.values() if not math.isnan(n)), default=math.nan)
    if math.isnan(least):
        return MISSING
    if math.isinf(least):
        return f"more than {page.numbers[-1]}, whichever"
    method = next(m for m, n in needs.items() if n == least)
    return f"{match_text(page, method, score)}<br>{method}"
