"""A training that is told to stop stops soon, saves, says where, and exits as a shell expects."""

import os
import shlex
import shutil
import signal
import time
from pathlib import Path

import pytest

from modular_cls.cli import main
from modular_cls.data import cache
from modular_cls.finish.bias import FitBias
from modular_cls.jobs import signals
from modular_cls.runs import folder as runs
from modular_cls.training import fit, train
from modular_cls.training.checkpoint import Checkpoints
from modular_cls.training.saver import Saver
from modular_cls.training.task import AttributeTask
from tests import forked
from tests.training.small_trainings import NOISY, result, signal_in, updates

ROOT = Path(__file__).parents[2]
CODES = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGUSR1: 138}
PLACES = {
    "building": (fit, "build_model"),
    "decoding": (cache, "read_image"),
    "loader start": (fit.AttributeDataModule, "train_dataloader"),
    "saving": (Checkpoints, "write"),
    "end of training": (Saver, "on_train_end"),
    "finish": (FitBias, "fit"),
    "writing": (train, "write_predictions"),
    "last file": (runs, "write_metrics"),
}
SAVED = {"saving", "end of training", "finish", "writing", "last file"}


def command(faces_dir, out, *flags):
    data = {"manifest": faces_dir / "manifest.csv", "image_size": 32, "batch_size": 8, "workers": 0}
    training = {"updates": 12, "validate_every": 5, "save_every": 4, "threads": 1}
    given = [
        *(f"--data.{k}={v}" for k, v in data.items()),
        *(f"--training.{k}={v}" for k, v in training.items()),
        f"--backbone.args={NOISY}",
        "--data.scarcity=null",
    ]
    return ["train", "--config", str(ROOT / "configs/modular.yaml"), *given, *flags, "--out", str(out)]  # fmt: skip


@pytest.fixture(scope="module")
def whole(faces_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "run"
    assert main(command(faces_dir, out)) == 0
    return out


def stopped(arguments, code, capsys):
    """Stopped within 10 s of computing; the command that goes on, as it was told."""
    started = time.process_time()
    assert main(arguments) == code
    assert time.process_time() - started < 10
    told = capsys.readouterr().err
    assert f"interrupted by {signal.Signals(code - 128).name}" in told
    return told, shlex.split(told.split("go on with: modular-cls ")[1].strip())


@pytest.mark.parametrize("signum", CODES, ids=lambda s: s.name)
@pytest.mark.parametrize("step", ["training_step", "validation_step"])
def test_between_updates_nothing_is_lost(signum, step, faces_dir, whole, tmp_path, capsys):
    with signal_in(step, 2, signum):
        told, again = stopped(command(faces_dir, tmp_path / "run"), CODES[signum], capsys)
    (saved,) = updates(tmp_path / "run")[-1:]
    assert f"update {saved} is saved in {tmp_path / 'run' / 'checkpoints'}" in told
    assert main(again) == 0
    assert result(tmp_path / "run") == result(whole)


@pytest.mark.parametrize("place", PLACES)
def test_wherever_it_is(place, faces_dir, whole, tmp_path, monkeypatch, capsys):
    signum = list(CODES)[list(PLACES).index(place) % 3]
    owner, name = PLACES[place]
    original = getattr(owner, name)

    def interrupted(*args, **given):
        os.kill(os.getpid(), signum)
        return original(*args, **given)

    if place == "decoding":
        monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "cache"))
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, interrupted)
        told, again = stopped(command(faces_dir, tmp_path / "run"), CODES[signum], capsys)
    assert ("nothing is saved yet" in told) == (place not in SAVED)
    assert (tmp_path / "run").exists() == (place in SAVED)
    assert [f.name for f in tmp_path.iterdir() if f.name.startswith(".")] == []
    assert main(again) == 0
    assert result(tmp_path / "run") == result(whole)


