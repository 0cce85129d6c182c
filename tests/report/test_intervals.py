"""`intervals.csv` holds what the page says."""

import csv

import pytest

from modular_cls.report.page import write_report
from modular_cls.report.statistics import holm
from modular_cls.runs.score_table import MISSING
from tests.report.conftest import SCHEMA, RunWriter


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


def test_gaps_images_to_match_and_adjusted_p_values(write_run, tmp_path):
    for seed in range(4):
        for keep, skill in ((0, 0.05), (5, 0.6), (None, 0.9)):
            write_run("modular", keep, seed, rare_skill=0.8)
            write_run("flat", keep, seed, rare_skill=skill)
    page = write_report([write_run.root], tmp_path / "out")
    with (tmp_path / "out" / "intervals.csv").open() as file:
        rows = list(csv.DictReader(file))
    cell = {
        (r["method"], r["minus"], r["keep"]): r for r in rows if r["score"] == "rare_class_recall"
    }
    gap = float(cell["flat", "", "all-0"]["mean"])
    means = [float(cell["flat", "", keep]["mean"]) for keep in ("0", "all")]
    assert gap == pytest.approx(means[1] - means[0], abs=1e-5)
    raw = [float(cell["modular", "flat", keep]["p"]) for keep in ("0", "5", "all")]
    found = [float(cell["modular", "flat", keep]["p_holm"]) for keep in ("0", "5", "all")]
    assert found == pytest.approx(holm(raw), rel=1e-4)
    assert cell["modular", "", "0"]["p_holm"] == ""
    with (tmp_path / "out" / "match.csv").open() as file:
        (row,) = (r for r in csv.DictReader(file) if r["score"] == "balanced_accuracy")
    assert f"| flat | {row['text']} |" in page


def test_one_number_kept_is_no_curve_that_could_match(write_run, tmp_path):
    for seed in range(3):
        for keep, skill in ((0, 0.05), (None, 0.9)):
            write_run("modular", keep, seed, rare_skill=0.8)
            write_run("flat", keep, seed, rare_skill=skill)
    assert "Rare training images that match" not in write_report([write_run.root], tmp_path / "out")
    with (tmp_path / "out" / "match.csv").open() as file:
        assert {(row["images"], row["text"]) for row in csv.DictReader(file)} == {("nan", MISSING)}


def test_a_number_kept_with_fewer_seeds_does_not_take_seeds_from_the_others(write_run, tmp_path):
    for seed in range(4):
        for keep, skill in ((0, 0.05), (5, 0.9)):
            write_run("modular", keep, seed, rare_skill=0.8)
            write_run("flat", keep, seed, rare_skill=skill)
    write_run("flat", 20, 7)
    write_report([write_run.root], tmp_path / "out")
    with (tmp_path / "out" / "match.csv").open() as file:
        assert all("to" in row["text"] for row in csv.DictReader(file))


def test_composites_that_are_not_on_the_page_are_named(tmp_path):
    spec = SCHEMA | {"composites": SCHEMA["composites"] | {"ages": {"attributes": ["age"]}}}
    writer = RunWriter(tmp_path / "study", spec)
    writer()
    page = write_report([writer.root], tmp_path / "out")
    assert "Not shown, for they hold no rare class: ages (results.csv has them)." in page
