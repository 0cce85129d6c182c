"""timm's training step and prediction, rebuilt from timm's own parts: its loader, optimiser, loss and model.

As `train.py` and `inference.py` of timm put them together, `--channels-last`, on the same pictures, network, size and
batch as ours, with as many loader processes as ours.
"""

import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import timm
import torch
from timm.data import ImageDataset, create_loader
from timm.optim import create_optimizer_v2
from torch import nn

HALF = (0.5, 0.5, 0.5)


def as_folders(manifest: Path, out: Path) -> Path:
    """The training pictures of the faces as timm reads them, a folder a class; links."""
    for line in manifest.read_text(encoding="utf-8").splitlines()[1:]:
        path, split, hair, gender = line.split(",")[:4]
        if split == "train":
            place = out / f"{hair}_{gender}"
            place.mkdir(parents=True, exist_ok=True)
            os.symlink(manifest.parent.absolute() / path, place / Path(path).name)
    return out


def batches(
    folder: Path, size: int, batch: int, workers: int, device: str = "cpu"
) -> Generator[Any]:
    """timm's training loader, epoch after epoch."""
    on_gpu = device != "cpu"
    loader = create_loader(
        ImageDataset(str(folder)), (3, size, size), batch, is_training=True, mean=HALF, std=HALF,
        num_workers=workers, persistent_workers=workers > 0, use_prefetcher=on_gpu, device=torch.device(device),
        pin_memory=on_gpu,
    )  # fmt: skip
    try:
        while True:
            yield from loader
    finally:  # its processes end before the folder does
        del loader


class TimmLoop:
    """timm's training loop.

    Args:
        folder: Of `as_folders`.
        name: The network.
        args: Its arguments.
        size: Side of the pictures.
        batch: Images an update.
        workers: Loader processes.
        rate: Learning rate of AdamW.
    """

    def __init__(
        self, folder: Path, name: str, args: dict[str, Any], size: int, batch: int, workers: int, rate: float = 1e-3
    ) -> None:  # fmt: skip
        model = timm.create_model(name, num_classes=4, **args)
        self.model = model.to(memory_format=torch.channels_last).train()
        self.optimiser = create_optimizer_v2(self.model, opt="adamw", lr=rate, weight_decay=0.05)
        self.loss = nn.CrossEntropyLoss()
        self.batches = batches(folder, size, batch, workers)

    def step(self) -> None:
        """One update, as in train_one_epoch."""
        images, target = next(self.batches)
        images = images.contiguous(memory_format=torch.channels_last)
        loss = self.loss(self.model(images), target)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()

    def block(self, steps: int, left_out: int) -> float:
        """Seconds per step; the first ones, whose batches were loaded before, are left out."""
        for _ in range(left_out):
            self.step()
        started = time.perf_counter()
        for _ in range(steps):
            self.step()
        return (time.perf_counter() - started) / steps

    def close(self) -> None:
        """End the loader's processes."""
        self.batches.close()
