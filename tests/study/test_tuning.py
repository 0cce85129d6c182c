"""Rates and knobs chosen on real tiny runs, and taken by the study that they are for."""

import csv
import json

import pytest

from modular_cls import load_config
from modular_cls.cli import main
from modular_cls.study.cells import grid
from modular_cls.study.grid import Study, Tune
from modular_cls.study.study import run_study
from modular_cls.study.tuned import Tuned
from modular_cls.training.knob import knob_value
from tests.study.small_methods import KNOBS, OTHER, method, write


@pytest.fixture(scope="module")
def tuned(tiny, tmp_path_factory):
    """Three methods tuned through the command line; the highest rate diverges."""
    folder = tmp_path_factory.mktemp("tuning")
    grid = {
        "methods": [method(folder, name) for name in KNOBS],
        "keep": [5],
        "seeds": [100, 101],
        "also": [tiny],
        "tune": {"scarce": OTHER, "rates": [0.001, 1e30]},
    }
    out = folder / "out"
    assert main(["study", "--config", write(folder / "tune.yaml", grid), "--out", str(out)]) == 0
    return out


def read(folder):
    return json.loads((folder / "metrics.json").read_text())


def test_every_method_has_as_many_trials_of_another_scarce_class(tuned):
    names = {f.parent.name for f in tuned.glob("*/metrics.json")}
    expected = {
        "flat_rate0.001", "flat_rate1e+30", f"flat_rate{(0.001 * 1e30) ** 0.5:.4g}",
        "flat_logit_adjusted_rate0.001_tau1", "flat_logit_adjusted_rate1e+30_tau1",
        "flat_logit_adjusted_rate0.001_tau0.5",
        "flat_retrained_rate0.001_l20.00025", "flat_retrained_rate1e+30_l20.00025",
        "flat_retrained_rate0.001_l20.25",
    }  # fmt: skip
    assert names == {f"{name}_seed{seed}" for name in expected for seed in (100, 101)}
    config = load_config(tuned / "flat_rate0.001_seed100" / "config.yaml")
    scarce, rare = config.data.scarcities
    assert (scarce.joint_class, scarce.keep, scarce.validation) == (OTHER, 5, True)
    assert (rare.joint_class["gender"], rare.keep, rare.validation) == ("male", None, False)


def test_no_trial_sees_test_images_or_the_rare_class_in_validation(tuned):
    for file in tuned.glob("*_rate0.001*/metrics.json"):
        run = read(file.parent)
        assert run["test"] == {}
        assert not (file.parent / "predictions.csv").exists()
        support = run["validation"]["hair_gender"]["support"]
        assert support["long_haired_man"] == 0 < support["short_female"]
        counts = dict(zip(support, run["train_counts"]["hair_gender"], strict=True))
        assert counts["short_female"] == 5 < counts["long_haired_man"]


def test_the_best_on_validation_is_written_with_its_terms(tuned):
    found = Tuned.read(tuned / "tuned.yaml")
    assert found.terms == {
        "scarce": OTHER, "keep": 5, "seeds": [100, 101], "budget": {"updates": 3, "batch_size": 8},
        "where": {"backbone": "test_resnet", "manifest": "faces/manifest.csv"},
    }  # fmt: skip
    for name, chosen in found.methods.items():
        means = {}
        for file in tuned.glob(f"{name}_rate*_seed*/metrics.json"):
            run = read(file.parent)
            if not run.get("undefined"):
                key = (run["learning_rate"], *(run["knob"] or {"": None}).values())
                score = run["validation"]["hair_gender"]["balanced_accuracy"]
                means[key] = means.get(key, 0) + score / 2
        knob = next(iter(chosen["knob"].values()), None)
        assert means[chosen["learning_rate"], knob] == max(means.values())
        assert chosen["validation"] == round(max(means.values()), 4)
        assert chosen["trials"] == 3
        assert "learning rate" in chosen["edges"]


def test_a_rate_that_diverges_is_a_trial_that_failed(tuned):
    assert "diverged" in read(tuned / "flat_rate1e+30_seed100")["undefined"]
    page = (tuned / "report.md").read_text()
    assert "| flat | none | 3 | 0.001 |" in page
    assert "| flat_logit_adjusted | criterion.tau | 3 | 0.001 |" in page
    assert "diverged" in page
    assert not (tuned / ".fits").exists()


