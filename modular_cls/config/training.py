"""What a configuration says of how a network is trained."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Training:
    """How long and how fast to learn; the same for every method compared.

    Args:
        updates: Number of optimiser updates. Training always runs to the last one.
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
        threads: CPU threads that compute; default one for each core.
        validate_every: Updates between two looks at the validation split; 0 for none.
        save_every: Updates, or a time such as 30 seconds, between two checkpoints.
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
