"""Metrics of a run on any manifest, also where training had no test split."""

import json
import shutil
from pathlib import Path

import pytest

from modular_cls.cli import main
from tests.training.small_commands import command


@pytest.fixture(scope="module")
def run(faces_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "modular"
    assert main(command(faces_dir, out, "--data.scarcity.keep", "0")) == 0
    return out


def test_evaluate_takes_any_manifest(run, faces_dir, tmp_path, capsys):
    other = tmp_path / "other"
    shutil.copytree(faces_dir, other)
    lines = (other / "manifest.csv").read_text().splitlines()
    (other / "manifest.csv").write_text("\n".join([lines[0], *lines[-9:]]) + "\n")
    flags = ["--manifest", str(other / "manifest.csv"), "--out", str(tmp_path / "m.json")]
    assert main(["evaluate", str(run), *flags]) == 0
    metrics = json.loads((tmp_path / "m.json").read_text())["hair_gender"]
    assert metrics["recall"]["short_female"] is None
    assert "-" in capsys.readouterr().out
    assert main(["evaluate", str(run), "--split", "validation"]) == 0
    told = capsys.readouterr().out
    assert "Measuring validation" in told  # not "Testing"
    assert "Testing" not in told
    assert main(["evaluate", str(run), "--split", "tset"]) == 1
    assert "did you mean 'test'" in capsys.readouterr().err


def test_evaluate_does_not_ignore_another_prior(faces_dir, tmp_path, capsys):
    flags = [
        "--data.manifest",
        str(faces_dir / "manifest.csv"),
        "--data.workers",
        "0",
        "--training.updates",
        "2",
    ]
    assert (
        main(["train", "--config", "configs/flat.yaml", *flags, "--out", str(tmp_path / "run")])
        == 0
    )
    assert main(["evaluate", str(tmp_path / "run"), "--prediction.prior", "training"]) == 1
    assert "only data can differ, not prediction" in capsys.readouterr().err


MODULAR = Path(__file__).parent.parent.parent / "configs" / "modular.yaml"
SMALL = ("--data.scarcity", "null", "--data.batch_size", "8", "--training.updates", "2",
         "--training.validate_every", "2")  # fmt: skip


@pytest.fixture(scope="module")
def folder(faces_dir, tmp_path_factory):
    """Tables of the same faces that lack splits, and a run without test."""
    folder = tmp_path_factory.mktemp("splits")
    text = (faces_dir / "manifest.csv").read_text()
    for name, splits in (
        ("no_test", {"test": "validation"}),
        ("train", {"test": "train", "validation": "train"}),
    ):
        changed = text
        for old, new in splits.items():
            changed = changed.replace(f",{old},", f",{new},")
        (folder / f"{name}.csv").write_text(changed)
    assert train(folder, faces_dir, "no_test", "run") == 0
    return folder


def train(folder, faces_dir, table, out, *flags):
    data = ("--data.manifest", str(folder / f"{table}.csv"), "--data.root", str(faces_dir))
    return main(
        ["train", "--config", str(MODULAR), *SMALL, *data, "--out", str(folder / out), *flags]
    )


def metrics(run):
    return json.loads((run / "metrics.json").read_text())


def test_metrics_are_those_of_validation_and_said_to_be(folder, faces_dir, capsys):
    assert train(folder, faces_dir, "no_test", "again", "--overwrite") == 0
    told = capsys.readouterr().out
    assert "no test split: only validation" in told
    assert "on validation, for there is no test" in told
    assert "validation images" in told
    found = metrics(folder / "again")
    assert found["test"] == {}
    assert set(found["validation"]) == {"hair", "gender", "hair_gender"}
    assert not (folder / "again" / "predictions.csv").exists()


def test_it_can_be_measured_later(folder, faces_dir, capsys):
    run = str(folder / "run")
    out = folder / "later.json"
    assert (
        main(["evaluate", run, "--manifest", str(faces_dir / "manifest.csv"), "--out", str(out)])
        == 0
    )
    assert json.loads(out.read_text())["hair_gender"]["balanced_accuracy"] is not None
    assert main(["evaluate", run, "--split", "validation", "--out", str(out)]) == 0
    assert json.loads(out.read_text()) == metrics(folder / "run")["validation"]
    assert main(["evaluate", run]) == 1
    assert "split 'test' has no images" in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags",
    [
        ["--seed", "7"],
        ["--training.updates", "5"],
        ["--backbone.name", "resnet18"],
        ["--prediction.unreachable", "true"],
    ],
)
def test_what_it_would_not_heed_is_refused(folder, flags, capsys):
    assert main(["evaluate", str(folder / "run"), "--split", "validation", *flags]) == 1
    name = flags[0].removeprefix("--")
    assert f"only data can differ, not {name}" in capsys.readouterr().err


