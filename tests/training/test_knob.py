"""The knob of every method turns something."""

import pytest

from modular_cls import load_config
from modular_cls.config.shipped import packaged_configs
from modular_cls.study.grid import Tune
from modular_cls.training.knob import knob_value, turned

OTHER = {"hair": "short", "gender": "female"}


@pytest.mark.parametrize("file", packaged_configs(), ids=lambda p: p.stem)
def test_every_method_says_its_knob_or_that_it_has_none(file):
    """Six values, the method's own among them, and a knob that turns something."""
    config = load_config(file)
    assert "\nknob:" in file.read_text()
    if config.knob is not None:
        own = knob_value(config)
        assert own in config.knob.values
        assert len(config.knob.values) == len(Tune(OTHER).rates)
        other = next(v for v in config.knob.values if v != own)
        assert turned(config, other) != config
        assert knob_value(turned(turned(config, other), own)) == own
        assert knob_value(turned(config, other)) == other