def test_a_scheduler_stops_it_and_it_goes_on(faces_dir, whole, tmp_path, monkeypatch, capsys):
    """Under SLURM nothing is left where one stands, and the next training begins at its beginning."""
    there = tmp_path / "here"
    there.mkdir()
    monkeypatch.chdir(there)
    for name, value in {"NTASKS": 1, "JOB_ID": 7, "JOB_NAME": "train", "PROCID": 0, "LOCALID": 0, "NODELIST": "node1"}.items():  # fmt: skip
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    with signal_in("training_step", 7, signal.SIGUSR1):
        _, again = stopped(command(faces_dir, tmp_path / "run"), 138, capsys)
    assert main(command(faces_dir, tmp_path / "other")) == 0
    assert result(tmp_path / "other") == result(whole)
    assert list(there.iterdir()) == []
    assert main(again) == 0
    assert result(tmp_path / "run") == result(whole)


def test_a_signal_to_the_whole_group(faces_dir, tmp_path):
    """As a terminal's Ctrl-C or a scheduler sends it: the processes that load pictures get it too."""
    flags, log = ("--data.workers=2", "--training.updates=5000"), tmp_path / "log"
    process = forked.start(command(faces_dir, tmp_path / "run", *flags), log)
    while not updates(tmp_path / "run"):
        assert forked.is_running(process)
        time.sleep(0.05)
    os.killpg(process, signal.SIGTERM)
    end = forked.finish(process, log, time.monotonic())
    assert end.status == 143
    assert "go on with: modular-cls train" in end.told
    assert "Traceback" not in end.told


def test_what_comes_too_late_is_ended(faces_dir, tmp_path, monkeypatch):
    """An update that takes for ever is not waited for: what was saved before is told."""
    step, calls = AttributeTask.training_step, []

    def slow(self, batch, i):
        calls.append(i)
        if len(calls) == 6:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        return step(self, batch, i)

    monkeypatch.setattr(AttributeTask, "training_step", slow)
    monkeypatch.setattr(signals, "_PATIENCE", 1.0)
    end = forked.run(command(faces_dir, tmp_path / "run"), tmp_path / "log")
    assert end.status == 143
    assert "update 4 is saved in" in end.told


def test_a_folder_that_cannot_be_written_is_told_before_training(faces_dir, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(command(faces_dir, tmp_path / "file" / "run")) == 1
    assert "file" in capsys.readouterr().err


def test_no_room_is_told_before_training(faces_dir, tmp_path, monkeypatch, capsys):
    usage = shutil.disk_usage(tmp_path)._replace(free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "none"))
    assert main(command(faces_dir, tmp_path / "run")) == 1
    assert "has 1 MiB free; training needs about" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_full_disk_at_the_end_loses_nothing(faces_dir, whole, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device", str(tmp_path / "run"))

    with monkeypatch.context() as patch:
        patch.setattr(train, "write_weights", full)
        assert main(command(faces_dir, tmp_path / "run")) == 1
    told = capsys.readouterr().err
    assert "No space left on device" in told
    assert "update 12 is saved in" in told
    assert "the same command and --resume" in told
    with signal_in("training_step", 1):  # which is not reached: nothing is trained again
        assert main(command(faces_dir, tmp_path / "run", "--resume")) == 0
    assert result(tmp_path / "run") == result(whole)


def test_a_full_disk_on_the_way_does_not_stop_it(faces_dir, whole, tmp_path, monkeypatch, capsys):
    original, calls = Checkpoints.write, []

    def full(self, state, update):
        calls.append(update)
        if update == 8:
            raise OSError(28, "No space left on device")
        return original(self, state, update)

    monkeypatch.setattr(Checkpoints, "write", full)
    assert main(command(faces_dir, tmp_path / "run")) == 0
    assert calls == [4, 8, 12]
    assert (
        "update 8 cannot be saved: [Errno 28] No space left on device; update 4 is saved"
        in capsys.readouterr().out
    )
    assert result(tmp_path / "run") == result(whole)
