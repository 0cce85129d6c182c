"""What a configuration may say of training."""

import pytest

from modular_cls.config import Training
from modular_cls.errors import ConfigError


@pytest.mark.parametrize(("given", "told"), [
    ({"gradient_clip": 0}, "training.gradient_clip is 0; it must be above 0"),
    ({"gradient_clip": -1}, "training.gradient_clip is -1; it must be above 0"),
    ({"label_smoothing": 1.0}, "training.label_smoothing is 1.0; it must be at least 0 and below 1"),
    ({"mixup": -0.1}, "training.mixup is -0.1; it must be at least 0"),
    ({"ema": 1.0}, "training.ema is 1.0; it must be at least 0 and below 1"),
    ({"ema": float("nan")}, "training.ema is nan"),
    ({"patience": 0}, "training.patience is 0; it must be at least 1"),
    ({"patience": 2, "validate_every": 0}, "training.patience is 2; it counts validations.*there are none"),
])  # fmt: skip
def test_what_is_out_of_range(given, told):
    with pytest.raises(ConfigError, match=told):
        Training(**given)
