"""A method of the main comparisons looks alike beside whatever others."""

import pytest

from modular_cls.report.comparison import Comparison
from modular_cls.report.results import read_runs
from modular_cls.report.style import styles

OTHERS = ["flat_auxiliary", "flat_ldam_drw", "mine", "product", "two_stage", "concept_joint"]


def looks(write_run, methods):
    folders = [write_run.root / str(i) / method for i, method in enumerate(methods)]
    for i, (folder, method) in enumerate(zip(folders, methods, strict=True)):
        if not folder.exists():
            write_run(method, 5, folder=folder.relative_to(write_run.root), rare_skill=0.4 + i / 20)
    return styles(Comparison("hair_gender", read_runs(folders)))


@pytest.mark.parametrize("more", [0, 1, 3, 5, 6])
def test_a_main_method_looks_alike_beside_any_others(more, write_run):
    shown = looks(write_run, ["flat", *OTHERS[:more], "modular"])
    alone = looks(write_run, ["modular"]) | {"flat": looks(write_run, ["flat", "product"])["flat"]}
    assert {m: shown[m] for m in alone} == alone


@pytest.mark.parametrize("more", [5, 6])
def test_no_two_methods_look_alike(more, write_run):
    shown = looks(write_run, ["flat", "modular", *OTHERS[:more]])
    strong = [look for look in shown.values() if look.strong]
    assert len(strong) == (7 if more == 5 else 6)
    assert len({look.colour for look in strong}) == len(strong)
    assert len({look.marker for look in shown.values()}) == len(shown)
