"""What layers know: the whole claim."""

import pandas as pd
import pytest

from modular_cls.errors import ConfigError
from modular_cls.jobs.executors import Inline
from modular_cls.lecture import layers
from modular_cls.lecture.kit import claim, sets
from modular_cls.lecture.kit.lab import Lab


def test_end_to_end(tmp_path, monkeypatch):
    each = dict.fromkeys(layers.SETS, 40)
    monkeypatch.setattr(
        layers, "_SIZES", {"quick": layers._Size(dict.fromkeys(layers.SETS, 3), each, 40, 250, 1)}
    )
    monkeypatch.setattr(layers, "_SETTLING", 3)
    monkeypatch.setattr(claim, "_RESOLUTION", 25)
    text = claim.measure_claim("layers", "quick", tmp_path / "out", data=tmp_path)
    found = pd.read_csv(tmp_path / "out" / "layers.csv")
    assert len(found) == 2 * sum(last + 1 for last in layers.LAST.values())
    assert found["probe_hair"].notna().equals(found["set"] == "faces")
    inputs = found[found["layer"] == 0].groupby("set")[["probe_class", "purity", "fisher", "apart"]]
    assert (inputs.nunique() == 1).all(
        axis=None
    )  # before the first layer, training makes no difference
    figures = {"numbers"} | {
        f"{kind}_{name}" for kind in ("projections", "units") for name in layers.SETS
    }
    assert {p.stem for p in (tmp_path / "out").glob("*.png")} == figures
    assert all(f"![{name}]" in text for name in figures)
    monkeypatch.setattr(sets, "load", None)  # nothing is measured anew
    again = layers.compute(Lab("quick", tmp_path / "out", tmp_path, Inline(), None))["layers"]
    assert again["purity"].tolist() == pytest.approx(found["purity"].tolist())


def test_no_digits_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(sets, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"mnist\.npz is not there"):
        claim.measure_claim("layers", "quick", tmp_path / "out", data=tmp_path)
    assert not (tmp_path / "out").exists()
