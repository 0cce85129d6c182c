"""The whole page, from invented run folders."""

import csv
import json

import pytest
from PIL import Image

from modular_cls.report.comparison import Comparison
from modular_cls.report.page import write_report
from modular_cls.report.results import read_runs
from modular_cls.runs.score_table import MISSING, SCORES


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


def test_the_parts_of_a_score_add_up_to_it(write_run):
    """For every score, with a worst class that changes from run to run."""
    for seed in range(5):
        write_run(seed=seed, skill=0.7, rare_skill=0.7)
    comparison = Comparison("hair_gender", read_runs([write_run.root]))
    for score in (*SCORES, "short_female"):
        sample = comparison.sample("modular", "0", score)
        sums = [sum(part[sample.groups == z].mean() for z in range(4)) for part in sample.parts]
        assert sums == pytest.approx(sample.values.tolist())


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
