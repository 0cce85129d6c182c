"""Runs told apart by what they are for."""

import pytest

from modular_cls.errors import ConfigError
from modular_cls.report.page import write_report


def test_with_a_cell_missing_the_rare_class_is_still_the_studys(write_run, tmp_path):
    """Not the one that most runs have: those of a turn are named so."""
    for seed in range(3):
        for method in ("modular", "flat")[: 2 - (seed == 2)]:
            write_run(method, 0, seed)
        for method in ("modular", "flat"):
            rare = {"hair length": "short", "gender": "male"}
            name = f"{method}_k0_seed{seed}_empty_short+male"
            write_run(method, 0, seed, rare=rare, folder=name)
    page = write_report([write_run.root], tmp_path / "out")
    assert "| method | long_haired_man | short_male | mean |" in page


def test_runs_of_other_rare_classes_are_not_one_cell(write_run, tmp_path):
    for seed in range(2):
        write_run("modular", 5, seed)
    write_run("modular", 5, 2, rare={"hair length": "short", "gender": "male"})
    with pytest.raises(ConfigError, match=r"modular_k5_seed2 \(gender male, hair length short\)"):
        write_report([write_run.root], tmp_path / "out")
