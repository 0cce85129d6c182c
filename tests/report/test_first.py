"""What the page says first."""

import json

import pytest

from modular_cls.cli import main
from modular_cls.report.comparison import Comparison
from modular_cls.report.first import first_lines
from modular_cls.report.results import read_runs


def said(write_run):
    return first_lines(Comparison("hair_gender", read_runs([write_run.root])))


@pytest.mark.parametrize(("skills", "verdict"), [((0.9, 0.2), "ahead"), ((0.2, 0.9), "behind")])
def test_the_outcome_where_least_is_kept(write_run, skills, verdict):
    for seed in range(3):
        for keep in (0, 5):
            for method, skill in zip(("modular", "flat"), skills, strict=True):
                write_run(method, keep, seed, skill=skill, rare_skill=skill)
    outcome, weakest, *_ = said(write_run)
    assert outcome.startswith("- hair_gender, k = 0: **modular** has ")
    assert outcome.endswith(f"points against flat, the only flat method here: {verdict}.")
    runs = [
        run for run in read_runs([write_run.root]) if run.method == "modular" and run.keep == "0"
    ]
    recalls = [run.value("hair_gender", "recall") for run in runs]
    means = {name: sum(r[name] for r in recalls) / 3 for name in recalls[0]}
    name = min(means, key=means.get)
    assert f"weakest joint class there is {name}: found in {100 * means[name]:.1f} %" in weakest


def test_of_several_flat_methods_the_best_is_named(write_run):
    for method, skill in (("modular", 0.9), ("flat", 0.2), ("flat_retrained", 0.5)):
        write_run(method, 0, skill=skill, rare_skill=skill)
    assert " points against flat_retrained, the best flat method: " in said(write_run)[0]


def test_equal_methods_and_one_seed_are_not_told_apart(write_run):
    for seed in range(4):
        write_run("modular", 0, seed, skill=0.8)
        write_run("flat", 0, seed, skill=0.8)
    assert "nobody is ahead" in said(write_run)[0]


def test_what_to_be_wary_of(write_run):
    write_run.images = 4
    write_run()
    told = "\n".join(said(write_run))
    assert "One seed: no interval" in told
    assert "8 rare test images only: each moves rare-class recall by 12 points" in told
    assert "±" not in told


def test_the_command_ends_with_it(write_run, tmp_path, capsys):
    write_run()
    write_run("flat")
    assert main(["report", str(write_run.root), "--out", str(tmp_path / "out")]) == 0
    *_, last = capsys.readouterr().out.strip().splitlines()
    out = tmp_path / "out"
    assert last == f"written to {out / 'report.md'}, and to {out / 'report.html'} as one file"
    page = (tmp_path / "out" / "report.md").read_text()
    assert page.index("## What to look at first") < page.index("## hair_gender")


def test_a_reference_that_lacks_the_smallest_number_is_told_where_it_begins(write_run):
    for seed in range(3):
        write_run("modular", 5, seed)
        write_run("flat", 0, seed)
        write_run("flat", 5, seed)
    assert said(write_run)[0].startswith("- hair_gender, k = 5: **modular** has ")


def test_a_class_without_test_images_is_named(write_run):
    folder = write_run("modular", 0)
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["test"]["hair_gender"]["support"]["long_haired_man"] = 0
    (folder / "metrics.json").write_text(json.dumps(metrics))
    assert any(
        "No test image of long_haired_man: balanced accuracy is the mean over 3 of 4" in line
        for line in said(write_run)
    )


def test_other_test_images_of_equal_counts_are_noticed(write_run):
    write_run("modular", 0)
    folder = write_run("flat", 0)
    assert not any("list different test images" in line for line in said(write_run))
    table = (folder / "predictions.csv").read_text()
    (folder / "predictions.csv").write_text(table.replace(".png", "_other.png"))
    assert any("list different test images" in line for line in said(write_run))
