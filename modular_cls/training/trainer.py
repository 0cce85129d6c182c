"""Lightning's trainer as a configuration asks for it, and what else is set around a training."""

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import RichProgressBar
from pytorch_lightning.plugins.environments import SLURMEnvironment  # type: ignore[attr-defined]
from pytorch_lightning.plugins.io import TorchCheckpointIO
from pytorch_lightning.utilities import rank_zero_only
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]

from modular_cls.config import Config
from modular_cls.errors import ConfigError
from modular_cls.jobs.cores import count_cores
from modular_cls.jobs.signals import Interrupted
from modular_cls.training.checkpoint import read_checkpoint
from modular_cls.training.history import History


class ConfinedTrainer(pl.Trainer):
    """Lightning's trainer, which leaves signals, schedulers and the current folder alone.

    On its own it answers SIGTERM with exit status 0 and, under SLURM, leaves checkpoints in the
    current folder that every later training would start from.

    Args:
        root: An empty folder.
        **settings: As for Lightning's trainer.
    """

    def __init__(self, root: Path, **settings: Any) -> None:
        slurm = [SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else []
        super().__init__(
            default_root_dir=root,
            plugins=[_Checkpoints(), *slurm],
            enable_checkpointing=False,
            enable_model_summary=False,
            use_distributed_sampler=False,  # ours know their share; Lightning's loses their order
            **settings,
        )
        self._signal_connector.register_signal_handlers = lambda: None  # type: ignore[method-assign]


def make_trainer(
    config: Config, folder: Path, progress: bool, callbacks: Sequence[pl.Callback] = ()
) -> pl.Trainer:
    """Lightning's trainer for one pass, which is `config.training.updates` updates.

    Args:
        config: What is trained.
        folder: An empty folder.
        progress: Show a progress bar.
        callbacks: What else happens on the way.

    Raises:
        ConfigError: If Lightning cannot do on this machine what the configuration asks for.
    """
    training = config.training
    every = training.validate_every
    try:
        return ConfinedTrainer(
            folder,
            max_epochs=1,
            accelerator=training.accelerator,
            devices=training.devices,
            strategy=training.strategy,
            precision=training.precision,
            gradient_clip_val=training.gradient_clip,
            val_check_interval=min(every, training.updates) if every else None,
            limit_val_batches=1.0 if every else 0,
            num_sanity_val_steps=0,
            log_every_n_steps=min(10, training.updates),
            logger=History(),
            deterministic="warn",
            callbacks=[*([_OnePass()] if progress else []), *callbacks],
            enable_progress_bar=progress,
        )
    except (MisconfigurationException, ValueError) as error:
        raise ConfigError(f"training: Lightning cannot do this on this machine: {error}") from None


def check_trainer(config: Config) -> None:
    """Refuse, before anything slow, what Lightning cannot do on this machine.

    Raises:
        ConfigError: In Lightning's words.
    """
    before = torch.get_deterministic_debug_mode()
    try:
        with tempfile.TemporaryDirectory(prefix="modular_cls.") as folder:
            make_trainer(config, Path(folder), progress=False)
    finally:
        torch.set_deterministic_debug_mode(before)


def use_threads(config: Config, beside: int = 0) -> None:
    """Compute with `training.threads` threads, by default one for each core that is free.

    Threads wait for each other after every operation, so one that shares its core with a loader
    holds up all: on two cores an update is faster by one thread and a loader than by two and one.

    Args:
        config: What is run.
        beside: Processes that work at the same time: loaders.
    """
    torch.set_num_threads(config.training.threads or max(1, count_cores() - beside))


def be_quiet() -> None:
    """Silence what Lightning says that does not concern a user of this package."""
    for name in (
        "pytorch_lightning.utilities.rank_zero",
        "pytorch_lightning.accelerators.cuda",
        "lightning_fabric.utilities.distributed",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",
        ".*dataloader is not resumable.*",  # its sampler is told where to begin
        ".*recommended to use .self.log.*sync_dist=True.*",  # our meters have seen to that
        ".*LeafSpec.*",
        ".*module.s. in eval mode at the start.*",
        ".*isinstance.treespec.*",
    ):
        warnings.filterwarnings("ignore", message=message)


def leave_group(trainer: pl.Trainer) -> None:
    """After training on several devices the first process goes on alone.

    Finish steps and tests need one.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
    if not trainer.is_global_zero:
        sys.exit(0)


def is_first_process() -> bool:
    """Whether this process is the one that writes, of several that train together."""
    return int(getattr(rank_zero_only, "rank", 0)) == 0


@contextmanager
def one_voice() -> Iterator[None]:
    """Of several processes that train together the first one alone prints."""
    if is_first_process():
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        yield


def leave_early(trainer: pl.Trainer, error: BaseException) -> None:
    """After an error: loaders end, and no process waits for another that is gone."""
    trainer.fit_loop.teardown()  # Lightning forgets it where an error came in a validation
    for process in getattr(trainer.strategy.launcher, "procs", ()):
        process.terminate()
    if isinstance(error, Interrupted) and not is_first_process():
        sys.exit(0)  # Lightning's watch in the first process would kill it for any other status


class MeasuringBar(RichProgressBar):
    """Lightning's progress bar of a test, called by the split that is measured.

    Args:
        split: Its name.
    """

    def __init__(self, split: str) -> None:
        super().__init__()
        self._split = split

    @property
    def test_description(self) -> str:
        """What stands before the bar."""
        return f"Measuring {self._split}"


class _Checkpoints(TorchCheckpointIO):
    """Reads our checkpoints where Lightning would read its own."""

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        return read_checkpoint(Path(path))


class _OnePass(RichProgressBar):
    """Lightning's progress bar, without the count of epochs: one pass is the whole training."""

    def _get_train_description(self, current_epoch: int) -> str:
        return "Training"