def test_finished_trials_are_not_run_again(tuned, tiny):
    before = {f: f.stat().st_mtime_ns for f in tuned.glob("*/metrics.json")}
    text = (tuned / "tuned.yaml").read_text()
    (tuned / "tuned.yaml").unlink()
    assert main(["study", "--config", str(tuned.parent / "tune.yaml"), "--out", str(tuned)]) == 0
    assert (tuned / "tuned.yaml").read_text() == text
    assert {f: f.stat().st_mtime_ns for f in tuned.glob("*/metrics.json")} == before


def test_a_study_takes_what_was_chosen_and_its_audit_says_so(tuned, tiny, tmp_path):
    methods = [str(tuned.parent / f"{name}.yaml") for name in KNOBS]
    study = Study(methods, [5], [0], [tiny], tuned=str(tuned / "tuned.yaml"))
    found = Tuned.read(tuned / "tuned.yaml").methods
    for config, _ in grid(study, tmp_path):
        chosen = found[config.method]
        assert config.training.learning_rate == chosen["learning_rate"]
        assert (config.training.trials, config.training.edges) == (3, chosen["edges"])
        if chosen["knob"]:
            assert {config.knob.key: knob_value(config)} == chosen["knob"]
    flags = [
        "--methods",
        json.dumps(methods[:2]),
        "--keep",
        "[5]",
        "--seeds",
        "[0]",
        "--also",
        json.dumps([tiny]),
    ]
    out = tmp_path / "study"
    assert main(["study", *flags, "--tuned", str(tuned / "tuned.yaml"), "--out", str(out)]) == 0
    row = next(
        x
        for x in (out / "report.md").read_text().splitlines()
        if x.startswith("| flat_logit_adjusted | 36")
    )
    tau = found["flat_logit_adjusted"]["knob"]["criterion.tau"]
    assert f"| 0.001 | criterion.tau = {tau} | 3 | learning rate" in row


@pytest.mark.parametrize(
    ("scarce", "knob", "message"),
    [
        ({"hair": "long", "gender": "male"}, {}, "overlaps the rare class"),
        ({"gender": "male"}, {}, "overlaps the rare class"),
        ({"gender": "mail"}, {}, "did you mean 'male'"),
        ([OTHER, {"gender": "male"}], {}, "overlaps the rare class"),
        ([OTHER, OTHER], {}, "tune.scarce holds"),
        ([], {}, "tune.scarce is empty"),
        (OTHER, {"key": "criterion.tau", "values": [0.5, 1, 2]}, "has 3 values; it must be 2"),
        (OTHER, {"key": "criterion.tau", "values": [0.5, 2]}, "its own value is 1.0"),
        (
            OTHER,
            {"key": "criterion.smothing", "values": [0.5, 1]},
            "did you mean 'criterion.smoothing'",
        ),
        (OTHER, {"key": "finish.FitBias.kappa", "values": [0, 5]}, "unknown knob"),
        (OTHER, {"key": "model.composite.hidden", "values": [1, 2]}, "no part 'composite'"),
    ],
)
def test_wrong_tunings_are_refused_before_anything_runs(
    scarce, knob, message, tiny, tmp_path, capsys
):
    changes = {"knob": knob} if knob else {}
    grid = {
        "methods": [method(tmp_path, "flat_logit_adjusted", **changes)],
        "keep": [5], "seeds": [0], "also": [tiny],
        "tune": {"scarce": scarce, "rates": [0.001, 0.002]},
    }  # fmt: skip
    told = main(
        ["study", "--config", write(tmp_path / "t.yaml", grid), "--out", str(tmp_path / "out")]
    )
    assert told != 0
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_frozen_methods_try_their_knobs_only(faces_dir, pretrained_dir, tmp_path):
    data = {"manifest": str(faces_dir / "manifest.csv"), "image_size": 32, "workers": 0}
    backbone = {
        "name": f"local-dir:{pretrained_dir}",
        "pretrained": True,
        "frozen": True,
        "args": {},
    }
    also = write(tmp_path / "also.yaml", {"data": data, "backbone": backbone})
    knob = {"key": "finish.CorrectPrior.smoothing", "values": [1, 30]}
    methods = [
        method(tmp_path, "product_corrected", knob=knob),
        method(tmp_path, "product"),
        "flat_retrained",
    ]
    study = Study(methods, [5], [0], [also], tune=Tune(OTHER))
    assert run_study(study, tmp_path / "out") == []
    names = sorted(f.parent.name for f in (tmp_path / "out").glob("*/metrics.json"))
    assert names == ["product_corrected_smoothing1_seed0", "product_corrected_smoothing30_seed0"]
    found = Tuned.read(tmp_path / "out" / "tuned.yaml").methods
    assert [m["trials"] for m in found.values()] == [2, 1, 1]
    final = Study(methods, [5], [0], [also], tuned=str(tmp_path / "out" / "tuned.yaml"))
    configs = {c.method: c for c, _ in grid(final, tmp_path)}
    assert knob_value(configs["product_corrected"]) in (1, 30)
    assert configs["product_corrected"].training.edges == ["finish.CorrectPrior.smoothing"]


