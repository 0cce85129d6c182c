"""Run folders read for a report, and `results.csv`."""

import csv
import json
import math
import shutil

import pytest

from modular_cls.errors import ConfigError
from modular_cls.report.page import write_report

COLUMNS = ["composite", "method", "keep", "seed", "balanced_accuracy", "rare_class_recall", "worst_class_recall",
           "ece", "rare_test_images", "validation_balanced_accuracy", "trainable_parameters", "train_images", "updates",
           "learning_rate", "knob", "ridge", "seconds", "undefined", "empty"]  # fmt: skip


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
    validation = run["validation"]["hair_gender"]["balanced_accuracy"]
    assert float(row["validation_balanced_accuracy"]) == validation


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
