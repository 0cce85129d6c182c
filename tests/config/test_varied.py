"""A knob names one argument and its values."""

import pytest

from modular_cls.config import Knob
from modular_cls.errors import ConfigError


@pytest.mark.parametrize(
    ("key", "values", "message"),
    [
        ("criterion.tau", [1, 0.5], "ascending"),
        ("criterion.tau", [1], "two or more"),
        ("criterion.tau", [1, 1], "different"),
        ("tau", [1, 2], "it begins with model, criterion, finish"),
        ("data.workers", [1, 2], "it begins with model, criterion, finish"),
    ],
)
def test_a_knob_that_is_none_is_refused(key, values, message):
    with pytest.raises(ConfigError, match=message):
        Knob(key, values)
