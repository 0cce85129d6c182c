"""What is given to the estimator beside features and labels, each of its kind."""

from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modular_cls.config import Heads
from modular_cls.config.config import SEEDS
from modular_cls.errors import ConfigError, require


def read_heads(ridges: Any, folds: Any, seed: Any) -> Heads:
    """How heads are solved; raises ConfigError for a setting that is not of its kind.

    Args:
        ridges: None, or an iterable of numbers.
        folds: A whole number.
        seed: A whole number that NumPy takes.
    """
    require(isinstance(folds, Integral), "folds", folds, "a whole number")
    fits = isinstance(seed, Integral) and 0 <= int(seed) < SEEDS
    require(fits, "seed", seed, f"a whole number from 0, below {SEEDS:,}")
    if ridges is None:
        return Heads(None, int(folds))
    several = isinstance(ridges, Iterable) and not isinstance(ridges, (str, Mapping))
    numbers: list[Any] = list(ridges) if several else [None]
    fits = all(isinstance(ridge, Real) for ridge in numbers)
    require(fits, "ridges", ridges, "None, or a list of numbers")
    return Heads([float(ridge) for ridge in numbers], int(folds))


def read_weights(given: Any, rows: int, known: Tensor) -> Tensor:
    """What each row counts, shape (rows,).

    Args:
        given: As many numbers; None for all alike.
        rows: How many rows there are.
        known: Mask of the rows that are scored, shape (rows,).

    Raises:
        ConfigError: Unless all are finite and at least 0, and one that is scored is above 0.
    """
    if given is None:
        return torch.ones(rows)
    try:
        weights = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"sample_weight is {given!r:.40}; it must hold numbers") from None
    if weights.shape != (rows,):
        raise ConfigError(f"sample_weight has shape {weights.shape}; it must be ({rows},)")
    if not (np.isfinite(weights) & (weights >= 0)).all() or not weights[known.numpy()].any():
        raise ConfigError("sample_weight must be finite, at least 0, and above 0 somewhere")
    return torch.tensor(weights)
