"""Checkpoints that are broken or of another training."""

from dataclasses import replace

import pytest

from modular_cls.errors import ConfigError, OutputExistsError
from modular_cls.training.train import train
from tests.training.small_trainings import check_same, interrupt, updates


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
