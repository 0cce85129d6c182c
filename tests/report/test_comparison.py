"""Methods and numbers kept, in order."""

from modular_cls.report.comparison import Comparison
from modular_cls.report.results import read_runs


def test_comparison_orders_methods_and_keeps(write_run):
    for method, skill in (("flat_a", 0.7), ("flat_b", 0.9), ("modular", 0.5)):
        for keep in (None, 20, 5):
            write_run(method, keep, skill=skill, rare_skill=skill)
    comparison = Comparison("hair_gender", read_runs([write_run.root]))
    assert comparison.methods == ["modular", "flat_b", "flat_a"]
    assert comparison.keeps == ["5", "20", "all"]
    assert comparison.best(comparison.flats, "5") == "flat_b"
    assert comparison.telling_keeps == ["5", "20"]
    assert comparison.rare_images == [40]
