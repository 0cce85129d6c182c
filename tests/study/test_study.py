"""Studies on real tiny runs: shared fits, any executor, and everything that can go wrong on the way."""

import csv
import json
import os
import shutil
from concurrent.futures import Executor
from pathlib import Path

import pytest
import yaml

from modular_cls import load_config
from modular_cls.cli import main
from modular_cls.errors import ConfigError
from modular_cls.jobs.executors import Inline, Processes
from modular_cls.jobs.signals import Interrupted
from modular_cls.runs.folder import Run
from modular_cls.study.cells import grid
from modular_cls.study.grid import Study
from modular_cls.study.study import make_jobs, run_study
from modular_cls.training.train import train
from tests.training.small_trainings import signal_in

ROOT = Path(__file__).parents[2]


def updates(folder):
    return sorted(int(f.stem.removeprefix("update_")) for f in folder.glob("*.ckpt"))


def study(tiny, *methods, keep=(5,), seeds=(0,), **more):
    return Study(methods=list(methods), keep=list(keep), seeds=list(seeds), also=[tiny], **more)


def read(folder):
    return json.loads((folder / "metrics.json").read_text())


def results(out):
    return {
        p.parent.name: {**read(p.parent), "seconds": None}
        for p in sorted(out.glob("*/metrics.json"))
    }


@pytest.fixture(scope="module")
def finished(tiny, tmp_path_factory):
    """Three methods, two of which share a fit, with and without images of the rare class."""
    out = tmp_path_factory.mktemp("study")
    assert run_study(study(tiny, "flat", "flat_retrained", "modular", keep=(0, 5)), out) == []
    return out


def test_methods_that_differ_only_after_the_fit_share_it(tiny, finished, tmp_path):
    names = "flat", "flat_retrained", "additive_learned", "modular", "product"
    jobs = make_jobs(grid(study(tiny, *names), tmp_path))
    assert [[folder.name for _, folder in job] for job in jobs] == [
        ["flat_k5_seed0", "flat_retrained_k5_seed0"],
        ["additive_learned_k5_seed0", "modular_k5_seed0"],
        ["product_k5_seed0"],
    ]
    logs = [
        (finished / f"{m}_k5_seed0" / "log.csv").read_text()
        for m in ("flat", "flat_retrained", "modular")
    ]
    assert logs[0] == logs[1] != logs[2]


@pytest.mark.parametrize("method", ["flat", "flat_retrained", "modular"])
def test_a_cell_is_what_a_run_alone_would_be(method, tiny, finished, tmp_path):
    """A shared fit leaves nothing of one method's ending in another's."""
    config = load_config(finished / f"{method}_k5_seed0" / "config.yaml")
    train(config, tmp_path / "alone", progress=False)
    assert {**read(tmp_path / "alone"), "seconds": None} == results(finished)[f"{method}_k5_seed0"]


def test_undefined_cells_are_null_with_the_reason_and_not_run_again(tiny, finished):
    cell = read(finished / "flat_retrained_k0_seed0")
    assert cell["test"] == {}
    assert "without training images of long_haired_man" in cell["undefined"]
    assert (cell["method"], cell["keep"], cell["seed"]) == ("flat_retrained", 0, 0)
    names = "flat", "flat_retrained", "modular"
    assert make_jobs(grid(study(tiny, *names, keep=(0, 5)), finished)) == []
    with pytest.raises(ConfigError, match="holds no model: RetrainClassifier is not defined"):
        Run.load(finished / "flat_retrained_k0_seed0")


def test_all_methods_learn_from_the_same_images(finished):
    cells = results(finished)
    assert cells["flat_k5_seed0"]["train_list"] == cells["modular_k5_seed0"]["train_list"]
    assert cells["flat_k0_seed0"]["train_list"] != cells["flat_k5_seed0"]["train_list"]


@pytest.mark.parametrize("processes", ["own", "dask"])
def test_any_executor_gives_the_same_results(processes, tiny, finished, tmp_path):
    grid = study(tiny, "flat", "flat_retrained", "modular", processes=2)
    if processes == "own":
        assert run_study(grid, tmp_path) == []
    else:
        distributed = pytest.importorskip("distributed")
        # Its worker is a thread: what another process adds, the other executor shows.
        options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None, "processes": False}  # fmt: skip
        with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
            assert run_study(grid, tmp_path, client.get_executor()) == []
    expected = {name: cell for name, cell in results(finished).items() if cell["keep"] == 5}
    assert results(tmp_path) == expected


class Unlucky(Executor):
    """Its first jobs end the process that they are given to; the others are done here."""

    def __init__(self, deaths):
        self.inner, self.deaths = Processes(1), deaths

    def submit(self, fn, /, *args):
        self.deaths -= 1
        return self.inner.submit(os._exit, 1) if self.deaths >= 0 else Inline().submit(fn, *args)


def test_a_worker_that_dies_costs_one_more_try(tiny, tmp_path, capsys):
    """Two cells: both die; then the first dies again, and the second succeeds."""
    executor = Unlucky(deaths=3)
    failures = run_study(study(tiny, "flat", "modular"), tmp_path, executor)
    executor.inner.shutdown()
    assert "tried once more" in capsys.readouterr().out
    (failure,) = failures
    assert failure.startswith("flat_k5_seed0: ")
    assert "BrokenProcessPool" in failure
    assert list(results(tmp_path)) == ["modular_k5_seed0"]


