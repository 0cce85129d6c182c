"""Were the methods compared on identical terms?"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from modular_cls.features.ridge import GRID
from modular_cls.report.results import FinishedRun, keep_order
from modular_cls.report.wording import listed, table
from modular_cls.runs.score_table import MISSING

_SAME = "digest of images"


def audit_lines(runs: Sequence[FinishedRun]) -> list[str]:
    """The section "Identical terms": what each method was given, and how it was set."""
    by_method: dict[str, list[FinishedRun]] = defaultdict(list)
    for run in runs:
        by_method[run.method].append(run)
    terms = _solved_terms if all(run.frozen for run in runs) else _terms
    digests = _digests(by_method)
    rows = [
        {"method": method} | terms(part) | _chosen_terms(part) | {_SAME: digests[method]}
        for method, part in sorted(by_method.items())
    ]
    return [
        "## Identical terms",
        "",
        *table(list(rows[0]), [list(row.values()) for row in rows]),
        "Trials: how many rates and values of the knob were tried before, on what other images the "
        "page of the choice says. The digest is that of the lists of training images in the cells "
        "that all methods have.",
        "",
        _parameters(runs),
        "",
        *_training_images(runs),
        "",
    ]


def _terms(runs: Sequence[FinishedRun]) -> dict[str, str]:
    defined = _defined(runs)
    return {
        "trainable parameters": _sizes(defined),
        "updates": listed(r.metrics.get("updates") for r in defined),
        "batch": listed(r.config.data.batch_size for r in defined),
        "passes": _range([_passes(r) for r in defined if r.metrics.get("train_images")]),
        "sampling": listed(r.config.data.sampling for r in defined),
        "weight decay": listed(f"{r.config.training.weight_decay:g}" for r in defined),
        "precision": listed(r.config.training.precision for r in defined),
        "learning rate": listed(f"{r.learning_rate or 0:g}" for r in defined),
    }


def _defined(runs: Sequence[FinishedRun]) -> Sequence[FinishedRun]:
    """Those with scores; if there are none, all."""
    return [r for r in runs if not r.undefined] or runs


def _sizes(runs: Sequence[FinishedRun]) -> str:
    known = (r.metrics.get("trainable_parameters") for r in runs)
    return listed(f"{n:,}" for n in known if n is not None)


def _chosen_terms(runs: Sequence[FinishedRun]) -> dict[str, str]:
    """The knob, and how rate and knob were chosen."""
    defined = _defined(runs)
    knobs = [r.metrics.get("knob") or {} for r in defined]
    edges = [r.metrics.get("edges") for r in defined]
    ends = (None if e is None else ", ".join(e) or "no" for e in edges)
    return {
        "knob": listed(f"{k} = {_plain(v)}" for knob in knobs for k, v in knob.items()),
        "trials": listed(r.metrics.get("trials") for r in defined),
        "rate or knob at the edge": listed(ends),
    }


def _plain(value: object) -> str:
    return "its own" if value is None else str(value)


def _digests(by_method: dict[str, list[FinishedRun]]) -> dict[str, str]:
    """By method, a digest of the training images of the cells that all have; a dash for none."""
    lists = {
        method: {(r.keep, r.seed): r.metrics.get("train_list") for r in runs if not r.undefined}
        for method, runs in by_method.items()
    }
    defined = [cells.keys() for cells in lists.values() if cells]
    shared = sorted(set.intersection(*map(set, defined))) if defined else []
    return {
        method: _digest(str(cells[cell]) for cell in shared) if shared and cells else MISSING
        for method, cells in lists.items()
    }


def _digest(lines: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=4).hexdigest()


def _solved_terms(runs: Sequence[FinishedRun]) -> dict[str, str]:
    defined = _defined(runs)
    problems = [p for r in defined for p in (r.metrics.get("ridges") or {}).values()]
    ridges = sorted(p["ridge"] for p in problems)
    edges = sum(bool(p["at_edge"]) for p in problems)
    return {
        "parameters of heads": _sizes(defined),
        "ridge": f"{ridges[0]:.0e} to {ridges[-1]:.0e}" if ridges else "-",
        "ridge at the edge": f"{edges} of {len(problems)}",
        "ridges tried": listed(len(r.config.heads.ridges or GRID) for r in defined),
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
    shared = {
        cell: by_list for cell, by_list in lists.items() if sum(map(len, by_list.values())) > 1
    }
    if not shared:
        return [
            "Lists of training images are not recorded for two methods of any cell, so they "
            "are not compared."
        ]
    differing = {cell: by_list for cell, by_list in shared.items() if len(by_list) > 1}
    if not differing:
        return [
            f"Lists of training images: the same in all {len(shared)} cells (number kept, seed)."
        ]
    lines = [f"**Lists of training images differ in {len(differing)} of {len(shared)} cells:**", ""]
    for (keep, seed), by_list in sorted(
        differing.items(), key=lambda item: (keep_order(item[0][0]), item[0][1])
    ):
        groups = "; against ".join(", ".join(methods) for methods in by_list.values())
        lines.append(f"- kept {keep}, seed {seed}: {groups}")
    return lines
