"""Two processes that train together see what one would; a split has one bar."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from modular_cls.cli import main
from modular_cls.training.task import AttributeTask
from tests.training.small_commands import command

ROOT = Path(__file__).parents[2]
SCRIPT = """
import os, sys
from modular_cls.cli import main
from modular_cls.training.task import AttributeTask
step = AttributeTask.training_step
def told(self, batch, i):
    with open(f"{os.environ['SEEN']}.{self.global_rank}", "a") as file:
        print(i, *batch["row"].tolist(), file=file)
    return step(self, batch, i)
AttributeTask.training_step = told
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


def run_here(words, environment):
    """Run a script in this process, which has imported everything, and put back what it changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AttributeTask, "training_step", AttributeTask.training_step)
        patch.setattr(sys, "argv", words)
        patch.chdir(ROOT)
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit, match="0"):
            runpy.run_path(words[0], run_name="__main__")


@pytest.fixture(scope="module")
def trained(faces_dir, tmp_path_factory):
    """A network without batch norm, trained by one process and by two: run folders, and rows by update."""
    place = tmp_path_factory.mktemp("devices")
    (place / "script.py").write_text(SCRIPT)
    found = {}
    for count in (1, 2):
        out = place / f"run{count}"
        flags = ["--data.manifest", str(faces_dir / "manifest.csv"), "--data.image_size=32", "--data.workers=0",
                 "--data.batch_size=8", "--data.scarcity=null", "--backbone.name=test_vit", "--backbone.args={img_size: 32}",
                 "--training.updates=8", "--training.validate_every=4", "--training.threads=1", "--training.accelerator=cpu",
                 f"--training.devices={count}", "--training.strategy=" + ("ddp" if count > 1 else "auto")]  # fmt: skip
        words = [str(place / "script.py"), "train", "--config", "configs/modular.yaml", *flags, "--out", str(out)]  # fmt: skip
        environment = {"SEEN": str(place / f"seen{count}"), "PYTHONPATH": str(ROOT)}
        if count == 1:
            run_here(words, environment)
        else:  # which starts the other process itself
            command = [sys.executable, *words]
            subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300, env=os.environ | environment)  # fmt: skip
        seen = [(place / f"seen{count}.{p}").read_text().splitlines() for p in range(count)]
        rows = [
            [int(n) for part in update for n in part.split()[1:]]
            for update in zip(*seen, strict=True)
        ]
        found[count] = out, rows
    return found


def test_two_processes_see_the_images_of_one(trained):
    assert trained[2][1] == trained[1][1]
    assert len(trained[1][1]) == 8
    assert len({n for update in trained[1][1] for n in update}) == 64  # of 96: none twice


def test_and_learn_the_same(trained):
    first, second = (
        json.loads((out / "metrics.json").read_text()) for out, _ in (trained[1], trained[2])
    )
    for split in ("validation", "test"):
        for name, values in first[split].items():
            for metric in ("accuracy", "balanced_accuracy", "confusion", "support"):
                assert values[metric] == second[split][name][metric]
            assert values["ece"] == pytest.approx(second[split][name]["ece"], abs=1e-4)
    losses = [
        (out / "log.csv").read_text().splitlines()[1].split(",") for out, _ in trained.values()
    ]
    assert float(losses[0][-1]) == pytest.approx(float(losses[1][-1]), abs=1e-5)


def test_a_split_has_one_bar_for_its_decoding(faces_dir, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "cache"))
    capsys.readouterr()
    assert main(command(faces_dir, tmp_path / "run")) == 0
    told = capsys.readouterr().out
    for split in ("train", "validation", "test"):
        assert told.count(f"Decoding {split}") == 1
        assert (split == "train") or told.count(f"Measuring {split}") == 1
