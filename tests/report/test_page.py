"""The whole page, from invented run folders."""

import csv
import json
import math
import shutil

import pytest
from PIL import Image

from modular_cls.errors import ConfigError
from modular_cls.report.comparison import Comparison
from modular_cls.report.contrasts import Contrast
from modular_cls.report.page import write_report
from modular_cls.report.results import read_runs
from modular_cls.report.statistics import Estimate
from modular_cls.runs.score_table import MISSING, SCORES
from modular_cls.runs.terminal import print_metrics

COLUMNS = ["composite", "method", "keep", "seed", "balanced_accuracy", "rare_class_recall", "worst_class_recall",
           "ece", "rare_test_images", "trainable_parameters", "train_images", "updates", "learning_rate", "ridge", "seconds",
           "undefined", "empty"]  # fmt: skip


def read_csv(out):
    with (out / "results.csv").open() as file:
        return list(csv.DictReader(file))


def study(write_run, seeds=5):
    for seed in range(seeds):
        for keep in (0, 5, None):
            many = 0 if keep == 0 else 1
            write_run("modular", keep, seed, rare_skill=0.75)
            write_run("product", keep, seed, rare_skill=0.4)
            write_run("flat", keep, seed, rare_skill=0.02 + 0.3 * many)
            undefined = (
                {"undefined": "no image to weigh", "learning_rate": 0.5} if keep == 0 else {}
            )
            write_run("flat_weights", keep, seed, skill=0.97, rare_skill=0.99, **undefined)


def test_a_study_becomes_a_page(write_run, tmp_path):
    study(write_run)
    (write_run.root / "failed").mkdir()
    images = write_run.root / "images"
    images.mkdir()
    for i in range(8 * write_run.images):
        Image.new("RGB", (4, 4), "red").save(images / f"{i}.png")
    out = tmp_path / "out"
    page = write_report([write_run.root], out, command="modular-cls report study")
    assert page == (out / "report.md").read_text(encoding="utf-8")
    assert "Made by `modular-cls report study`." in page
    assert "| 0 | modular | 5 |" in page
    assert "| all | flat | 5 |" in page
    assert f"| 0 | flat_weights (1) | 0 | {MISSING} | 40 | {MISSING} | {MISSING} |" in page
    assert page.count("no image to weigh") == 2
    assert "modular minus the best of the others" in page
    assert "| 0 | flat | 5 | +" in page
    assert "| flat_weights | ≤5 (≤5 to ≤5) | ≤5 (≤5 to ≤5) |" in page
    assert "| flat | >5 (" in page
    assert "over seeds and test images" in page
    assert "that favours the others" in page
    assert "Ahead of the reference in mean balanced accuracy: flat_weights at 5" in page
    assert "Lists of training images: the same in all 15 cells" in page
    assert "Largest difference in trainable parameters: 0.80 %." in page
    for figure in ("report.png", "recall.png", "confusion.png", "misses.png"):
        assert f"({figure})" in page
        assert (out / figure).read_bytes().startswith(b"\x89PNG")
    assert [p.name for p in out.iterdir() if p.name.startswith(".")] == []


def test_results_hold_one_row_per_run(write_run, tmp_path):
    study(write_run, seeds=1)
    write_report([write_run.root], tmp_path / "out")
    rows = read_csv(tmp_path / "out")
    assert list(rows[0]) == COLUMNS
    assert len(rows) == 12
    assert [r["keep"] for r in rows[::4]] == ["0", "5", "all"]
    undefined = [r for r in rows if r["undefined"]]
    assert [(r["method"], r["balanced_accuracy"], r["rare_test_images"]) for r in undefined] == [
        ("flat_weights", "", "")
    ]
    run = json.loads((write_run.root / "flat_k5_seed0" / "metrics.json").read_text())
    row = next(r for r in rows if (r["method"], r["keep"]) == ("flat", "5"))
    assert float(row["rare_class_recall"]) == run["test"]["hair_gender"]["rare_class_recall"]


