"""Sensitivity: 0 for a layer that merges synonyms, 1 for one that knows nothing of them; the whole part at its smallest."""

import numpy as np
import pandas as pd
import pytest
import torch

from modular_cls.lecture.data import merging
from modular_cls.lecture.kit import claim
from modular_cls.lecture.kit.claim import measure_claim
from modular_cls.lecture.kit.hierarchy import exchanged, grammar
from modular_cls.lecture.kit.strings import TREE, string_net


def test_sensitivity_of_what_is_known():
    rules, rng = grammar(8, 8, 4, 3, 0), np.random.default_rng(0)
    some, others = (rules.derive(rules.draw(500, rng)) for _ in range(2))
    twins = exchanged(rules, some, 1, rng)

    def told(level):
        each = (torch.from_numpy(d.symbols[level]).float() for d in (some, twins, others))
        return merging.sensitivity(*each)

    assert told(2) == told(0) == 0  # the parts above the pairs exchanged are the same
    assert told(3) == pytest.approx(1, abs=0.2)


def test_layers_are_those_of_the_net():
    net = string_net(TREE, 3, 3, 2000, 0)
    x = torch.randn(5, 8, 8)
    found = merging.layers(net, x)
    assert len(found) == 3
    with torch.inference_mode():
        assert torch.allclose(net[-1](found[-1]), net(x), atol=1e-6)


def test_the_part(tmp_path, monkeypatch):
    monkeypatch.setattr(merging, "_SIZES", {"quick": merging._Size(3, 1)})
    monkeypatch.setattr(claim, "_RESOLUTION", 40)
    out = tmp_path / "out"
    page = measure_claim("data", "quick", out, data=tmp_path, only=["merging"])
    found = pd.read_csv(out / "merging.csv")
    assert len(found) == 3 * 3 * 3
    assert found["sensitivity"].between(0, 1.5).all()
    assert page.count("one seed, no verdict |") == len(merging.STATEMENTS)
    assert (out / "merging.svg").stat().st_size > 5000
