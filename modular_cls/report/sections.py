"""The sections of the page on one composite, as lines of Markdown."""

from collections.abc import Sequence

from modular_cls.report.comparison import Comparison, kept
from modular_cls.report.contrasts import LEAST_PAIRS, Contrast, contrasts, match_text
from modular_cls.report.misses import gather_predictions, miss_shares
from modular_cls.report.results import CALIBRATION
from modular_cls.report.wording import in_points, listed, p_value, table, with_interval
from modular_cls.runs.score_table import MISSING, NAMES, SCORES, percent

_CRITERION = (
    "The criterion, in balanced accuracy: the mean difference is at least -1 point and the lower "
    "end of its interval at least -3 points"
)


def score_lines(comparison: Comparison) -> list[str]:
    """Scores of every cell; what is undefined has a footnote."""
    rows, notes = [], dict[str, int]()
    images = listed(comparison.rare_images)
    for keep in comparison.keeps:
        for method in comparison.methods:
            if runs := comparison.cell(method, keep):
                scores = [with_interval(comparison.estimate(method, keep, s)) for s in SCORES]
                reasons = {r.undefined for r in runs if r.undefined}
                marks = "".join(
                    f" ({notes.setdefault(r, len(notes) + 1)})" for r in sorted(reasons)
                )
                defined = sum(not r.undefined for r in runs)
                rows.append([keep, method + marks, defined, scores[0], images, *scores[1:]])
    rare, *others = NAMES.values()
    lines = table(["kept", "method", "seeds", rare, "rare test images", *others], rows)
    lines += [f"({number}) undefined: {reason}  " for reason, number in notes.items()]
    return [*lines, ""] if notes else lines


def contrast_lines(comparison: Comparison) -> list[str]:
    """Paired differences of the reference and the best others, and the criterion's verdict."""
    reference = comparison.reference
    others = [m for m in comparison.methods if m != reference]
    if reference is None or not others:
        return []
    lines = [f"### Paired differences: {reference} minus the best of the others", ""]
    lines += [
        f"Points, mean over the seeds that both have, with its 95 % interval ({comparison.over}). "
        f"The best is the method that {reference} leads least in mean balanced accuracy at that "
        "number kept, chosen after the fact, on these same test scores: that favours the others, "
        f"who are many against one. Among those with {LEAST_PAIRS} seeds if any. *p* is of no "
        "difference in balanced accuracy, adjusted for the several numbers kept (Holm); the "
        "intervals stand each for itself.",
        "",
    ]
    if flat := contrasts(comparison, comparison.flats):
        criterion = (
            f"{_CRITERION}; where at most one image is kept, the mean is at least +10 points."
        )
        lines += ["**Best flat method.** " + criterion, "", *_contrast_table(flat, lead=True)]
    best = contrasts(comparison, others)
    return [
        *lines,
        f"**Best of all other methods.** {_CRITERION}.",
        "",
        *_contrast_table(best, lead=False),
    ]


def match_lines(comparison: Comparison) -> list[str]:
    """Rare training images that each flat method needs to reach the reference without any."""
    reference = comparison.reference
    if (
        reference is None
        or not comparison.flats
        or len(comparison.numbers) < 2
        or not comparison.scores(reference, "0", "balanced_accuracy")
    ):
        return []
    scores = ("balanced_accuracy", "rare_class_recall")
    rows = []
    for method in comparison.flats:
        rows.append([method, *(match_text(comparison, method, score) for score in scores)])
    return [
        f"### Rare training images that match {reference} at k = 0",
        "",
        f"Where the mean over seeds first reaches the mean of {reference} with no image of the "
        "rare class, by straight lines over log(1 + k) between the numbers measured; in brackets a "
        f"95 % interval ({comparison.over}): the numbers at which the paired gap could be 0.",
        "",
        *table(["flat method", *(f"to match its {NAMES[s]}" for s in scores)], rows),
    ]


def calibration_lines(comparison: Comparison) -> list[str]:
    """How far the probabilities of the joint classes are off, by method and number kept."""
    rows = []
    for method in comparison.methods:
        errors = [comparison.over_seeds(method, k, CALIBRATION) for k in comparison.keeps]
        if any(estimate.count for estimate in errors):
            rows.append([method, *map(with_interval, errors)])
    if not rows:
        return []
    return [
        "### Calibration error",
        "",
        "By how much the probability of the class that is named and the share of right answers "
        "differ, images binned by that probability (ECE); mean over seeds with its 95 % interval.",
        "",
        *table(["method", *map(kept, comparison.keeps)], rows),
    ]


def miss_lines(comparison: Comparison) -> list[str]:
    """How many rare images each method misses: by an attribute, or by the composition."""
    shares_of = {}
    for method in comparison.methods:
        for keep in comparison.keeps:
            predictions = gather_predictions(comparison.cell(method, keep), comparison.composite)
            if shares := miss_shares(predictions):
                shares_of[method, keep] = shares
    if all(shares.composition is None for shares in shares_of.values()):
        return []
    joint = comparison.runs[0].schema.output(comparison.composite)
    names = [a.name for a in joint.attributes]
    rows = []
    for cell, shares in shares_of.items():
        none = shares.composition
        by_attribute = [None if none is None else shares.mended.get(name, 0.0) for name in names]
        by_attribute += [None if none is None else 1 - none, none]
        rows.append([*cell, *map(percent, [shares.missed, *by_attribute])])
    header = [f"mended by {name}" for name in names]
    return [
        "### Missed rare images",
        "",
        "By intervention, for every method alike: one attribute is set to the truth, and the most "
        "probable joint class of those that have it is taken. Of the misses, an attribute error "
        "is mended by setting one attribute (some by either); a composition error by none.",
        "",
        *table(
            ["method", "kept", "missed", *header, "attribute errors", "composition errors"], rows
        ),
    ]


def undefined_lines(comparisons: Sequence[Comparison]) -> list[str]:
    """Cells that do not exist, with the reason."""
    reasons = dict.fromkeys(
        (r.method, keep, r.undefined)
        for c in comparisons
        for keep in c.keeps
        for method in c.methods
        for r in c.cell(method, keep)
        if r.undefined
    )
    return (
        ["## Undefined cells", "", *table(["method", "kept", "reason"], list(reasons))]
        if reasons
        else []
    )


def _contrast_table(rivals: Sequence[Contrast], lead: bool) -> list[str]:
    rows = [
        [c.keep, c.rival, c.differences["balanced_accuracy"].count or MISSING,
         *(in_points(c.differences[s]) for s in SCORES), p_value(c.p), c.verdict(lead)]
        for c in rivals
    ]  # fmt: skip
    lines = table(["kept", "best", "pairs", *NAMES.values(), "p", "criterion holds"], rows)
    if behind := [f"{c.rival} at {c.keep}" for c in rivals if c.lead < 0]:
        lines += [f"Ahead of the reference in mean balanced accuracy: {'; '.join(behind)}.", ""]
    if closer := [f"{', '.join(c.closer)} at {c.keep}" for c in rivals if c.closer]:
        lines += [f"Closer still or ahead, but on fewer seeds: {'; '.join(closer)}.", ""]
    return lines
