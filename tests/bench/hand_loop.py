"""A training step as it would be written by hand, to measure ours against."""

import time
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from modular_cls.training.task import AttributeTask


class HandLoop:
    """A plain PyTorch loop: the model, criterion, optimiser and schedule of a task, no Lightning."""

    def __init__(self, task: AttributeTask, batches: Iterator[dict[str, Any]]) -> None:
        self.model, self.criterion, self.batches = task.model.train(), task.criterion, batches
        made = task.configure_optimizers()
        self.optimiser, self.schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]

    def block(self, steps: int) -> float:
        """Train for some steps; returns seconds per step."""
        started = time.perf_counter()
        for _ in range(steps):
            batch = next(self.batches)
            self.optimiser.zero_grad()
            loss: Tensor = self.criterion(self.model(batch["image"]), batch["target"])
            loss.backward()
            self.optimiser.step()
            self.schedule.step()
        return (time.perf_counter() - started) / steps
