"""`intervals.csv` holds what the page says."""

import csv

from modular_cls.report.page import write_report


def pair(write_run):
    for seed in range(3):
        write_run("modular", 0, seed)
        write_run("flat", 0, seed, rare_skill=0.1)


def test_intervals_hold_what_the_page_says(write_run, tmp_path):
    pair(write_run)
    page = write_report([write_run.root], tmp_path / "out")
    with (tmp_path / "out" / "intervals.csv").open() as file:
        rows = {(r["method"], r["minus"], r["keep"], r["score"]): r for r in csv.DictReader(file)}
    found = rows["modular", "", "0", "balanced_accuracy"]
    mean, half = (100 * float(found[name]) for name in ("mean", "half"))
    assert f"| {mean:.1f} ± {half:.1f} % |" in page
    assert found["over"] == "seeds and images"
    found = rows["modular", "flat", "0", "rare_class_recall"]
    mean, half = (100 * float(found[name]) for name in ("mean", "half"))
    assert f"| {mean:+.1f} ± {half:.1f} |" in page


def test_without_the_answers_intervals_are_over_seeds_and_say_so(write_run, tmp_path):
    pair(write_run)
    for file in write_run.root.glob("*/predictions.csv"):
        file.unlink()
    page = write_report([write_run.root], tmp_path / "out")
    assert "over seeds only" in page
    assert "over seeds and test images" not in page
