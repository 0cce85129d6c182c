"""Small real runs through the command line, and wrong input on purpose."""

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

import modular_cls
from modular_cls import load_config
from modular_cls.cli import main
from modular_cls.config import Config
from modular_cls.config.shipped import packaged_configs

ROOT = Path(__file__).parent.parent
TINY = ["--training.updates", "4", "--data.batch_size", "8", "--data.image_size", "32", "--data.workers", "0",
        "--training.validate_every", "2"]  # fmt: skip


def command(faces_dir, out, *flags, config="modular.yaml"):
    manifest = ["--data.manifest", str(faces_dir / "manifest.csv")]
    return [
        "train",
        "--config",
        str(ROOT / "configs" / config),
        *manifest,
        *TINY,
        "--out",
        str(out),
        *flags,
    ]


def read(run):
    return json.loads((run / "metrics.json").read_text())


@pytest.fixture(scope="module")
def run(faces_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "modular"
    assert main(command(faces_dir, out, "--data.scarcity.keep", "0")) == 0
    return out


@pytest.mark.parametrize("file", packaged_configs(), ids=lambda file: file.stem)
def test_every_configuration_trains_and_keeps_the_contract(file, faces_dir, tmp_path):
    two = ["--training.updates", "2"]
    assert main(command(faces_dir, tmp_path / "run", *two, config=file.name)) == 0
    kept = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert list(kept) == [field.name for field in fields(Config)]  # whole: it stands on no file
    metrics = read(tmp_path / "run")
    assert metrics["method"] == file.stem
    assert (metrics["keep"], metrics["seed"], metrics["updates"]) == (5, 0, 2)
    assert metrics["train_images"] == 3 * 24 + 5
    joint = metrics["test"]["hair_gender"]
    assert list(joint["recall"]) == ["short_female", "short_male", "long_female", "long_haired_man"]
    assert joint["rare_class_recall"] == joint["recall"]["long_haired_man"]
    assert sum(map(sum, joint["confusion"])) == sum(joint["support"].values()) == 24
    assert 0 <= metrics["test"]["hair"]["balanced_accuracy"] <= 1
    assert json.loads((tmp_path / "run" / "classes.json").read_text())["gender"] == [
        "female",
        "male",
    ]
    with (tmp_path / "run" / "log.csv").open() as file:
        assert "train/loss" in next(csv.reader(file))


def test_says_what_can_be_reached(faces_dir, tmp_path, capsys):
    main(command(faces_dir, tmp_path / "a", "--data.scarcity.keep", "0"))
    assert "reachable by composition: long_haired_man" in capsys.readouterr().out
    main(
        command(
            faces_dir,
            tmp_path / "b",
            "--data.scarcity.keep",
            "0",
            config="flat_logit_adjusted.yaml",
        )
    )
    assert "out of this method's reach, never predicted: long_haired_man" in capsys.readouterr().out
    assert read(tmp_path / "b")["test"]["hair_gender"]["rare_class_recall"] == 0


def test_the_fitted_bias_is_in_the_saved_weights(run, faces_dir, tmp_path):
    """A reloaded run gives the same metrics on the same images, and its config runs again to the same."""
    assert main(["evaluate", str(run), "--out", str(tmp_path / "m.json")]) == 0
    again = json.loads((tmp_path / "m.json").read_text())
    assert again == read(run)["test"]
    assert (
        main(["train", "--config", str(run / "config.yaml"), "--out", str(tmp_path / "again")]) == 0
    )
    first, second = read(run), read(tmp_path / "again")
    assert first["test"] == second["test"]
    assert first["finish"] == second["finish"]


def test_seed_and_workers(faces_dir, tmp_path):
    """Another seed is another run; loading in other processes is not."""
    for name, flags in {
        "a": ["--seed", "1"],
        "b": ["--data.workers", "2", "--training.threads", "2"],
    }.items():
        assert main(command(faces_dir, tmp_path / name, "--training.threads", "2", *flags)) == 0
    assert main(command(faces_dir, tmp_path / "c", "--training.threads", "2")) == 0
    losses = {n: (tmp_path / n / "log.csv").read_text() for n in "abc"}
    assert losses["a"] != losses["c"]
    assert losses["b"] == losses["c"]


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


def test_study_resumes_and_report_compares(faces_dir, tmp_path, capsys):
    grid = {
        "methods": [str(ROOT / "configs/modular.yaml"), str(ROOT / "configs/flat.yaml")],
        "keep": [0, None],
        "seeds": [0],
        "also": [str(tmp_path / "data.yaml")],
    }
    data = {
        "manifest": str(faces_dir / "manifest.csv"),
        "image_size": 32,
        "workers": 0,
        "batch_size": 8,
    }
    (tmp_path / "data.yaml").write_text(yaml.safe_dump({"data": data, "training": {"updates": 2}}))
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(grid))
    arguments = [
        "study",
        "--config",
        str(tmp_path / "study.yaml"),
        "--out",
        str(tmp_path / "study"),
    ]
    assert main(arguments) == 0
    written = {p: p.stat().st_mtime_ns for p in (tmp_path / "study").glob("*/metrics.json")}
    assert len(written) == 4
    shutil.rmtree(tmp_path / "study" / "flat_k0_seed0")
    assert main(arguments) == 0
    assert {
        p: p.stat().st_mtime_ns for p in written if "flat_k0" not in str(p)
    }.items() <= written.items()
    page = (tmp_path / "study" / "report.md").read_text()
    assert "| 0 | modular | 1 |" in page
    assert "| all | flat | 1 |" in page
    assert (tmp_path / "study" / "report.png").read_bytes().startswith(b"\x89PNG")
    with (tmp_path / "study" / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {r["keep"] for r in rows} == {"0", "all"}
    (tmp_path / "data.yaml").write_text(yaml.safe_dump({"data": data, "training": {"updates": 3}}))
    assert main(arguments) == 1
    assert "another configuration" in capsys.readouterr().err


def test_an_existing_run_is_kept_until_the_new_one_is_complete(run, faces_dir, tmp_path, capsys):
    mine = tmp_path / "mine"
    shutil.copytree(run, mine)
    before = (mine / "metrics.json").read_bytes()
    assert main(command(faces_dir, mine)) == 1
    assert "--overwrite" in capsys.readouterr().err
    broken = tmp_path / "faces"
    shutil.copytree(faces_dir, broken)
    picture = next((broken / "train").iterdir())
    picture.write_bytes(picture.read_bytes()[:200])
    assert main(command(broken, mine, "--overwrite", "--data.scarcity", "null")) == 1
    assert picture.name in capsys.readouterr().err
    assert (mine / "metrics.json").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    (foreign / "chapter1.txt").write_text("years of work")
    assert main(command(faces_dir, foreign, "--overwrite")) == 1
    assert (foreign / "chapter1.txt").exists()


SCHEMA = "{attributes: {hair: [short, long], gender: [female, male]}, composites: {c: {attributes: [hair, gender]}}}"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--data.imge_size", "64"], "did you mean '--data.image_size'"),
        (["--sed", "1"], "did you mean '--seed'"),
        (["--training.schedule", "onecycle"], "did you mean 'one_cycle'"),
        (["--config", "flta"], "did you mean 'configs/flat.yaml'"),
        (["--training.updates", "0"], "training.updates is 0"),
        (["--training.accelerator", "abacus"], "abacus"),
        (["--training.devices", "3"], "multiple of the 3 devices"),
        (["--backbone.name", "test_resnt"], "did you mean 'test_resnet"),
        (
            ["--backbone.args", "{checkpoint_path: x.pth}"],
            "backbone.args may not hold checkpoint_path",
        ),
        (["--data.scarcity.keep", "25"], "24 training images of long_haired_man"),
        (["--data.scarcity.keep", "-1"], "from 0 to 24"),
        (["--data.scarcity.joint_class", "{hair: lnog}"], "did you mean 'long'"),
        (["--data.scarcity.joint_class", "{hiar: long}"], "did you mean 'hair'"),
        (["--data.manifest", "nowhere.csv"], "nowhere.csv"),
        (["--data.manifest", "${MODULAR_CLS_DATA_X}/a.csv"], "MODULAR_CLS_DATA"),
        (["--model", "{name: ModularClasifier}"], "did you mean 'ModularClassifier'"),
        (["--model", "{name: os.system, command: ls}"], "unknown name 'os.system'"),
        (["--criterion", "{name: JointLikelihood, tua: 1}"], "did you mean 'tau'"),
        (["--finish", "[{name: FitBais}]"], "did you mean 'FitBias'"),
        (["--prediction.prior", "{long_haired_mann: 0.5}"], "did you mean 'long_haired_man'"),
        (["--prediction.prior", "{long_haired_man: 1.5}"], "from 0 to 1"),
        (["--schema", SCHEMA.replace("male]", "man]")], "'male' is not one of"),
        (["--schema", SCHEMA.replace("gender", "sex")], "no column 'sex'"),
        (
            ["--schema", SCHEMA.replace("attributes: [hair, gender]", "attributes: [hair, gendr]")],
            "mean 'gender'",
        ),
    ],
)
def test_wrong_input_is_refused_before_anything_slow(flags, message, faces_dir, tmp_path, capsys):
    try:
        status = main(command(faces_dir, tmp_path / "run", *flags))
    except SystemExit as stopped:
        status = stopped.code
    told = capsys.readouterr()
    assert status != 0
    assert message in told.err
    assert "Decoding" not in told.out
    assert list(tmp_path.iterdir()) == []


