"""The random generators of a training, taken and put back."""

import random
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

State = dict[str, Any]


def random_states(trainer: pl.Trainer) -> list[State]:
    """The random generators of each process that trains."""
    kind, keys, place, has_gauss, gauss = np.random.get_state(legacy=True)
    # Lists, not arrays: a checkpoint is read with weights_only, which knows no arrays of NumPy.
    mine: State = {
        "python": random.getstate(),
        "numpy": (kind, keys.tolist(), place, has_gauss, gauss),  # type: ignore[union-attr]
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    }
    if trainer.world_size == 1:
        return [mine]
    every: list[State] = [{}] * trainer.world_size
    torch.distributed.all_gather_object(every, mine)
    return every


def set_random_state(state: State) -> None:
    """Put the random generators of this process back."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
