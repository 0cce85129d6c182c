"""Data: few pictures are among more, joint scores are sums, nets are equal; the whole claim at its smallest."""

import itertools

import pandas as pd
import pytest
import torch

from modular_cls.data.faces.write import SCHEMA
from modular_cls.lecture.data import pictures as data
from modular_cls.lecture.kit import claim
from modular_cls.lecture.kit.claim import measure_claim
from modular_cls.lecture.kit.nets import parameters, width_for
from modular_cls.lecture.kit.sets import load


def test_pictures_are_nested(tmp_path):
    pictures = load("faces", tmp_path)
    draws = [data.drawn(pictures, percent, 3).images["train"] for percent in (1, 5, 20, 100)]
    assert [len(d) for d in draws] == [2, 8, 32, 160]
    for few, more in itertools.pairwise(draws):
        assert torch.equal(more[: len(few)], few)
    assert not torch.equal(data.drawn(pictures, 5, 4).images["train"], draws[1])
    assert len(data.drawn(pictures, 0, 0).images["train"]) == 1


def test_joint_scores_are_sums():
    scores = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    joint = data.Added()(scores)
    hair, gender = scores[:, :2], scores[:, 2:]
    assert [a.name for a in SCHEMA.composites[0].attributes] == ["hair", "gender"]
    for z, (h, g) in enumerate(SCHEMA.composites[0].cells):
        assert torch.equal(joint[:, z], hair[:, h] + gender[:, g])


@pytest.mark.parametrize(
    ("shape", "classes", "those"),
    [
        ((1, 28, 28), 10, ("shallow", "deep")),
        ((1, 32, 32), 4, ("shallow", "deep")),
        ((1, 32, 32), 4, ("flat", "modular")),
    ],
)
def test_those_compared_are_equal_in_parameters(shape, classes, those):
    found = []
    for net in those:
        build = data.builder(net, torch.zeros(shape), classes)
        model = build(width_for(build, data.PARAMETERS[net]))
        found.append(parameters(model))
        assert sum(isinstance(m, torch.nn.ReLU) for m in model.modules()) == data.LAYERS[net]
        assert model(torch.zeros(2, *shape)).shape == (2, classes)
    assert abs(found[0] - found[1]) <= 0.01 * found[0]


def test_the_claim(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "_SIZES", {"quick": data._Size((1, 10, 50, 100), 3, 3, 1)})
    monkeypatch.setattr(data, "RATES", (1e-3, 1e-2))
    monkeypatch.setattr(data, "CONVOLUTIONAL_RATES", (1e-3,))
    monkeypatch.setattr(claim, "_RESOLUTION", 40)
    out = tmp_path / "out"
    page = measure_claim("data", "quick", out, data=tmp_path, only=["pictures"])
    assert page.startswith("# Deep and modular nets need less data.")
    kept = {path: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}
    assert len(kept) == 4 * (
        4 * 2 + 2
    )  # at four numbers of pictures: two rates for four nets, one for two
    found = pd.read_csv(out / "error.csv")
    assert found[found["net"] == "deep"].groupby("task")["pictures"].apply(list).to_dict() == {
        "faces": [2, 16, 80, 160], "mnist": [35, 350, 1750, 3500],
    }  # fmt: skip
    assert found.groupby(["task", "net", "percent"]).size().eq(1).all()
    assert (out / "error.png").stat().st_size > 5_000
    assert measure_claim("data", "quick", out, data=tmp_path, only=["pictures"]) == page
    assert {path: path.stat().st_mtime_ns for path in (out / "cells").iterdir()} == kept
