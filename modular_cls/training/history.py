"""What a training logs, row by row: kept in its checkpoints, written as `log.csv` in the end."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only


class History(Logger):
    """A logger of Lightning that keeps its rows in memory.

    Lightning's own CSV logger cannot be put back to the row that a checkpoint was written at.

    Attributes:
        rows: One dictionary of numbers per logged step, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, float]] = []

    @property
    def name(self) -> str:
        """Unused; Lightning asks for it."""
        return ""

    @property
    def version(self) -> str:
        """Unused; Lightning asks for it."""
        return ""

    @rank_zero_only
    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Nothing: `config.yaml` has them."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Keep a row."""
        self.rows.append({"step": step or 0} | dict(metrics))


def as_csv(rows: Sequence[Mapping[str, float]]) -> str:
    """Rows as CSV, a column per name that occurs, in order of the alphabet."""
    names = sorted({name for row in rows for name in row} | {"step"})
    file = io.StringIO()
    writer = csv.DictWriter(file, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def logged(trainer: pl.Trainer) -> History:
    """What a trainer has logged."""
    assert isinstance(trainer.logger, History)
    return trainer.logger