def test_several_classes_judge_in_turn(faces_dir, pretrained_dir, tmp_path):
    data = {"manifest": str(faces_dir / "manifest.csv"), "image_size": 32, "workers": 0}
    backbone = {
        "name": f"local-dir:{pretrained_dir}",
        "pretrained": True,
        "frozen": True,
        "args": {},
    }
    also = write(tmp_path / "also.yaml", {"data": data, "backbone": backbone})
    judges = [OTHER, {"hair": "short", "gender": "male"}]
    tune = {"scarce": judges}
    file = write(tmp_path / "tune.yaml", {
        "methods": [method(tmp_path, "product_corrected",
                           knob={"key": "finish.CorrectPrior.smoothing", "values": [1, 30]})],
        "keep": [5], "seeds": [0, 1], "also": [also], "tune": tune})  # fmt: skip
    out = tmp_path / "out"
    assert main(["study", "--config", file, "--out", str(out)]) == 0
    folders = [f.parent for f in out.glob("*/metrics.json")]
    by_value = {}
    for folder in folders:
        config = load_config(folder / "config.yaml")
        scarce = config.data.scarcities[0]
        assert (scarce.keep, scarce.validation) == (5, True)
        score = read(folder)["validation"]["hair_gender"]["balanced_accuracy"]
        judged = (config.seed, *sorted(scarce.joint_class.items()))
        by_value.setdefault(knob_value(config), {})[judged] = score
    draws = {(seed, *sorted(j.items())) for seed in (0, 1) for j in judges}
    assert [set(scores) for scores in by_value.values()] == [draws, draws]
    means = {value: sum(scores.values()) / 4 for value, scores in by_value.items()}
    chosen = Tuned.read(out / "tuned.yaml")
    assert chosen.terms["scarce"] == judges
    (found,) = chosen.methods.values()
    assert means[found["knob"]["finish.CorrectPrior.smoothing"]] == max(means.values())
    assert found["trials"] == 2


def test_judges_of_equal_values_are_told_apart(faces_dir, pretrained_dir, tmp_path):
    """Otherwise one run stands for both, and the second is never trained."""
    with (faces_dir / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    words = ("no", "yes")
    for i, row in enumerate(rows):
        labels = {"long": words[row["hair"] == "long"], "male": words[row["gender"] == "male"]}
        row |= labels | {"odd": words[i % 2]}
    with (tmp_path / "m.csv").open("w", newline="") as file:
        writer = csv.DictWriter(
            file, ["path", "split", "long", "male", "odd"], extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows(rows)
    values = {name: list(words) for name in ("long", "male", "odd")}
    schema = {"attributes": values, "composites": {"all": {"attributes": list(values)}}}
    rare = {"joint_class": {"long": "yes", "male": "yes", "odd": "yes"}, "keep": 3}
    data = {"manifest": str(tmp_path / "m.csv"), "root": str(faces_dir), "image_size": 32,
            "workers": 0, "scarcity": rare}  # fmt: skip
    frozen = {"name": f"local-dir:{pretrained_dir}", "pretrained": True, "frozen": True, "args": {}}
    also = write(tmp_path / "also.yaml", {"schema": schema, "data": data, "backbone": frozen})
    knob = {"key": "finish.CorrectPrior.smoothing", "values": [1, 30]}
    judges = [{"long": "yes", "male": "no", "odd": "no"}, {"long": "no", "male": "yes", "odd": "no"},
              {"long": "no", "odd": "yes", "male": "no"}]  # fmt: skip
    assert len({tuple(sorted(j.values())) for j in judges}) == 1
    method_ = method(tmp_path, "product_corrected", knob=knob)
    study = Study([method_], [5], [0], [also], tune=Tune(judges))
    assert run_study(study, tmp_path / "out") == []
    judged = {}
    for file in (tmp_path / "out").glob("*/metrics.json"):
        config = load_config(file.parent / "config.yaml")
        judged.setdefault(knob_value(config), []).append(config.data.scarcities[0].joint_class)
    assert all(sorted(map(str, found)) == sorted(map(str, judges)) for found in judged.values())
    assert run_study(study, tmp_path / "out") == []  # and goes on where it is done
