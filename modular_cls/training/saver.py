"""Saves a training every so often and when it is told to stop, and puts it back exactly.

The state of Lightning's loops is taken between two updates, or before a validation, whose rows are
then logged again; both are places that Lightning itself knows to go on from.
"""

import time
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch

from modular_cls.config.training import parse_interval
from modular_cls.jobs import signals
from modular_cls.jobs.signals import Held, Interrupted
from modular_cls.training.checkpoint import Checkpoints
from modular_cls.training.finite import check_weights
from modular_cls.training.history import logged
from modular_cls.training.randomness import State, random_states, set_random_state

_DUE = 1  # below every number of a signal


class Saver(pl.Callback):
    """Writes checkpoints, and stops the training when a signal comes.

    Args:
        checkpoints: Where to; None writes none.
        every: Updates between two, or a time: see `parse_interval`.
        seconds: A function that returns how long the training has taken, earlier parts included.
    """

    def __init__(
        self, checkpoints: Checkpoints | None, every: int | str, seconds: Callable[[], float]
    ) -> None:
        self.checkpoints, self.seconds = checkpoints, seconds
        self.updates, self.interval = parse_interval(every)
        self._held: Held | None = None
        self._state: State = {}  # taken before the validation that is going on
        self._saved_at, self._saved_update = time.monotonic(), 0
        self._restored: list[State] = []
        self._random: list[State] = []

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: State
    ) -> None:
        """Take what Lightning does not know of from a checkpoint."""
        self._restored = checkpoint["random"]
        self._saved_update = checkpoint["update"]
        logged(trainer).rows = list(checkpoint["rows"])

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """From here on signals wait for the end of an update."""
        self._held = signals.hold()
        self._saved_at = time.monotonic()
        self._tell()
        if self._restored:  # after the loaders, whose start draws random numbers too
            set_random_state(self._restored[trainer.global_rank % len(self._restored)])

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Between two updates: save if it is time, stop if asked to."""
        wish = self._agreed(trainer, batch_idx)
        if wish and batch_idx > self._saved_update:
            self._save(trainer, self._between_updates(trainer), batch_idx)
        if wish > _DUE:
            self._stop(wish)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Before a validation, whose loader draws a random number."""
        if _validates(trainer, batch_idx + 1):
            self._random = random_states(trainer)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the state now: a validation changes none of what it points to."""
        if self.checkpoints and trainer.state.fn == "fit":
            self._state = self._before_validation(trainer)

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """In a validation: stop if asked to."""
        if trainer.state.fn == "fit" and (wish := self._agreed(trainer, 0)) > _DUE:
            if self._state:
                self._save(trainer, self._state, self._state["update"])
            self._stop(wish)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Forget the state from before."""
        self._state = {}

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the end: what follows can be done from it."""
        self._random = random_states(trainer)
        state = self._dump(trainer, trainer.global_step) | {"complete": True}
        self._save(trainer, state, trainer.global_step)
        signals.release()

    def _agreed(self, trainer: pl.Trainer, update: int) -> int:
        """What the processes wish for together: a signal, `_DUE`, or 0."""
        held = self._held
        wish = held.signum if held is not None and held.signum else 0
        if not wish and trainer.is_global_zero and self._is_due(update):
            wish = _DUE
        if trainer.world_size > 1:
            each = torch.tensor(wish, device=trainer.strategy.root_device)
            torch.distributed.all_reduce(each, torch.distributed.ReduceOp.MAX)
            wish = int(each)
        return wish

    def _is_due(self, update: int) -> bool:
        if self.updates:
            return update - self._saved_update >= self.updates
        return update > 0 and time.monotonic() - self._saved_at >= self.interval

    def _save(self, trainer: pl.Trainer, state: State, update: int) -> None:
        check_weights(_of_model(state), f"after update {update}")
        if self.checkpoints is not None and trainer.is_global_zero:
            assert self._held is not None
            self._held.writing = True
            try:
                self.checkpoints.write(state, update)
            except OSError as error:  # the training may still come to its end
                print(f"update {update} cannot be saved: {error}; {self.checkpoints.saved()}")
            finally:
                self._held.writing = False
        trainer.strategy.barrier()
        self._saved_at, self._saved_update = time.monotonic(), update
        self._tell()

    def _tell(self) -> None:
        if self._held is not None:
            saved = self.checkpoints.saved() if self.checkpoints else "nothing is saved"
            self._held.last_words = f"{saved}; the same command with --resume goes on from there"

    def _stop(self, signum: int) -> None:
        raise Interrupted(signum, self.checkpoints.saved() if self.checkpoints else "")

    def _dump(self, trainer: pl.Trainer, update: int) -> State:
        state: State = trainer._checkpoint_connector.dump_checkpoint(weights_only=False)
        state |= {"update": update, "complete": False, "random": self._random}
        return state | {"rows": list(logged(trainer).rows), "seconds": self.seconds()}

    def _between_updates(self, trainer: pl.Trainer) -> State:
        """The state after an update and its validation, when the next batch is there already."""
        self._random = random_states(trainer)
        state = self._dump(trainer, trainer.global_step)
        loops = state["loops"]["fit_loop"]
        progress = loops["epoch_loop.batch_progress"]
        for part in ("total", "current"):
            progress[part]["ready"] = progress[part]["completed"]
        progress["is_last_batch"] = False
        if _validates(trainer, trainer.global_step):  # Lightning counts it when it passes by there
            loops["epoch_loop.state_dict"]["_batches_that_stepped"] -= 1
        return state

    def _before_validation(self, trainer: pl.Trainer) -> State:
        """The state after an update whose validation is to come: as if its first batch was lost."""
        state = self._dump(trainer, trainer.global_step)
        progress = state["loops"]["fit_loop"]["epoch_loop.val_loop.batch_progress"]
        for part in ("total", "current"):
            before = progress[part]["completed"]
            progress[part] = {
                "ready": before + 1,
                "started": before + 1,
                "processed": before,
                "completed": before,
            }
        return state


def _validates(trainer: pl.Trainer, update: int) -> bool:
    return bool(trainer.enable_validation) and update % int(trainer.val_check_batch or 1) == 0


def _of_model(state: State) -> State:
    return {n: t for n, t in state["state_dict"].items() if n.startswith("model.")}