def test_calibration_is_told_by_method_and_number_kept(write_run, tmp_path):
    pair(write_run)
    for seed, error in enumerate((0.02, 0.04, 0.06)):
        file = write_run.root / f"modular_k0_seed{seed}" / "metrics.json"
        metrics = json.loads(file.read_text())
        metrics["test"]["hair_gender"]["ece"] = error
        file.write_text(json.dumps(metrics))
    page = write_report([write_run.root], tmp_path / "out")
    section = page.partition("### Calibration error")[2].partition("###")[0]
    assert "| method | k = 0 |" in section
    assert "| modular | 4.0 ± 5.0 % |" in section  # Student's t of 2 degrees: 4.303 x 2 / sqrt(3)
    assert "flat" not in section  # of which nothing is known
    errors = {(r["method"], r["seed"]): r["ece"] for r in read_csv(tmp_path / "out")}
    assert errors["modular", "1"] == "0.04"
    assert errors["flat", "1"] == ""


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


def test_the_parts_of_a_score_add_up_to_it(write_run):
    """For every score, with a worst class that changes from run to run."""
    for seed in range(5):
        write_run(seed=seed, skill=0.7, rare_skill=0.7)
    comparison = Comparison("hair_gender", read_runs([write_run.root]))
    for score in (*SCORES, "short_female"):
        sample = comparison.sample("modular", "0", score)
        sums = [sum(part[sample.groups == z].mean() for z in range(4)) for part in sample.parts]
        assert sums == pytest.approx(sample.values.tolist())


def test_one_run_of_an_older_version_is_enough(write_run, tmp_path):
    folder = write_run()
    metrics = json.loads((folder / "metrics.json").read_text())
    for key in ("model", "learning_rate", "trials", "train_list", "validation"):
        del metrics[key]
    metrics["test"]["hair_gender"]["worst_class_recall"] = math.nan
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "predictions.csv").unlink()
    page = write_report([folder], tmp_path / "out")
    assert "| 0 | modular | 1 |" in page
    assert "±" not in page
    assert "Paired" not in page
    assert "Missed" not in page
    assert (tmp_path / "out" / "report.png").is_file()
    assert read_csv(tmp_path / "out")[0]["learning_rate"] == "0.004"  # from its configuration


def test_two_runs_on_the_same_images_compare(write_run, tmp_path):
    page = write_report([write_run(), write_run("flat"), write_run.root], tmp_path / "out")
    assert page.count("too few seeds") == 2
    assert "are not shown" in page  # the images are not there, and the page says so
    assert "no such file" in page


def test_lists_kept_missing_cells_and_unequal_seeds(write_run, tmp_path):
    for seed in range(3):
        write_run(keep=[0, 5], seed=seed, folder=f"a{seed}")
    write_run("flat", [0, 5])
    write_run("flat", 5)
    write_run("flat", None, train_list="other")
    write_run("linear", None)
    page = write_report([write_run.root], tmp_path / "out")
    assert "| [0, 5] | modular | 3 |" in page
    assert "| 5 | flat | 1 |" in page
    assert "differ in 1 of 2 cells" in page
    assert "- kept all, seed 0: flat; against linear" in page


def test_several_composites_each_have_a_section(write_run, tmp_path):
    composites = write_run.spec["composites"]
    both = {
        "all three": {"attributes": ["gender", "hair length", "age"]},
        "age_gender": {"attributes": ["age", "gender"]},
    }
    write_run.spec = write_run.spec | {"composites": composites | both}
    for method in ("modular", "flat"):
        for keep in (0, 5):
            write_run(method, keep)
    page = write_report([write_run.root], tmp_path / "out")
    assert "## hair_gender" in page
    assert "## all three" in page
    assert "## age_gender" not in page  # has no rare class
    assert "(report_2.png)" in page
    assert (tmp_path / "out" / "report_2.png").is_file()


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
    assert {r["balanced_accuracy"] for r in read_csv(tmp_path / "out")} == {""}


