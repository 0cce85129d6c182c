"""Depth: nets of one size at every depth, rates chosen without the test split, the whole claim at its smallest."""

import dataclasses
import shutil

import pandas as pd
import pytest
import torch
from torch import nn

from modular_cls.errors import ConfigError
from modular_cls.jobs.executors import Inline
from modular_cls.lecture.depth import pictures as depth
from modular_cls.lecture.kit import claim
from modular_cls.lecture.kit.claim import measure_claim
from modular_cls.lecture.kit.lab import Lab
from modular_cls.lecture.kit.nets import parameters, width_for
from modular_cls.lecture.kit.recordings import recordings_at_hand
from modular_cls.lecture.kit.sets import Pictures, at_hand
from tests.lecture.voices import write_voices

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
        widths = [m.weight.shape[0] for m in net.modules() if isinstance(m, nn.Linear | nn.Conv2d)][
            :-1
        ]
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
    other = dataclasses.replace(
        pictures, labels=pictures.labels | {"test": {"class": (test + 1) % 10}}
    )
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


def test_spoken_digits_may_be_missing_but_not_too_few(tmp_path):
    assert depth.needs(tmp_path) == {"mnist": at_hand(tmp_path), "spoken digits": "none"}
    write_voices(tmp_path)
    with pytest.raises(
        ConfigError, match="holds 4 takes of a digit; the first 10 are for validation and test"
    ):
        depth.needs(tmp_path)


@pytest.fixture
def smallest(monkeypatch):
    monkeypatch.setattr(depth, "_SIZES", {"quick": depth._Size(3, 3, 1)})
    monkeypatch.setattr(depth, "DEPTHS", (1, 5, 7))
    monkeypatch.setattr(depth, "RATES", (1e-3,))
    monkeypatch.setattr(claim, "_RESOLUTION", 40)


def test_the_claim_without_and_with_spoken_digits(smallest, tmp_path, voices):
    some, out = tmp_path / "some", tmp_path / "out"
    assert "| no data |" in measure_claim("depth", "quick", some, tmp_path, only=["pictures"])
    assert set(pd.read_csv(some / "fully_connected.csv")["task"]) == {"mnist", "faces"}
    judged, _ = claim.verdicts("depth", some)
    mine = [j for j in judged if j.statement in depth.STATEMENTS]
    assert [j.verdict == "no data" for j in mine] == [
        "spoken digits" in j.statement.says for j in mine
    ]
    shutil.copytree(some / "cells", out / "cells")
    shutil.copy(some / "lab.json", out)
    with pytest.raises(ConfigError, match="'none'"):  # other data
        measure_claim("depth", "quick", out, voices, only=["pictures"])
    (out / "lab.json").write_text(
        (out / "lab.json").read_text().replace('"none"', f'"{recordings_at_hand(voices)}"')
    )
    page = measure_claim("depth", "quick", out, voices, only=["pictures"])
    assert page.startswith("# Tall and thin beats short and fat.")
    assert "one seed, no verdict" in page
    assert len(list((out / "cells").iterdir())) == 3 * 4 + 3
    assert all(
        (out / "cells" / p.name).stat().st_mtime_ns == p.stat().st_mtime_ns
        for p in (some / "cells").iterdir()
    )
    fully = pd.read_csv(out / "fully_connected.csv")
    assert fully.groupby("task")["budget"].value_counts().unstack()[depth.WIDE].tolist() == [
        1,
        1,
        1,
    ]
    assert ((fully["parameters"] / fully["budget"] - 1).abs() < 0.01).all()
    assert len(pd.read_csv(out / "convolutional.csv")) == 3
    for figure in ("fully_connected", "convolutional"):
        assert (out / f"{figure}.png").stat().st_size > 5_000
