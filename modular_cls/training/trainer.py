"""Lightning's trainer as a configuration asks for it, and what else is set around a training."""

import logging
import os
import sys
import warnings
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import RichProgressBar
from pytorch_lightning.loggers import CSVLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]

from modular_cls.config import Config
from modular_cls.errors import ConfigError


def make_trainer(config: Config, folder: Path, progress: bool) -> pl.Trainer:
    """Lightning's trainer for one pass, logging to `folder/metrics.csv`.

    A pass is `config.training.updates` updates.

    Raises:
        ConfigError: If Lightning cannot do on this machine what the configuration asks for.
    """
    training = config.training
    every = training.validate_every
    try:
        return pl.Trainer(
            max_epochs=1,
            max_steps=training.updates,
            accelerator=training.accelerator,
            devices=training.devices,
            strategy=training.strategy,
            precision=training.precision,
            val_check_interval=min(every, training.updates) if every else None,
            limit_val_batches=1.0 if every else 0,
            num_sanity_val_steps=0,
            log_every_n_steps=min(10, training.updates),
            logger=CSVLogger(folder, name="", version=""),
            enable_checkpointing=False,
            enable_model_summary=False,
            deterministic="warn",
            callbacks=[_OnePass()] if progress else [],
            enable_progress_bar=progress,
        )
    except (MisconfigurationException, ValueError) as error:
        raise ConfigError(f"training: Lightning cannot do this on this machine: {error}") from None


def use_threads(config: Config) -> None:
    """Compute with `training.threads` threads, by default the cores that the workers leave over."""
    # More threads than free cores make small networks many times slower, not faster.
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    torch.set_num_threads(config.training.threads or max(1, cores - config.data.workers))


def be_quiet() -> None:
    """Silence what Lightning says that does not concern a user of this package."""
    for name in ("pytorch_lightning.utilities.rank_zero", "pytorch_lightning.accelerators.cuda"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (".*does not have many workers.*", ".*LeafSpec.*", ".*isinstance.treespec.*"):
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


class _OnePass(RichProgressBar):
    """Lightning's progress bar, without the count of epochs: one pass is the whole training."""

    def _get_train_description(self, current_epoch: int) -> str:
        return "Training"