def test_another_schema_is_told(folder, capsys):
    asked = ["evaluate", str(folder / "run"), "--split", "validation"]
    assert main([*asked, "--schema", "{attributes: {hair: [short, long]}}"]) == 0
    assert "by the schema of the run, not by another" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["run/metrics.json", "run/classes.json", "run/config.yaml"])
def test_what_is_no_measurement_is_not_replaced(folder, name, capsys):
    before = (folder / name).read_bytes()
    asked = ["evaluate", str(folder / "run"), "--split", "validation", "--out", str(folder / name)]
    assert main(asked) == 1
    assert "exists and is not what this writes" in capsys.readouterr().err
    assert (folder / name).read_bytes() == before


def test_all_images_of_a_split_are_measured(folder, faces_dir, tmp_path):
    """How many a run was trained with does not matter."""
    rows = (faces_dir / "manifest.csv").read_text().splitlines()
    flags = ["--split", "train", "--data.per_class", "2", "--out", str(tmp_path / "m.json")]
    manifest = ["--manifest", str(faces_dir / "manifest.csv")]
    assert main(["evaluate", str(folder / "run"), *manifest, *flags]) == 0
    support = json.loads((tmp_path / "m.json").read_text())["hair_gender"]["support"]
    assert sum(support.values()) == sum(",train," in row for row in rows)


def test_reports_and_cards_say_that_nothing_is_known(folder):
    assert main(["report", str(folder / "run"), "--out", str(folder / "report")]) == 0
    page = (folder / "report" / "report.md").read_text()
    assert "**No test split: 1 of 1 runs have no scores here.**" in page
    row = (folder / "report" / "results.csv").read_text().splitlines()[1].split(",")
    assert row[:7] == ["hair_gender", "modular", "all", "0", "", "", ""]
    assert main(["export", str(folder / "run"), "--no-onnx", "--out", str(folder / "export")]) == 0
    assert "No test images: nothing is known" in (folder / "export" / "README.md").read_text()


def test_validation_is_needed_where_training_looks_at_it(folder, faces_dir, capsys):
    assert train(folder, faces_dir, "train", "alone") == 1
    assert "split 'validation' has no images" in capsys.readouterr().err
    assert train(folder, faces_dir, "train", "alone", "--training.validate_every", "0") == 0
    assert "nothing is measured" in capsys.readouterr().out
    found = metrics(folder / "alone")
    assert found["test"] == found["validation"] == {}


def test_the_audit_says_so(folder, faces_dir, tmp_path, capsys):
    def findings(table, *flags):
        config = (
            "--config",
            str(MODULAR),
            "--data.scarcity",
            "null",
            "--data.root",
            str(faces_dir),
        )
        out = tmp_path / "audit.json"
        status = main(
            [
                "audit",
                str(folder / f"{table}.csv"),
                *config,
                "--no-pictures",
                "--json",
                str(out),
                *flags,
            ]
        )
        found = {f["name"]: f["level"] for f in json.loads(out.read_text())["findings"]}
        return status, {n: level for n, level in found.items() if n.endswith("_split")}

    assert findings("no_test") == (0, {"unmeasured_split": "warning"})
    both = {"empty_split": "error", "unmeasured_split": "warning"}
    assert findings("train") == (1, both)
    assert findings("train", "--training.validate_every", "0") == (
        0,
        {"unmeasured_split": "warning"},
    )


def test_a_table_none_of_whose_pictures_exists_is_refused_at_once(folder, faces_dir, capsys):
    text = (faces_dir / "manifest.csv").read_text()
    (folder / "gone.csv").write_text(text.replace(".png", ""))
    assert train(folder, faces_dir, "gone", "gone") == 1
    error = capsys.readouterr().err
    assert "none of its " in error
    assert "has no ending; " in error
    assert not (folder / "gone").exists()


def test_the_home_folder_may_be_written_as_a_tilde(folder, faces_dir, monkeypatch):
    monkeypatch.setenv("HOME", str(faces_dir.parent))
    data = folder / "data.yaml"
    data.write_text(f"data: {{root: ~/{faces_dir.name}}}\n")
    command = [
        "audit",
        str(folder / "no_test.csv"),
        "--config",
        str(MODULAR),
        "--config",
        str(data),
    ]
    assert main([*command, "--data.scarcity", "null", "--no-pictures"]) == 0
