"""Nets trained side by side are what each is alone; the whole claim."""

import pytest
import torch

from modular_cls.errors import ConfigError
from modular_cls.lecture import circuits
from modular_cls.lecture.kit.claim import measure_claim
from modular_cls.lecture.kit.nets import fully_connected


def test_nets_side_by_side_are_what_each_is_alone():
    nets = [[fully_connected(3, [4, 5], 1) for _ in range(2)] for _ in range(3)]
    groups = [dict(torch.func.stack_module_state(some)[0]) for some in nets]
    inputs = torch.randn(7, 3)
    alone = torch.stack([net(inputs)[:, 0] for some in nets for net in some])
    torch.testing.assert_close(circuits._outputs(groups, inputs), alone)


def test_one_unit_is_monotone_and_cannot_learn_parity():
    assert not circuits.learns(2, [1], 0, 2, 50)
    assert circuits.learns(2, [8], 0, 2, 300)


def test_a_width_that_was_not_found_is_twice_the_widest(tmp_path):
    found = circuits.learn(tmp_path, bits=2, depth=1, seed=0, widest=1, starts=1, updates=20)
    assert found == {"width": 2, "neurons": 2, "learned": 0.0}


def test_the_whole_claim(tmp_path, monkeypatch):
    tiny = circuits._Size(6, 4, (2, circuits._LEARNED), (1, 2, 3), 2, 1, 3, 1)
    monkeypatch.setattr(circuits, "_SIZES", {"quick": tiny})
    page = measure_claim("circuits", "quick", tmp_path / "out", data=tmp_path)
    assert page.count("| holds |") == 2
    assert page.count("| does not hold |") == 1
    assert all((tmp_path / "out" / f"{f}.png").stat().st_size > 5000 for f in ("parity", "folding"))
    before = {f: f.stat().st_mtime_ns for f in (tmp_path / "out" / "cells").iterdir()}
    assert measure_claim("circuits", "quick", tmp_path / "out", data=tmp_path) == page
    assert {f: f.stat().st_mtime_ns for f in (tmp_path / "out" / "cells").iterdir()} == before
    with pytest.raises(ConfigError, match="'circuits', not 'mimic'"):
        measure_claim("mimic", "quick", tmp_path / "out", data=tmp_path)
