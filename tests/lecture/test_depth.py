"""Depth: nets of one size at every depth, rates chosen without the test split, the whole claim at its smallest."""

import dataclasses

import pandas as pd
import pytest
import torch
from torch import nn
from voices import write_voices

from modular_cls.errors import ConfigError
from modular_cls.executors import Inline
from modular_cls.lecture import claim, depth
from modular_cls.lecture.claim import measure_claim
from modular_cls.lecture.lab import Lab
from modular_cls.lecture.nets import parameters, width_for
from modular_cls.lecture.sets import Pictures

SHAPES = {"mnist": (1, 28, 28), "spoken digits": (1, 40, 20), "faces": (1, 32, 32)}
NETS = [("fully_connected", task, depth.PARAMETERS) for task in SHAPES] + [
    ("convolutional", "faces", depth.CONVOLUTIONAL_PARAMETERS)
]


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    write_voices(data, takes=11)
    return data


@pytest.mark.parametrize(("kind", "task", "budget"), NETS)
def test_nets_are_as_deep_as_they_say_and_equal_in_parameters(kind, task, budget):
    pictures = Pictures({"train": torch.zeros(1, *SHAPES[task])}, {}, 4 if task == "faces" else 10)
    for layers in depth.DEPTHS:
        build = depth.builder(kind, pictures, layers)
        net = build(width_for(build, budget))
        assert abs(parameters(net) - budget) <= 0.01 * budget
        assert sum(isinstance(m, nn.ReLU) for m in net.modules()) == layers
        assert sum(isinstance(m, nn.Linear | nn.Conv2d) for m in net.modules()) == layers + 1
        widths = [m.weight.shape[0] for m in net.modules() if isinstance(m, nn.Linear | nn.Conv2d)][:-1]
        assert max(widths) - min(widths) <= 1


def rates(folder, monkeypatch, pictures):
    monkeypatch.setattr(depth, "examples", lambda task, data: pictures)
    lab = Lab("quick", folder, folder, Inline(), None)
    nets = [
        {"task": "mnist", "kind": "fully_connected", "layers": d, "budget": b, "updates": 8}
        for d, b in ((1, 3000), (3, 4000))
    ]
    return depth._tuned(lab, nets, 2), lab.table(
        depth.measure, [{**net, "rate": rate, "seed": 0} for net in nets for rate in depth.RATES]
    )


def test_a_rate_is_chosen_on_the_validation_split_only(tmp_path, monkeypatch, voices):
    monkeypatch.setattr(depth, "RATES", (1e-5, 1e-2, 3.0))
    pictures = depth.examples("mnist", voices)
    found, trials = rates(tmp_path / "a", monkeypatch, pictures)
    for layers, tried in trials.groupby("layers"):
        best = tried.loc[tried["validation error"].idxmin(), "rate"]
        assert found.loc[found["layers"] == layers, "rate"].tolist() == [best, best]
    test = pictures.labels["test"]["class"]
    other = dataclasses.replace(pictures, labels=pictures.labels | {"test": {"class": (test + 1) % 10}})
    permuted, _ = rates(tmp_path / "b", monkeypatch, other)
    assert permuted["rate"].tolist() == found["rate"].tolist()
    assert (permuted["test error"] != found["test error"]).all()


def test_splits_of_spoken_digits(voices):
    found = depth.examples("spoken digits", voices)
    assert {s: tuple(x.shape) for s, x in found.images.items()} == {
        "train": (30, *SHAPES["spoken digits"]),
        "validation": (150, *SHAPES["spoken digits"]),
        "test": (150, *SHAPES["spoken digits"]),
    }
    assert found.labels["train"]["class"].bincount().tolist() == [3] * 10
    assert found.images["train"].std() == pytest.approx(1, abs=1e-3)


def test_what_is_missing_is_told(tmp_path):
    with pytest.raises(ConfigError, match="Free Spoken Digit Dataset"):
        depth.needs(tmp_path)
    write_voices(tmp_path)
    with pytest.raises(ConfigError, match="holds 4 takes of a digit; the first 10 are for validation and test"):
        depth.needs(tmp_path)


def test_the_claim(tmp_path, monkeypatch, voices):
    monkeypatch.setattr(depth, "_SIZES", {"quick": depth._Size(3, 3, 1)})
    monkeypatch.setattr(depth, "DEPTHS", (1, 5, 7))
    monkeypatch.setattr(depth, "RATES", (1e-3,))
    monkeypatch.setattr(claim, "_RESOLUTION", 40)
    out = tmp_path / "out"
    page = measure_claim("depth", "quick", out, data=voices)
    assert page.startswith("# Tall and thin beats short and fat.")
    assert "one seed, no verdict" in page
    kept = {path: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
    assert len(kept) == 3 * 4 + 3
    fully = pd.read_csv(out / "fully_connected.csv")
    assert fully.groupby("task")["budget"].value_counts().unstack()[depth.WIDE].tolist() == [1, 1, 1]
    assert ((fully["parameters"] / fully["budget"] - 1).abs() < 0.01).all()
    assert len(pd.read_csv(out / "convolutional.csv")) == 3
    for figure in ("fully_connected", "convolutional"):
        assert (out / f"{figure}.png").stat().st_size > 5_000
    assert measure_claim("depth", "quick", out, data=voices) == page
    assert {path: path.stat().st_mtime_ns for path in (out / "cells").iterdir()} == kept
