"""Depth on strings: nets of one size at every depth, labels shuffled in training only, the whole part at its smallest."""

import pandas as pd
import pytest
from torch import nn

from modular_cls.lecture.depth import strings as depth
from modular_cls.lecture.kit import claim
from modular_cls.lecture.kit import strings as kit
from modular_cls.lecture.kit.claim import measure_claim
from modular_cls.lecture.kit.nets import Parts, parameters
from modular_cls.lecture.kit.strings import FULL, PARAMETERS, TREE, draw_strings, string_net


@pytest.mark.parametrize("levels", depth.SYNONYMS)
def test_nets_are_as_deep_as_they_say_and_equal_in_parameters(levels):
    for kind in (FULL, TREE):
        for layers in depth.DEPTHS[levels]:
            net = string_net(kind, levels, layers, PARAMETERS, 0)
            assert abs(parameters(net) - PARAMETERS) <= 0.02 * PARAMETERS
            assert sum(isinstance(m, nn.ReLU) for m in net.modules()) == layers
            assert sum(isinstance(m, Parts) for m in net.modules()) == layers * (kind == TREE)
    one, same = (string_net(kind, levels, 1, PARAMETERS, 0) for kind in (FULL, TREE))
    x = draw_strings(2, levels, 5, 0).images["train"]
    assert (one(x) == same(x)).all()  # a tree net of one layer is a fully connected one


def run(**other):
    cell = {"levels": 3, "strings": 700, "kind": TREE, "layers": 3, "budget": 5000, "updates": 120,
            "times": 1, "rate": 3e-2, "seed": 0}  # fmt: skip
    return depth.read_strings(None, **(cell | other))["test error"]


def test_controls_err_like_chance_and_the_tree_net_learns(monkeypatch):
    monkeypatch.setitem(depth.SYNONYMS, 3, 2)  # so that few strings are enough
    assert run(strings=500) < 0.2
    for control in ({"times": 0}, {"shuffled": True}):
        assert 0.8 < run(strings=500, **control) < 0.95


def test_the_part(tmp_path, monkeypatch):
    monkeypatch.setattr(depth, "_SIZES", {"quick": depth._Size(3, 1)})
    monkeypatch.setattr(depth, "RATES", (1e-3, 1e-2))
    monkeypatch.setattr(depth, "FEW", 1)
    monkeypatch.setattr(depth, "MANY", 2)
    monkeypatch.setattr(claim, "_RESOLUTION", 40)
    monkeypatch.setattr(kit, "_TEST", 200)
    said = depth.STATEMENTS
    page = measure_claim("depth", "quick", tmp_path / "out", data=tmp_path, only=["strings"])
    found = pd.read_csv(tmp_path / "out" / "strings.csv")
    assert set(found["strings"]) == {512, 1024, 648, 1296}
    assert (found["parameters"] / found["budget"] - 1).abs().max() < 0.02
    assert set(pd.read_csv(tmp_path / "out" / "controls.csv")["net"]) == {
        "untrained", "shuffled labels", "chance",
    }  # fmt: skip
    for kind in ("png", "svg"):
        assert (tmp_path / "out" / f"strings.{kind}").stat().st_size > 5000
    assert "**Verdict: not measured in full.**" in page  # the other parts are missing
    assert len(said) == page.count("no data |") + page.count("one seed, no verdict |")