def test_a_method_without_meaning_on_these_data_says_why(faces_dir, tmp_path, capsys):
    flags = ["--data.scarcity.keep", "0"]
    assert main(command(faces_dir, tmp_path / "run", *flags, config="flat_class_weights.yaml")) == 1
    assert (
        "WeightedLikelihood is not defined without training images of long_haired_man"
        in capsys.readouterr().err
    )
    assert (
        main(command(faces_dir, tmp_path / "run", "--data.hold_out", "1", config="flat.yaml")) == 1
    )
    assert "data.hold_out is 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "manifest.csv"),
        (lambda text: text.splitlines()[0] + "\n", "no rows"),
        (lambda text: text + text.splitlines()[1] + "\n", "stands in an earlier row"),
        (
            lambda text: text.replace("train/short_female_00000.png", "../secret.png"),
            "leaves the root",
        ),
        (
            lambda text: text.replace("train/short_female_00000.png", "train/gone.png"),
            "gone.png: no such file",
        ),
        (lambda text: text.replace(",validation,", ",train,"), "'validation' has no images"),
        (lambda text: text.replace(",test,", ",tset,"), "did you mean 'test'"),
    ],
)
def test_a_broken_manifest_is_told_by_row(change, message, faces_dir, tmp_path, capsys):
    data = tmp_path / "faces"
    shutil.copytree(faces_dir, data)
    manifest = data / "manifest.csv"
    manifest.write_text(change(manifest.read_text()))
    assert main(command(data, tmp_path / "run", "--data.scarcity", "null")) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_misspelt_key_in_a_file(faces_dir, tmp_path, capsys):
    (tmp_path / "a.yaml").write_text("data: {manifets: x.csv}")
    with pytest.raises(SystemExit):
        main(command(faces_dir, tmp_path / "run", "--config", str(tmp_path / "a.yaml")))
    assert "did you mean 'manifest'" in capsys.readouterr().err


