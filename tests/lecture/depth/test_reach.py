"""Reach: nets equal in parameters whatever they see, the whole part at its smallest."""

import pandas as pd
import pytest
from torch import nn

from modular_cls.lecture.depth import reach
from modular_cls.lecture.kit import claim
from modular_cls.lecture.kit.claim import measure_claim
from modular_cls.lecture.kit.nets import parameters


@pytest.mark.parametrize("field", reach.FIELDS)
@pytest.mark.parametrize("layers", reach.DEPTHS)
def test_nets_are_as_deep_as_they_say_and_equal_in_parameters(field, layers):
    net = reach.seeing_net(field, layers, 0)
    assert abs(parameters(net) - reach.PARAMETERS) <= 0.03 * reach.PARAMETERS
    assert sum(isinstance(m, nn.Conv2d) for m in net.modules()) == layers


def test_the_part(tmp_path, monkeypatch):
    monkeypatch.setattr(reach, "_SIZES", {"quick": reach._Size(3, 1)})
    monkeypatch.setattr(reach, "_RATES", (1e-2,))
    monkeypatch.setattr(reach, "PARAMETERS", 971)  # one filter of 31 x 31
    monkeypatch.setattr(claim, "_RESOLUTION", 40)
    page = measure_claim("depth", "quick", tmp_path / "out", data=tmp_path, only=["reach"])
    assert page.count("one seed, no verdict |") == len(reach.STATEMENTS)
    assert len(pd.read_csv(tmp_path / "out" / "reach.csv")) == 7
    assert (tmp_path / "out" / "reach.svg").stat().st_size > 5000
