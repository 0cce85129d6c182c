"""Trials show validation; equals and edges."""

import csv
from pathlib import Path

from modular_cls.report.page import write_report
from modular_cls.report.results import FinishedRun
from modular_cls.report.trials import Trial, best_trial, edges
from modular_cls.runs.score_table import MISSING


def read_csv(out):
    with (out / "results.csv").open() as file:
        return list(csv.DictReader(file))


def test_trials_show_validation_only(write_run, tmp_path):
    for seed in range(2):
        for rate, skill in ((0.001, 0.6), (0.004, 0.95)):
            folder = f"tune_{rate}_{seed}"
            write_run("flat", 5, seed, skill, skill, learning_rate=rate, folder=folder, trial=True)
    page = write_report([write_run.root], tmp_path / "out")
    chosen, *rows = [line for line in page.splitlines() if line.startswith("| flat |")]
    assert chosen.startswith(f"| flat | none | 2 | 0.004 | {MISSING} | learning rate | ")
    assert [row.split(" | ")[1] for row in rows] == ["0.001", "0.004"]
    assert "chosen" not in rows[0]
    assert rows[1].endswith("| chosen |")
    assert "Test split" not in page
    assert not (tmp_path / "out" / "report.png").exists()
    rows = read_csv(tmp_path / "out")
    assert {r["balanced_accuracy"] for r in rows} == {""}
    assert all(0 < float(r["validation_balanced_accuracy"]) <= 1 for r in rows)


def trial(rate, value, *scores):
    runs = []
    for score in scores:
        validation = {"c": {"rare_support": 3, "rare_class_recall": 0, "balanced_accuracy": score}}
        metrics = {
            "method": "m",
            "seed": 0,
            "keep": 5,
            "test": validation,
            "validation": validation,
        }
        runs.append(FinishedRun(Path(), metrics))
    return Trial(rate, "a.b", value, tuple(runs))


def test_of_equals_the_middle_one_and_edges_are_said():
    trials = [trial(r, 1, s) for r, s in ((0.1, 0.5), (0.2, 0.9), (0.4, 0.9), (0.8, 0.9))]
    assert best_trial(trials) is trials[2]
    assert edges(trials[2], trials) == []
    assert edges(trials[3], trials) == ["learning rate"]
    assert best_trial([]) is None
    assert best_trial([trial(0.1, 1, float("nan"))]) is None
    knob = [trial(None, v, s) for v, s in ((None, 0.2), (1, 0.3), (2, 0.7))]
    assert edges(knob[2], knob) == ["a.b"]
    assert edges(knob[0], knob) == []


def test_classes_in_turn_are_no_seeds_of_their_own():
    """The interval is over seeds, each the mean over the classes that were scarce in turn."""
    runs = []
    for seed, scores in ((0, (0.4, 0.6)), (1, (0.6, 0.8))):
        for score in scores:
            (run,) = trial(0.1, 1, score).runs
            runs.append(FinishedRun(Path(), run.metrics | {"seed": seed}))
    found = Trial(0.1, "a.b", 1, tuple(runs)).score()
    assert (found.count, round(found.mean, 9)) == (2, 0.6)


def test_equal_but_for_the_order_of_adding_up_is_equal():
    scores = (0.1, 0.2, 0.3)
    trials = [trial(r, 1, *s) for r, s in ((1, scores), (2, scores[::-1]), (3, scores))]
    assert best_trial(trials) is trials[1]
    assert best_trial(trials[1:]) is trials[1]  # of two the smaller, which is further from an end