def test_faces_verb(tmp_path, capsys):
    arguments = ["faces", "--out", str(tmp_path / "faces"), "--per-class", "4", "--seed", "3"]
    assert main(arguments) == 0
    assert len((tmp_path / "faces" / "manifest.csv").read_text().splitlines()) == 1 + 4 * (
        4 + 1 + 1
    )
    assert main(arguments) == 1
    assert main([*arguments, "--overwrite"]) == 0
    assert main([*arguments, "--overwrite", "--interaction", "2"]) == 1
    assert "interaction from 0 to 1" in capsys.readouterr().err


def test_frame(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == modular_cls.__version__
    assert main([]) == 0
    assert "train" in capsys.readouterr().out
    assert main(["trian"]) == 2
    assert "did you mean 'train'" in capsys.readouterr().err
    assert main(["evaluate", "nowhere"]) == 1
    out = subprocess.run(
        [sys.executable, "-m", "modular_cls", "evaluate", "--help"], capture_output=True, text=True
    )
    assert out.returncode == 0
    assert "--manifest" in out.stdout


def test_help_of_train_ends_with_a_whole_configuration(tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["train", "--help"])
    assert left.value.code == 0
    printed = capsys.readouterr().out
    (tmp_path / "whole.yaml").write_text("schema:" + printed.partition("\nschema:")[2])
    assert load_config(tmp_path / "whole.yaml") == load_config("modular.yaml")


def test_a_split_has_one_bar_for_its_decoding(faces_dir, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "cache"))
    capsys.readouterr()
    assert main(command(faces_dir, tmp_path / "run")) == 0
    told = capsys.readouterr().out
    for split in ("train", "validation", "test"):
        assert told.count(f"Decoding {split}") == 1
        assert (split == "train") or told.count(f"Measuring {split}") == 1


def test_balanced_sampling_never_draws_what_lacks_a_label_and_says_so(faces_dir, tmp_path, capsys):
    header, *rows = [
        line.split(",") for line in (faces_dir / "manifest.csv").read_text().splitlines()
    ]
    for row in [r for r in rows if r[1] == "train"][::2]:
        row[2] = ""
    (tmp_path / "m.csv").write_text("\n".join(map(",".join, [header, *rows])))
    for method, told in (
        ("flat_balanced_sampling", "never drawn by data.sampling: balanced"),
        ("flat", "marginal"),
    ):
        flags = ["--data.manifest", str(tmp_path / "m.csv"), "--data.root", str(faces_dir), "--data.workers", "0",
                 "--data.scarcity", "null", "--training.updates", "2", "--out", str(tmp_path / method)]  # fmt: skip
        assert main(["train", "--config", f"configs/{method}.yaml", *flags]) == 0
        assert told in next(
            line for line in capsys.readouterr().out.splitlines() if "lack some label" in line
        )


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
