"""Were the methods compared on identical terms? Which learning rate validates best?"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from modular_cls.report.results import FinishedRun, keep_order
from modular_cls.report.statistics import mean_interval
from modular_cls.report.wording import listed, table, with_interval
from modular_cls.runs.metrics import NAMES, SCORES


def audit_lines(runs: Sequence[FinishedRun]) -> list[str]:
    """The section "Identical terms"."""
    by_method: dict[str, list[FinishedRun]] = defaultdict(list)
    for run in runs:
        by_method[run.method].append(run)
    frozen = all(run.frozen for run in runs)
    header = [
        "method",
        "trainable parameters",
        "updates",
        "batch",
        "passes",
        "sampling",
        "weight decay",
        "learning rate",
        "rates tried",
        "precision",
    ]
    terms = _solved_terms if frozen else _terms
    if frozen:
        header = ["method", "parameters of heads", "ridge", "at the edge", "ridges tried", "folds"]
    rows = [[method, *terms(part).values()] for method, part in sorted(by_method.items())]
    return [
        "## Identical terms",
        "",
        *table(header, rows),
        _parameters(runs),
        "",
        *_training_images(runs),
        "",
    ]


def tuning_lines(runs: Sequence[FinishedRun]) -> list[str]:
    """The section on runs that try learning rates: validation scores only, the best rate marked."""
    composites = dict.fromkeys(name for run in runs for name in run.composites)
    lines = [
        "## Choice of the learning rate",
        "",
        "Several learning rates occur for these methods, so their runs are for choosing one. "
        "Scores are of the "
        "validation split; test scores are not shown. A scarce class has no validation images.",
        "",
    ]
    for composite in composites:
        lines += [f"### {composite}", "", *_tuning_table(runs, composite)]
    return lines


@dataclass(frozen=True)
class _Rate:
    learning_rate: float
    runs: list[FinishedRun]

    def score(self, composite: str, name: str) -> list[float]:
        found = (run.value(composite, name, "validation") for run in self.runs)
        return [float(value) for value in found if value is not None]


def _tuning_table(runs: Sequence[FinishedRun], composite: str) -> list[str]:
    cells: dict[tuple[str, str], dict[float, list[FinishedRun]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for run in runs:
        if composite in run.composites and not run.undefined:
            cells[run.method, run.keep][run.learning_rate or 0.0].append(run)
    rows = []
    for method, keep in sorted(cells, key=lambda cell: (cell[0], keep_order(cell[1]))):
        rates = [_Rate(*item) for item in sorted(cells[method, keep].items())]
        means = {
            r.learning_rate: mean_interval(r.score(composite, "balanced_accuracy")).mean
            for r in rates
        }
        best = max(
            (rate for rate, mean in means.items() if mean == mean),
            key=means.__getitem__,
            default=None,
        )
        for rate in rates:
            scores = [with_interval(mean_interval(rate.score(composite, s))) for s in SCORES]
            mark = "best" if rate.learning_rate == best else ""
            rows.append([method, keep, f"{rate.learning_rate:g}", len(rate.runs), *scores, mark])
    return table(["method", "kept", "learning rate", "seeds", *NAMES.values(), ""], rows)


def _terms(runs: Sequence[FinishedRun]) -> dict[str, str]:
    defined = [r for r in runs if not r.undefined] or runs
    return {
        "parameters": listed(
            f"{n:,}" for r in defined if (n := r.metrics.get("trainable_parameters")) is not None
        ),
        "updates": listed(r.metrics.get("updates") for r in defined),
        "batch": listed(r.config.data.batch_size for r in defined),
        "passes": _range([_passes(r) for r in defined if r.metrics.get("train_images")]),
        "sampling": listed(r.config.data.sampling for r in defined),
        "weight_decay": listed(f"{r.config.training.weight_decay:g}" for r in defined),
        "learning_rate": listed(f"{r.learning_rate or 0:g}" for r in defined),
        "trials": listed(r.metrics.get("trials") for r in defined),
        "precision": listed(r.config.training.precision for r in defined),
    }


def _solved_terms(runs: Sequence[FinishedRun]) -> dict[str, str]:
    defined = [r for r in runs if not r.undefined] or runs
    problems = [p for r in defined for p in (r.metrics.get("ridges") or {}).values()]
    ridges = sorted(p["ridge"] for p in problems)
    edges = sum(bool(p["at_edge"]) for p in problems)
    return {
        "parameters": listed(
            f"{n:,}" for r in defined if (n := r.metrics.get("trainable_parameters")) is not None
        ),
        "ridge": f"{ridges[0]:.0e} to {ridges[-1]:.0e}" if ridges else "-",
        "at_edge": f"{edges} of {len(problems)}",
        "tried": listed(len(r.config.heads.ridges or range(13)) for r in defined),
        "folds": listed(r.config.heads.folds for r in defined),
    }


def _passes(run: FinishedRun) -> float:
    """How often a training image is seen, on average; 0 where none is trained on."""
    return (
        float(run.metrics["updates"] or 0)
        * run.config.data.batch_size
        / float(run.metrics["train_images"])
    )


def _range(values: Sequence[float]) -> str:
    low, high = (f"{v:.1f}" for v in (min(values), max(values))) if values else ("-", "-")
    return low if low == high else f"{low} to {high}"


def _parameters(runs: Sequence[FinishedRun]) -> str:
    sizes = [n for r in runs if not r.undefined and (n := r.metrics.get("trainable_parameters"))]
    if not sizes:
        return "The numbers of parameters are not known."
    return (
        f"Largest difference in trainable parameters: {100 * (max(sizes) / min(sizes) - 1):.2f} %."
    )


def _training_images(runs: Sequence[FinishedRun]) -> list[str]:
    """Whether all methods of a cell (number kept, seed) were trained on the same images."""
    lists: dict[tuple[str, int], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        if run.metrics.get("train_list") and not run.undefined:
            lists[run.keep, run.seed][str(run.metrics["train_list"])].append(run.method)
    shared = {cell: found for cell, found in lists.items() if sum(map(len, found.values())) > 1}
    if not shared:
        return [
            "Lists of training images are not recorded for two methods of any cell, so they "
            "are not compared."
        ]
    differing = {cell: found for cell, found in shared.items() if len(found) > 1}
    if not differing:
        return [
            f"Lists of training images: the same in all {len(shared)} cells (number kept, seed)."
        ]
    lines = [f"**Lists of training images differ in {len(differing)} of {len(shared)} cells:**", ""]
    for (keep, seed), found in sorted(
        differing.items(), key=lambda item: (keep_order(item[0][0]), item[0][1])
    ):
        groups = "; against ".join(", ".join(methods) for methods in found.values())
        lines.append(f"- kept {keep}, seed {seed}: {groups}")
    return lines
