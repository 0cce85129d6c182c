"""An exponential average of a model's weights, which is what is validated, tested and saved."""

from typing import Any

import pytorch_lightning as pl
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


class Average(pl.Callback):
    """Averages weights after each update (statistics of batch norms too), and trains on without.

    Args:
        decay: Share of the average that an update leaves as it is.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.averaged: AveragedModel | None = None
        self._trained: nn.Module | None = None  # while the average stands in its place

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Begin with the weights as they are; before a checkpoint is read."""
        if stage == "fit":
            decaying = get_ema_multi_avg_fn(self.decay)
            model: nn.Module = pl_module.model  # type: ignore[assignment]
            self.averaged = AveragedModel(model, multi_avg_fn=decaying, use_buffers=True).eval()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Follow the model to where it trains."""
        self._average.to(pl_module.device)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Take an update in."""
        self._average.update_parameters(pl_module.model)  # type: ignore[arg-type]

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Validate the average, in the model's place: what a saved state points to stays as it is.

        After `on_validation_start`, where the state of the training is taken.
        """
        if trainer.state.fn == "fit":
            self._trained = pl_module.model  # type: ignore[assignment]
            pl_module.model = self._average.module

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Go on with the model."""
        if self._trained is not None:
            pl_module.model, self._trained = self._trained, None

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The one pass is over: the average is the model."""
        model: nn.Module = pl_module.model  # type: ignore[assignment]
        model.load_state_dict(self._average.module.state_dict())

    def state_dict(self) -> dict[str, Tensor]:
        """What a checkpoint keeps."""
        return self._average.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._average.load_state_dict(state_dict)

    @property
    def _average(self) -> AveragedModel:
        assert self.averaged is not None  # set up
        return self.averaged
