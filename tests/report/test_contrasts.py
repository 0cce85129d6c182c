"""The criterion of a contrast."""

import pytest

from modular_cls.report.contrasts import Contrast
from modular_cls.report.statistics import Estimate


@pytest.mark.parametrize(
    ("keep", "estimate", "lead", "expected"),
    [
        ("0", Estimate(0.12, 0.01, 5), True, "yes"),
        ("0", Estimate(0.09, 0.01, 5), True, "no"),
        ("0", Estimate(0.09, 0.01, 5), False, "yes"),
        ("5", Estimate(-0.01, 0.02, 5), True, "yes"),
        ("5", Estimate(-0.011, 0.01, 5), True, "no"),
        ("all", Estimate(0.01, 0.05, 5), True, "no"),
        ("5", Estimate(0.2, 0.01, 4), True, "too few seeds"),
    ],
)
def test_the_criterion(keep, estimate, lead, expected):
    assert Contrast(keep, "flat", {"balanced_accuracy": estimate}).verdict(lead) == expected
