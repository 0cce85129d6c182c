"""Finished runs -> a table for the terminal, and a page with table and figure."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from modular_cls.errors import ConfigError
from modular_cls.files import replacing_file

matplotlib.use("Agg")
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # Okabe and Ito
_SCORES = ("rare_class_recall", "balanced_accuracy", "worst_class_recall")
# Two-sided 95 % quantiles of Student's t for 1 to 9 degrees of freedom, then nearly the normal's.
_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def print_metrics(outputs: dict[str, Any], title: str) -> None:
    """Print recall and support per class of each composite, then the summary scores."""
    console = Console(width=max(80, Console().width))
    for name, values in outputs.items():
        if _is_attribute(name, outputs):
            continue
        table = Table(title=f"{title}: {name}", title_justify="left")
        table.add_column("joint class")
        table.add_column("recall", justify="right")
        table.add_column("test images", justify="right")
        for label, recall in values["recall"].items():
            table.add_row(label, percent(recall), str(values["support"][label]))
        console.print(table)
        console.print("   ".join(f"{s.replace('_', ' ')} {percent(values[s])}" for s in _SCORES))
    basic = {n: v for n, v in outputs.items() if _is_attribute(n, outputs)}
    console.print("   ".join(f"{n} {percent(v['balanced_accuracy'])}" for n, v in basic.items()))


def gather(places: Sequence[Path]) -> list[dict[str, Any]]:
    """Read `metrics.json` of run folders, or of the run folders in folders.

    Raises:
        ConfigError: If a place holds no finished run.
    """
    runs = []
    for place in places:
        files = [place / "metrics.json"] if (place / "metrics.json").is_file() else sorted(place.glob("*/metrics.json"))
        if not files:
            raise ConfigError(f"{place} holds no finished run (no metrics.json, neither in folders in it)")
        runs += [json.loads(f.read_text(encoding="utf-8")) for f in files]
    return runs


def write_report(places: Sequence[Path], out: Path) -> str:
    """Write `report.md`, `report.png` and `results.csv` to `out`; returns the page's text."""
    runs = gather(places)
    table = results(runs)
    out.mkdir(parents=True, exist_ok=True)
    page = _page(table, runs)
    figure = _figure(table, runs)
    with replacing_file(out / "results.csv") as partial:
        table.to_csv(partial, index=False)
    with replacing_file(out / "report.png") as partial:
        figure.savefig(partial, dpi=150, format="png", bbox_inches="tight")
    plt.close(figure)
    with replacing_file(out / "report.md") as partial:
        partial.write_text(page, encoding="utf-8")
    return page


def results(runs: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """One row per run and composite: method, keep, seed, scores, and the number of rare test images."""
    rows = []
    for run in runs:
        for name, values in _composites(run["test"]).items():
            keep = "all" if run["keep"] is None else str(run["keep"])
            scores = {s: values[s] for s in _SCORES}
            counts = {n: run[n] for n in ("trainable_parameters", "train_images", "updates", "seconds")}
            rows.append(
                {"composite": name, "method": run["method"], "keep": keep, "seed": run["seed"], **scores,
                 "rare_test_images": values["rare_support"], **counts}
            )  # fmt: skip
    table = pd.DataFrame(rows)
    order = table["keep"].map(lambda k: math.inf if k == "all" else float(k) if k.isdigit() else -1.0)
    return table.assign(_k=order).sort_values(["composite", "_k", "method", "seed"]).drop(columns="_k")


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half-width of its 95 % interval (Student's t over runs); NaN for a single run."""
    known = np.array([v for v in values if v is not None and not math.isnan(v)], dtype=float)
    if len(known) == 0:
        return math.nan, math.nan
    if len(known) == 1:
        return float(known[0]), math.nan
    t = _T95[len(known) - 2] if len(known) - 2 < len(_T95) else 2.0
    return float(known.mean()), t * float(known.std(ddof=1)) / math.sqrt(len(known))


def percent(value: float | None) -> str:
    """A fraction as text in percent; a dash where it is undefined."""
    return "-" if value is None or math.isnan(value) else f"{100 * value:.1f} %"


def _page(table: pd.DataFrame, runs: Sequence[dict[str, Any]]) -> str:
    lines = ["# Runs compared", "", "Test split; mean over seeds with its 95 % interval.", ""]
    for composite, part in table.groupby("composite", sort=False):
        support = part["rare_test_images"].dropna().unique()
        lines += [f"## {composite}", ""]
        if len(support):
            lines += [f"Rare-class recall is measured on {', '.join(str(int(s)) for s in support)} test images.", ""]
        names = [s.replace("_", " ") for s in _SCORES]
        lines += [f"| kept | method | seeds | {' | '.join(names)} | parameters |", "|---|---|---|" + "---|" * 4]
        for (keep, method), cell in part.groupby(["keep", "method"], sort=False):
            scores = " | ".join(_with_interval(cell[s].tolist()) for s in _SCORES)
            size = f"{cell['trainable_parameters'].iloc[0]:,}"
            lines.append(f"| {keep} | {method} | {len(cell)} | {scores} | {size} |")
        lines.append("")
    return "\n".join([*lines, "![comparison](report.png)", ""])


def _with_interval(values: list[float]) -> str:
    mean, half = mean_interval(values)
    return percent(mean) if math.isnan(half) else f"{percent(mean)[:-2]} ± {100 * half:.1f} %"


def _figure(table: pd.DataFrame, runs: Sequence[dict[str, Any]]) -> Figure:
    """Recall of each joint class, methods side by side, one panel per number of images kept."""
    name = table["composite"].iloc[0]
    keeps, methods = list(dict.fromkeys(table["keep"])), list(dict.fromkeys(table["method"]))
    figure, axes = plt.subplots(1, len(keeps), figsize=(1.5 + 3.6 * len(keeps), 3.4), sharey=True, squeeze=False)
    for axis, keep in zip(axes[0], keeps, strict=True):
        for i, method in enumerate(methods):
            chosen = [
                r["test"][name]["recall"]
                for r in runs
                if r["method"] == method and (str(r["keep"]) if r["keep"] is not None else "all") == keep
            ]
            if not chosen:
                continue
            labels = list(chosen[0])
            pairs = [mean_interval([c[label] for c in chosen]) for label in labels]
            places = np.arange(len(labels)) + (i - (len(methods) - 1) / 2) * 0.8 / len(methods)
            means, halves = np.array(pairs).T
            axis.bar(places, means, 0.76 / len(methods), color=_COLOURS[i % len(_COLOURS)], label=method,
                     yerr=np.nan_to_num(halves), error_kw={"lw": 0.8})  # fmt: skip
            for place, mean in zip(places, means, strict=True):
                if len(methods) <= 3:
                    axis.text(place, mean + 0.01, f"{100 * mean:.0f}", ha="center", va="bottom", fontsize=7)
        axis.set_xticks(range(len(labels)), [label.replace("_", "\n") for label in labels], fontsize=8)
        axis.set_title(f"{keep} training images of the rare class" if keep != "all" else "nothing scarce", fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel("recall on test images")
    axes[0][0].set_ylim(0, 1.08)
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="lower center", ncols=min(4, len(methods)),
                  frameon=False, bbox_to_anchor=(0.5, -0.16))  # fmt: skip
    return figure


def _composites(outputs: dict[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in outputs.items() if not _is_attribute(n, outputs)}


def _is_attribute(name: str, outputs: dict[str, Any]) -> bool:
    return "rare_class_recall" not in outputs[name]
