"""A training that is interrupted and goes on is the training that was not, to the last bit."""

import shutil

import pytest
import torch

from modular_cls.errors import OutputExistsError
from modular_cls.export.export import export_run
from modular_cls.jobs.signals import Interrupted
from modular_cls.training.checkpoint import read_checkpoint
from modular_cls.training.train import train
from tests.training.small_trainings import (
    check_same,
    interrupt,
    result,
    signal_in,
    updates,
)

METHODS = {
    "modular": {},
    "flat": {"data__workers": 2},
    "flat_group_dro": {},
    "flat_ldam_drw": {"data__workers": 2},
    "em": {},
}


@pytest.mark.parametrize("name", METHODS)
def test_resumed_is_uninterrupted(name, config, whole, tmp_path):
    """Stopped at update 9 by a signal; then as if killed: update 8, of its own accord, is the last."""
    mine, out = config(name, **METHODS[name]), tmp_path / "run"
    interrupt(mine, out, "training_step", 9)
    assert updates(out) == [8, 9]
    killed = shutil.copytree(out, tmp_path / "killed")
    (killed / "checkpoints" / "update_9.ckpt").unlink()
    for folder in (out, killed):
        train(mine, folder, progress=False, resume=True)
        check_same(folder, whole(name, **METHODS[name]))


@pytest.mark.parametrize(("every", "number", "saved"), [(5, 1, 5), (5, 2, 10), (6, 2, 12), (1, 3, 3)])  # fmt: skip
def test_resumed_in_a_validation(every, number, saved, config, whole, tmp_path):
    """The last one included; it is done again, and all its rows are in the log."""
    given = {"training__validate_every": every}
    interrupt(config("modular", **given), tmp_path / "run", "validation_step", number)
    assert max(updates(tmp_path / "run")) == saved
    train(config("modular", **given), tmp_path / "run", progress=False, resume=True)
    check_same(tmp_path / "run", whole("modular", **given))


def test_resumed_in_the_end(config, whole, tmp_path):
    """After the last update nothing is trained again."""
    interrupt(config("modular"), tmp_path / "run", "test_step", 1)
    assert updates(tmp_path / "run") == [8, 12]
    again = config("modular")
    train(again, tmp_path / "run", progress=False, resume=True)
    check_same(tmp_path / "run", whole("modular"))


def test_from_other_weights(config, whole, tmp_path):
    """Pretrained weights are read, and heads solved on them, once, not again when it goes on."""
    export_run(whole("modular"), tmp_path / "exported", onnx=False)
    mine = config("modular", backbone__name=f"local-dir:{tmp_path / 'exported'}", backbone__pretrained=True)  # fmt: skip
    train(mine, tmp_path / "whole", progress=False)
    interrupt(mine, tmp_path / "run", "training_step", 9)
    train(mine, tmp_path / "run", progress=False, resume=True)
    check_same(tmp_path / "run", tmp_path / "whole")


def plain(value):
    if isinstance(value, torch.Tensor):
        return str(value.dtype), value.tolist()
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def test_the_whole_state_is_the_same_in_the_end(config, tmp_path):
    """Optimiser, schedule, criterion and random generators too, not only what a run keeps."""
    states = []
    for name in ("whole", "resumed"):
        if name == "resumed":
            interrupt(config("em"), tmp_path / name, "training_step", 7)
        with signal_in("test_step", 1), pytest.raises(Interrupted):
            train(config("em"), tmp_path / name, progress=False, resume=True)
        states.append(read_checkpoint(tmp_path / name / "checkpoints" / "update_12.ckpt"))
    first, second = ({**state, "seconds": 0, "loops": 0} for state in states)
    assert {"optimizer_states", "lr_schedulers", "state_dict", "random", "rows"} <= first.keys()
    assert any("shares" in name for name in first["state_dict"])  # of expectation maximisation
    assert plain(first) == plain(second)


def test_resumed_again_and_again(config, whole, tmp_path):
    mine = config("modular", training__save_every=1)
    interrupt(mine, tmp_path / "run", "training_step", 2)
    for step in ("training_step", "validation_step", "training_step"):
        with signal_in(step, 2), pytest.raises(Interrupted):
            train(mine, tmp_path / "run", progress=False, resume=True)
    train(mine, tmp_path / "run", progress=False, resume=True)
    check_same(tmp_path / "run", whole("modular"))


def test_overwrite_begins_anew(config, whole, tmp_path, capsys):
    interrupt(config("modular"), tmp_path / "run", "training_step", 9)
    train(config("modular"), tmp_path / "run", overwrite=True, progress=False)
    assert "going on" not in capsys.readouterr().out
    check_same(tmp_path / "run", whole("modular"))


def test_a_finished_run_is_left_as_it_is(config, whole, tmp_path, capsys):
    out = shutil.copytree(whole("modular"), tmp_path / "run")
    before = {f: f.stat().st_mtime_ns for f in out.rglob("*")}
    train(config("modular"), out, progress=False, resume=True)
    assert "finished already" in capsys.readouterr().out
    assert {f: f.stat().st_mtime_ns for f in out.rglob("*")} == before
    with pytest.raises(OutputExistsError, match="finished run of another configuration"):
        train(config("modular", seed=7), out, progress=False, resume=True)


def test_an_earlier_run_stays_until_the_resumed_one_is_complete(config, whole, tmp_path):
    out = shutil.copytree(whole("flat", **METHODS["flat"]), tmp_path / "run")
    before = result(out)
    with signal_in("training_step", 9), pytest.raises(Interrupted):
        train(config("modular"), out, overwrite=True, progress=False)
    assert result(out) == before
    train(config("modular"), out, progress=False, resume=True)
    check_same(out, whole("modular"))
