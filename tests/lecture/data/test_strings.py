"""Strings needed: where curves cross, bounds where they never do, nets of equal size; the whole part at its smallest."""

import pandas as pd
import pytest

from modular_cls.lecture.data import strings
from modular_cls.lecture.kit import claim
from modular_cls.lecture.kit import strings as kit
from modular_cls.lecture.kit.claim import measure_claim
from modular_cls.lecture.kit.nets import parameters
from modular_cls.lecture.kit.strings import string_net


def curve(net, errors, seed=0):
    return [
        {"synonyms": 2, "net": net, "seed": seed, "strings": n, "test error": e}
        for n, e in errors.items()
    ]


def test_where_a_curve_crosses():
    rows = [
        *curve("tree", {100: 0.9, 200: 0.3, 400: 0.0}),
        *curve("shallow", {400: 0.3, 100: 0.9, 200: 0.5}),
        *curve("tree", {100: 0.05, 200: 0.0}, seed=1),
    ]
    found = strings.needed(pd.DataFrame(rows)).set_index(["net", "seed"])
    crossing = 201 * (401 / 201) ** (2 / 3) - 1  # straight over the logarithm of one more
    assert found.loc[("tree", 0), "needed"] == pytest.approx(crossing)
    assert found.loc[("tree", 1), "needed"] == 100
    assert found.loc[("shallow", 0)].tolist() == [2, 64, 800, 0]  # twice the most measured
    assert found.loc[(strings._BOUND, 0), "needed"] == 4 * 8 * 2**3
    assert found["reached"].tolist() == [1, 0, 1, 1, 1]


def test_nets_are_equal_in_parameters():
    for kind, layers in strings.NETS.values():
        net = string_net(kind, strings.LEVELS, layers, strings.PARAMETERS, 0)
        assert abs(parameters(net) - strings.PARAMETERS) <= 0.01 * strings.PARAMETERS


def test_the_part(tmp_path, monkeypatch):
    monkeypatch.setattr(strings, "_SIZES", {"quick": strings._Size((2, 4), 3, 1)})
    monkeypatch.setattr(strings, "_RATES", (1e-2,))
    monkeypatch.setattr(claim, "_RESOLUTION", 40)
    monkeypatch.setattr(kit, "_TEST", 200)
    out = tmp_path / "out"
    page = measure_claim("data", "quick", out, data=tmp_path, only=["strings"])
    found = pd.read_csv(out / "strings.csv")
    assert found.groupby(["synonyms", "net"])["strings"].apply(set).to_dict() == {
        (2, "tree"): {32, 64, 128, 256}, (4, "tree"): {256, 512, 1024, 2048},
        (2, "deep"): {256, 512}, (4, "deep"): {2048, 4096, 8192, 16384},
        (2, "shallow"): {256, 512}, (4, "shallow"): {2048, 4096, 8192, 16384},
    }  # fmt: skip
    needed = pd.read_csv(out / "needed.csv")
    assert needed[needed["net"] == "deep"]["needed"].tolist() == [1024, 32768]
    assert page.count("one seed, no verdict |") == page.count("no data |") == 12
    for kind in ("png", "svg"):
        assert (out / f"strings.{kind}").stat().st_size > 5000
