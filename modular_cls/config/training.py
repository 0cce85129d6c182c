"""What a configuration says of how a network is trained."""

import math
import re
from dataclasses import dataclass, fields
from typing import Literal

from modular_cls.errors import ConfigError, require

_SECONDS = {"second": 1, "minute": 60, "hour": 3600}


@dataclass(frozen=True)
class Training:
    """How long and how fast to learn; the same for every method compared.

    Args:
        updates: Number of optimiser updates. Training runs to the last one, but for `patience`.
        learning_rate: Peak of the schedule (AdamW).
        backbone_rate: That of a pretrained backbone as a share of it: its heads are solved on the
            features as they are first (linear probing, then fine-tuning: Kumar et al., ICLR 2022).
        trials: How many rates and values of the method's knob were tried; only reported.
        edges: Which of those chosen lie at the edge of what was tried; only reported, null where
            that is not known.
        weight_decay: For weight matrices and kernels; never for biases, norms and the class bias.
        schedule: One cycle (warm up, then cosine to zero) or cosine from the start.
        precision: Lightning's precision.
        accelerator: Lightning's accelerator.
        devices: Number of devices.
        strategy: Lightning's strategy.
        threads: CPU threads that compute; default one for each core that no loader uses.
        validate_every: Updates between two looks at the validation split; 0 for none.
        save_every: Updates, or a time such as 30 seconds, between two checkpoints.
        gradient_clip: Largest norm of the gradient of all weights; null for no limit.
        label_smoothing: Share of each label that goes to all classes alike.
        mixup: Alpha of mixup (Zhang et al., ICLR 2018): a batch is mixed with itself turned by one,
            at a share from Beta(alpha, alpha), pictures and losses alike; 0 for none.
        ema: Decay of an exponential average of the weights, which is then what is validated,
            tested and kept; 0 for none.
        patience: Validations without a lower loss after which training ends, with the weights of
            the best one; null goes on to the last update. Studies do not allow it.
    """

    updates: int = 930
    learning_rate: float = 2e-3
    backbone_rate: float = 0.1
    trials: int = 1
    edges: list[str] | None = None
    weight_decay: float = 0.05
    schedule: Literal["one_cycle", "cosine"] = "one_cycle"
    precision: Literal["32-true", "16-mixed", "bf16-mixed", "bf16-true", "64-true"] = "32-true"
    accelerator: str = "auto"
    devices: int = 1
    strategy: str = "auto"
    threads: int | None = None
    validate_every: int = 310
    save_every: int | str = "10 minutes"
    gradient_clip: float | None = None
    label_smoothing: float = 0.0
    mixup: float = 0.0
    ema: float = 0.0
    patience: int | None = None

    def __post_init__(self) -> None:
        clip, patience, threads = self.gradient_clip, self.patience, self.threads
        for name, fits, accepted in (
            ("learning_rate", 0 < self.learning_rate < math.inf, "above 0"),
            ("backbone_rate", 0 <= self.backbone_rate < math.inf, "at least 0"),
            ("weight_decay", 0 <= self.weight_decay < math.inf, "at least 0"),
            ("gradient_clip", clip is None or 0 < clip < math.inf, "above 0, or null for no limit"),
            ("label_smoothing", 0 <= self.label_smoothing < 1, "at least 0 and below 1"),
            ("mixup", 0 <= self.mixup < math.inf, "at least 0"),
            ("ema", 0 <= self.ema < 1, "at least 0 and below 1"),
            ("patience", patience is None or patience >= 1, "at least 1, or null"),
            ("threads", threads is None or threads >= 1, "at least 1, or null"),
            ("trials", self.trials >= 0, "at least 0"),
        ):
            require(fits, f"training.{name}", getattr(self, name), accepted)
        parse_interval(self.save_every)
        if self.patience is not None and not self.validate_every:
            reason = "it counts validations, and training.validate_every is 0: there are none"
            raise ConfigError(f"training.patience is {self.patience}; {reason}")

    @property
    def only_trained(self) -> list[str]:
        """Which settings are on that mean something to a network in training only."""
        off = {field.name: field.default for field in fields(self)}
        names = ("gradient_clip", "label_smoothing", "mixup", "ema", "patience")
        return [name for name in names if getattr(self, name) != off[name]]


def parse_interval(every: int | str) -> tuple[int, float]:
    """`training.save_every` as (updates, 0) or (0, seconds).

    Raises:
        ConfigError: If it is neither a number of updates nor a time.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(second|minute|hour)s?\s*", str(every))
    if match and float(match.group(1)) > 0:
        return 0, float(match.group(1)) * _SECONDS[match.group(2)]
    if isinstance(every, int) and every > 0:
        return every, 0.0
    raise ConfigError(
        f"training.save_every is {every!r}; accepted: a number of updates, or a time such as "
        "10 minutes, 30 seconds, 1 hour"
    )