def test_a_failed_cell_is_reported_and_does_not_stop_the_others(tiny, tmp_path, capsys):
    broken = {
        "base": str(ROOT / "configs/flat.yaml"),
        "method": "broken",
        "data": {"root": str(tmp_path / "nowhere")},  # pictures are missed when they are decoded
    }
    (tmp_path / "broken.yaml").write_text(yaml.safe_dump(broken))
    grid = {
        "methods": [str(tmp_path / "broken.yaml"), "flat"],
        "keep": [5],
        "seeds": [0],
        "also": [tiny],
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(grid))
    out = tmp_path / "study"
    assert main(["study", "--config", str(tmp_path / "study.yaml"), "--out", str(out)]) == 1
    told = capsys.readouterr()
    assert "broken_k5_seed0" in told.err
    assert "nowhere" in told.err
    assert list(results(out)) == ["flat_k5_seed0"]
    assert "| 5 | flat | 1 |" in (out / "report.md").read_text()


DAMAGES = {
    "metrics.json": lambda f: f.write_text('{"method": "fl'),
    "config.yaml": lambda f: f.write_text('{"method": "fl'),
    "checkpoints/last.safetensors": lambda f: f.write_bytes(f.read_bytes()[:-100]),
    "predictions.csv": lambda f: f.unlink(),
    "log.csv": lambda f: f.write_bytes(bytes(len(f.read_bytes()))),
}


@pytest.mark.parametrize("name", [*DAMAGES, "{}"])
def test_a_corrupt_result_is_computed_anew_and_said_so(name, tiny, finished, tmp_path, capsys):
    out = tmp_path / "study"
    shutil.copytree(finished / "flat_k5_seed0", out / "flat_k5_seed0")
    if name == "{}":
        (out / "flat_k5_seed0" / "metrics.json").write_text("{}")
    else:
        DAMAGES[name](out / "flat_k5_seed0" / name)
    assert run_study(study(tiny, "flat"), out) == []
    assert "flat_k5_seed0 is corrupt" in capsys.readouterr().out
    assert results(out)["flat_k5_seed0"] == results(finished)["flat_k5_seed0"]


@pytest.mark.parametrize(("step", "number"), [("training_step", 2), ("test_step", 3), ("test_step", 4)])  # fmt: skip
def test_an_interrupted_cell_goes_on(step, number, tiny, finished, tmp_path, capsys):
    """In its fit, in the end of the first cell of a fit, and in that of the second."""
    out = tmp_path / "study"
    with signal_in(step, number), pytest.raises(Interrupted):
        run_study(study(tiny, "flat", "flat_retrained"), out)
    assert updates(next((out / ".fits").iterdir())) == [2 if step == "training_step" else 3]
    with signal_in("training_step", 2):  # which is reached in no case
        assert run_study(study(tiny, "flat", "flat_retrained"), out) == []
    assert not (out / ".fits").exists()
    for name, cell in results(out).items():
        assert cell == results(finished)[name]


def test_each_joint_class_is_in_turn_the_empty_one(tiny, tmp_path):
    flags = ["--methods", "[flat]", "--keep", "[0, 5]", "--seeds", "[0]", "--also", f"[{tiny}]"]
    out = tmp_path / "study"
    assert main(["study", *flags, "--empty", "each", "--out", str(out)]) == 0
    cells = results(out)
    names = ["long_haired_man", "short_female", "short_male", "long_female"]
    folders = ["", "_empty_short+female", "_empty_short+male", "_empty_long+female"]
    assert set(cells) == {f"flat_k0_seed0{folder}" for folder in folders} | {"flat_k5_seed0"}
    order = ["short_female", "short_male", "long_female", "long_haired_man"]
    for name, folder in zip(names, folders, strict=True):
        cell = cells[f"flat_k0_seed0{folder}"]
        assert cell["train_counts"]["hair_gender"] == [0 if n == name else 24 for n in order]
        assert cell["test"]["hair_gender"]["recall"][name] == 0
    page = (out / "report.md").read_text()
    assert f"| method | {' | '.join(names)} | mean |" in page
    assert "| 0 | flat | 1 |" in page
    assert make_jobs(grid(study(tiny, "flat", keep=(0, 5), empty="each"), out)) == []


def test_a_study_without_a_finished_cell_says_why(tiny, tmp_path, capsys):
    broken = {"base": "flat.yaml", "data": {"root": str(tmp_path / "nowhere")}}
    (tmp_path / "broken.yaml").write_text(yaml.safe_dump(broken))
    flags = [
        "--methods",
        f"[{tmp_path / 'broken.yaml'}]",
        "--keep",
        "[5]",
        "--seeds",
        "[0]",
        "--also",
        f"[{tiny}]",
    ]
    assert main(["study", *flags, "--out", str(tmp_path / "study")]) == 1
    told = capsys.readouterr().err
    assert "these cells failed" in told
    assert "nowhere" in told


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