def test_every_class_in_turn_empty_has_a_table_of_its_own(write_run, tmp_path):
    classes = [
        {"hair length": h, "gender": g} for h in ("short", "long") for g in ("female", "male")
    ]
    recalls = {}
    for place, rare in enumerate(classes):
        for seed in range(3):
            for method, rare_skill in (("modular", 0.9 - 0.1 * place), ("flat", 0.0)):
                folder = f"{method}_{place}_{seed}"
                write_run(method, 0, seed, rare=rare, rare_skill=rare_skill, folder=folder)
    for seed in range(3):
        write_run("modular", 5, seed)
    page = write_report([write_run.root], tmp_path / "out")
    lines = page[page.index("## Every joint class in turn") :].splitlines()
    header = next(x for x in lines if x.startswith("| method |"))
    names = ["long_haired_man", "short_female", "short_male", "long_female"]  # the rare one first
    assert header == f"| method | {' | '.join(names)} | mean |"
    row = next(x for x in lines if x.startswith("| modular |")).strip("| ").split(" | ")
    rows = [r for r in read_csv(tmp_path / "out") if (r["method"], r["keep"]) == ("modular", "0")]
    for place, name in enumerate(names):
        mine = [r for r in rows if r["empty"] == ("" if place == 0 else name)]
        recalls[name] = sum(float(r["rare_class_recall"]) for r in mine) / 3
        assert row[1 + place].endswith(f"/ {100 * recalls[name]:.1f} %")
    assert row[5].endswith(f"/ {100 * sum(recalls.values()) / 4:.1f} %")
    assert any(x.startswith("| modular minus the best flat | +") for x in lines)
    assert "| 0 | modular | 3 |" in page  # the rare class's runs only
    assert "same in all 3 cells" in page


def test_runs_tested_on_other_images_are_told(write_run, tmp_path):
    write_run()
    write_run.images = 10
    write_run("flat")
    assert "tested on different images" in write_report([write_run.root], tmp_path / "out")


@pytest.mark.parametrize(
    ("keep", "estimate", "lead", "expected"),
    [
        ("0", Estimate(0.12, 0.01, 5), True, "yes"),
        ("0", Estimate(0.09, 0.01, 5), True, "no"),
        ("0", Estimate(0.09, 0.01, 5), False, "yes"),
        ("5", Estimate(-0.01, 0.02, 5), True, "yes"),
        ("5", Estimate(-0.011, 0.01, 5), True, "no"),
        ("all", Estimate(0.01, 0.05, 5), True, "no"),
        ("5", Estimate(0.2, 0.01, 4), True, "too few seeds"),
    ],
)
def test_the_criterion(keep, estimate, lead, expected):
    assert Contrast(keep, "flat", {"balanced_accuracy": estimate}).verdict(lead) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "it has no method, seed, keep, test"),
        ('{"method": "a", "seed": 0, "keep": 1}', "it has no test"),
        ('{"method": "a", "seed": 0, "keep": 1, "test": 3}', "`test` is not a mapping"),
    ],
)
def test_a_broken_metrics_file_is_named(content, message, write_run, tmp_path):
    file = write_run() / "metrics.json"
    file.write_text(content)
    with pytest.raises(ConfigError, match=message) as told:
        write_report([write_run.root], tmp_path / "out")
    assert str(file) in str(told.value)
    assert not (tmp_path / "out").exists()


def test_wrong_places_are_refused(write_run, tmp_path):
    with pytest.raises(ConfigError, match="holds no finished run"):
        write_report([tmp_path], tmp_path / "out")
    first = write_run()
    shutil.copytree(first, write_run.root / "copy")
    with pytest.raises(ConfigError, match=r"both hold method 'modular', kept 0, seed 0"):
        write_report([write_run.root], tmp_path / "out")
    shutil.rmtree(write_run.root / "copy")
    (first / "config.yaml").unlink()
    with pytest.raises(ConfigError, match=r"holds no config\.yaml"):
        write_report([write_run.root], tmp_path / "out")


def test_metrics_are_printed(write_run, capsys):
    metrics = json.loads((write_run() / "metrics.json").read_text())["test"]
    metrics["hair_gender"]["recall"]["short_male"] = None
    print_metrics(metrics, "test")
    told = capsys.readouterr().out
    assert "test: hair_gender" in told
    assert "long_haired_man" in told
    assert "rare-class recall" in told
    assert "hair length" in told
