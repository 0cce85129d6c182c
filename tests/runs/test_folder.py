"""Run folders damaged on purpose: what is wrong is told, in words, with the file's name."""

import json
import shutil
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modular_cls import Predictor, Run
from modular_cls.cli import main
from modular_cls.errors import ConfigError
from modular_cls.files import _MACHINE
from modular_cls.runs.folder import CONFIG, MARKER, WEIGHTS
from modular_cls.runs.identity import identity
from tests.runs.small_runs import edit, forge, poison, zero

SECRET = "topsecret"


@pytest.mark.parametrize(
    "read",
    [Run.load, Predictor.load, lambda run: main(["evaluate", str(run)])],
    ids=["run", "predictor", "evaluate"],
)
def test_a_run_that_was_being_replaced_is_found(read, copy, dead, capsys):
    """Whoever asks for it first after the kill puts it back."""
    copy.rename(copy.with_name(f".copy.{_MACHINE}-{dead}.old"))
    assert read(copy) != 1
    assert "copy: put back; a process was killed while it replaced it" in capsys.readouterr().err
    assert [f.name for f in copy.parent.iterdir()] == ["copy"]


DAMAGES = {
    "weights zeroed": (lambda f, o: zero(f / WEIGHTS), "last.safetensors .*truncated or changed"),
    "weights truncated": (lambda f, o: (f / WEIGHTS).write_bytes((f / WEIGHTS).read_bytes()[:500]), "last.safetensors .500 bytes. is truncated"),
    "weights gone": (lambda f, o: (f / WEIGHTS).unlink(), "last.safetensors is missing"),
    "weights are text": (lambda f, o: (f / WEIGHTS).write_text("hello"), "last.safetensors"),
    "weights swapped": (lambda f, o: shutil.copy(o / WEIGHTS, f / WEIGHTS), "last.safetensors .*changed"),
    "weights nan": (lambda f, o: forge(f, poison), "last.safetensors: weights that are not finite"),
    "weights infinite": (lambda f, o: forge(f, lambda w: w["joint_heads.0.bias"].fill_(torch.inf)), "joint_heads.0.bias: 4 of 4 values"),
    "weights of another shape": (lambda f, o: forge(f, lambda w: w.update({"joint_heads.0.bias": torch.zeros(7)})), r"is of shape \(7,\)"),
    "weights of other names": (lambda f, o: forge(f, lambda w: w.update(more=w.pop("joint_heads.0.bias"))), "more has no place"),
    "config swapped": (lambda f, o: shutil.copy(o / CONFIG, f / CONFIG), "config.yaml is not the configuration of this run"),
    "config truncated": (lambda f, o: (f / CONFIG).write_bytes((f / CONFIG).read_bytes()[:700]), "config.yaml"),
    "config zeroed": (lambda f, o: zero(f / CONFIG, 400), "config.yaml is corrupt"),
    "config is a list": (lambda f, o: (f / CONFIG).write_text("[1]"), "config.yaml holds a list"),
    "config is binary": (lambda f, o: (f / CONFIG).write_bytes(b"\xff\xfe\xfd"), "config.yaml is corrupt"),
    "means nan": (lambda f, o: edit(f, "data", "mean", value=[float("nan")] * 3), "config.yaml"),
    "huge size": (lambda f, o: edit(f, "data", "image_size", value=10**9), "config.yaml"),
    "metrics empty": (lambda f, o: (f / MARKER).write_text("{}"), "metrics.json is not that of a finished run"),
    "metrics truncated": (lambda f, o: (f / MARKER).write_text('{"method": "fl'), "metrics.json is corrupt"),
    "metrics swapped": (lambda f, o: shutil.copy(o / MARKER, f / MARKER), "last.safetensors .*changed"),
    "metrics gone": (lambda f, o: (f / MARKER).unlink(), "holds no metrics.json"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_told(name, finished, copy):
    damage, message = DAMAGES[name]
    damage(copy, finished / "modular")
    with pytest.raises(ConfigError, match=message):
        Run.load(copy)


@pytest.mark.parametrize("name", [MARKER, CONFIG, "backbone.json"])
@settings(max_examples=40)
@given(place=st.integers(0), by=st.integers(1, 255))
def test_any_byte_of_what_a_run_says_is_taken_or_told_by_name(
    finished, tmp_path_factory, name, place, by
):
    """The digests of other files are among it: then not they alone are blamed."""
    folder = shutil.copytree(finished / "flat", tmp_path_factory.mktemp("byte") / "run")
    content = bytearray((folder / name).read_bytes())
    content[place % len(content)] ^= by
    (folder / name).write_bytes(content)
    told = name
    try:
        Run.load(folder)
    except ConfigError as error:
        told = str(error)
    assert name in told


@pytest.mark.parametrize("keys", [["config"], ["data"], ["data", "augment"], ["data", "scarcity"], ["backbone"], ["training"], ["prediction"], ["schema"], ["seed"]], ids=".".join)  # fmt: skip
def test_a_configuration_names_no_other_file(keys, copy, tmp_path, capfd):
    """Not even where somebody wrote the digest that fits: nothing of that file is shown, or imported."""
    (tmp_path / "secret.yaml").write_text(f"{SECRET}: 1\n")
    for value in (str(tmp_path / "secret.yaml"), "antigravity.geohash"):
        content = edit(copy, *keys, value=value)
        metrics = json.loads((copy / MARKER).read_text())
        metrics["identity"] = identity(content)
        (copy / MARKER).write_text(json.dumps(metrics))
        with pytest.raises(ConfigError, match="config.yaml") as told:
            Run.load(copy)
        assert SECRET not in str(told.value) + "".join(capfd.readouterr())
        assert "antigravity" not in sys.modules
