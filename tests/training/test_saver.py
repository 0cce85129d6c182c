"""A training that is interrupted and goes on is the training that was not, to the last bit."""

import shutil
from dataclasses import replace

import pytest
import torch

from modular_cls.config import Config
from modular_cls.errors import ConfigError, OutputExistsError
from modular_cls.export.export import export_run
from modular_cls.jobs.signals import Interrupted
from modular_cls.training.checkpoint import read_checkpoint
from modular_cls.training.train import train
from tests.training.small_trainings import interrupt, partly, result, signal_in, small, updates

METHODS = {
    "modular": {},
    "flat": {"data__workers": 2},
    "flat_group_dro": {},
    "flat_ldam_drw": {"data__workers": 2},
    "em": {},
}


@pytest.fixture(scope="module")
def config(faces_dir, tmp_path_factory):
    def make(name, **given) -> Config:
        if name == "em":
            table = partly(faces_dir, tmp_path_factory.mktemp("partly") / "manifest.csv")
            given |= {"data__manifest": table, "data__allow_outside": True}
            name = "modular"
        return small(faces_dir, name, **given)

    return make


@pytest.fixture(scope="module")
def whole(config, tmp_path_factory):
    """Runs without an interruption, each made once."""
    made = {}

    def make(name, **given):
        key = (name, *sorted(given.items()))
        if key not in made:
            made[key] = tmp_path_factory.mktemp("whole") / "run"
            train(config(name, **given), made[key], progress=False)
        return made[key]

    return make


def check_same(out, whole):
    assert result(out) == result(whole)  # digests of weights, predictions, scores and log included
    assert [f.name for f in (out / "checkpoints").iterdir()] == ["last.safetensors"]


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


def damage(path, how):
    data = bytearray(path.read_bytes())
    if how == "zeroed":
        data[5000:5064] = bytes(64)
    path.write_bytes(
        {"zeroed": data, "truncated": data[:1000], "empty": b"", "text": b"hello\n"}[how]
    )


@pytest.mark.parametrize("how", ["zeroed", "truncated", "empty", "text"])
def test_a_broken_checkpoint_is_named_and_the_one_before_is_used(
    how, config, whole, tmp_path, capfd
):
    interrupt(config("modular"), tmp_path / "run", "training_step", 9)
    damage(tmp_path / "run" / "checkpoints" / "update_9.ckpt", how)
    train(config("modular"), tmp_path / "run", progress=False, resume=True)
    told = capfd.readouterr()
    assert "update_9.ckpt" in told.err
    assert "the one before is used" in told.err
    assert "going on from update 8 of 12" in told.out
    check_same(tmp_path / "run", whole("modular"))


def test_another_training_is_not_gone_on_with(config, faces_dir, tmp_path):
    out = tmp_path / "run"
    interrupt(config("modular"), out, "training_step", 9)
    before = updates(out)
    with pytest.raises(
        OutputExistsError, match=r"unfinished training: update 9.*--resume.*--overwrite"
    ):
        train(config("modular"), out, progress=False)
    with pytest.raises(
        ConfigError, match=r"another training: training.learning_rate is 0.1, was 0.008"
    ):
        train(config("modular", training__learning_rate=0.1), out, progress=False, resume=True)
    shorter = tmp_path / "manifest.csv"
    lines = (faces_dir / "manifest.csv").read_text().splitlines()
    shorter.write_text("\n".join(lines[:1] + lines[2:]) + "\n")
    given = {"data__manifest": shorter, "data__root": str(faces_dir)}
    with pytest.raises(ConfigError, match="another training: images is"):
        train(config("modular", **given), out, progress=False, resume=True)
    assert updates(out) == before
    # what does not change the fit may differ: how it ends, and how fast it goes
    other = replace(config("modular", data__workers=1), method="other", finish=[])
    train(other, out, progress=False, resume=True)


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
