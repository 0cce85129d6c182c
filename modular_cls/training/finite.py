"""A training that has left the numbers is stopped, and says where it did."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from modular_cls.config import Config
from modular_cls.errors import ConfigError, DivergedError
from modular_cls.runs.weights import not_finite

_SHOWN = 8
_EVERY = 10  # updates between two looks from a GPU, which would have to wait for each


@dataclass(frozen=True)
class _Seen:
    """One number of an update that should be finite."""

    what: str
    value: Tensor
    update: int
    rows: Tensor
    rate: float


class Guard(pl.Callback):
    """Stops a training whose loss, gradients or weights are not finite.

    Args:
        manifest: The table that rows are of, for messages.
    """

    def __init__(self, manifest: str) -> None:
        self.manifest = manifest
        self._rows = torch.zeros(0, dtype=torch.long)
        self._seen: list[_Seen] = []

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Remember which rows the batch is of."""
        self._rows = batch["row"]

    def on_before_backward(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, loss: Tensor
    ) -> None:
        """Look at the loss, before it can spoil anything."""
        self._look(trainer, "loss", loss.detach())

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Look at the gradients; a gradient scaler sees to those of its own scale."""
        if getattr(trainer.precision_plugin, "scaler", None) is None:
            gradients = [p.grad for p in pl_module.parameters() if p.grad is not None]
            self._look(trainer, "largest gradient", get_total_norm(gradients, math.inf))

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at what has not been looked at, and at the weights."""
        self._check()
        model: torch.nn.Module = pl_module.model  # type: ignore[assignment]
        check_weights(model.state_dict(), f"after update {trainer.global_step}")

    def _look(self, trainer: pl.Trainer, what: str, value: Tensor) -> None:
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        self._seen.append(_Seen(what, value, trainer.global_step + 1, self._rows, rate))
        if value.device.type == "cpu" or len(self._seen) >= 2 * _EVERY:
            self._check()

    def _check(self) -> None:
        seen, self._seen = self._seen, []
        if not seen or bool(torch.stack([s.value.float() for s in seen]).isfinite().all()):
            return
        bad = next(s for s in seen if not s.value.isfinite())
        rows = bad.rows.tolist()
        more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        raise DivergedError(
            f"training stopped at update {bad.update}: its {bad.what} is {float(bad.value)}, at "
            f"learning rate {bad.rate:.3g}, on rows {', '.join(map(str, rows[:_SHOWN]))}{more} of "
            f"{self.manifest}; try a smaller training.learning_rate, or training.precision 32-true"
        )


def check_weights(weights: Mapping[str, Tensor], when: str) -> None:
    """Raise DivergedError if weights are not finite."""
    if wrong := not_finite(weights):
        more = f" and {len(wrong) - 1} more tensors" if len(wrong) > 1 else ""
        raise DivergedError(
            f"weights are not finite {when}: {wrong[0]}{more}; try a smaller "
            "training.learning_rate, or training.precision 32-true"
        )


def check_finite(config: Config) -> None:
    """Raise ConfigError if a number of a configuration is not finite, naming it."""

    def look(value: Any, where: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                look(inner, f"{where}.{key}".lstrip("."))
        elif isinstance(value, list):
            for inner in value:
                look(inner, where)
        elif isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{where} is {value}; it must be finite")

    look(config.to_dict(), "")
