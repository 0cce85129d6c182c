"""Ends a training whose validation loss falls no more, with the weights of its best validation."""

import math
from typing import Any

import pytorch_lightning as pl
from torch import Tensor


class Best(pl.Callback):
    """Keeps the weights of the best validation, and ends the training some validations later.

    Args:
        patience: Validations without a lower loss after which it ends.

    Attributes:
        update: Of the best validation; 0 before the first.
    """

    def __init__(self, patience: int) -> None:
        self.patience, self.update = patience, 0
        self._loss, self._since = math.inf, 0
        self._weights: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Judge a validation; what was validated, an average perhaps, is still in its place."""
        if trainer.state.fn != "fit":
            return
        loss = float(trainer.callback_metrics["validation/loss"])
        if loss < self._loss:
            self._loss, self._since, self.update = loss, 0, trainer.global_step
            model: Any = pl_module.model
            self._weights = {name: t.detach().clone() for name, t in model.state_dict().items()}
        else:
            self._since += 1
        trainer.should_stop = self._since >= self.patience

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the best weights into the model."""
        if self._weights:
            model: Any = pl_module.model
            model.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        seen = {"loss": self._loss, "since": self._since, "update": self.update}
        return seen | {"weights": self._weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._loss, self._since = state_dict["loss"], state_dict["since"]
        self.update, self._weights = state_dict["update"], state_dict["weights"]
