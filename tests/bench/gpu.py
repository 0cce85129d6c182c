"""Images per second on an accelerator, ours and timm's: `python tests/bench/gpu.py [--seconds S]`, under 5 minutes.

Training and extraction in fp32 and bf16, and the share of time that the device waits for the loader. Without an
accelerator it runs on the CPU: the numbers then say nothing, but that everything is in its place.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import timm
import torch
from tables import RESULTS, show
from timm_parts import as_folders, batches
from torch import nn

from modular_cls import load_config
from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.data.faces.write import write_faces
from modular_cls.models.build import build_model
from modular_cls.schema import Schema

NAMES = {"fp32": None, "bf16": torch.bfloat16}


class Clock:
    """Runs a step again and again, and measures what of the time it waits for batches.

    Args:
        device: Where the step computes.
        seconds: How long.
    """

    def __init__(self, device: str, seconds: float) -> None:
        self.device, self.seconds = device, seconds

    def __call__(self, batches_: Iterator[Any], step: Callable[[Any], int]) -> tuple[float, float]:
        """Images per second, and the share of time waiting for the loader."""
        step(next(batches_))  # warms up
        self._finish()
        images, waited, started = 0, 0.0, time.perf_counter()
        while (now := time.perf_counter()) - started < self.seconds:
            batch = next(batches_)
            waited += time.perf_counter() - now
            images += step(batch)
            self._finish()
        took = time.perf_counter() - started
        return images / took, waited / took

    def _finish(self) -> None:
        if self.device != "cpu":
            torch.cuda.synchronize()


def measure(manifest: Path, name: str, size: int, batch: int, workers: int, clock: Clock) -> None:
    """Print images per second of both, by precision."""
    device, rows = clock.device, []
    for precision, kind in NAMES.items():
        with torch.autocast(device, kind, enabled=kind is not None):
            found = {
                "training, ours": _ours(manifest, name, size, batch, workers, clock, True),
                "training, timm's": _timm(manifest, name, size, batch, workers, clock, True),
                "extraction, ours": _ours(manifest, name, size, batch, workers, clock, False),
                "extraction, timm's": _timm(manifest, name, size, batch, workers, clock, False),
            }
        for what, (speed, waits) in found.items():
            told = RESULTS.held(f"{what}, {precision}: images a second", [speed])
            RESULTS.held(f"{what}, {precision}: share waiting for the loader", [waits])
            rows.append(
                (f"{what}, {precision}", f"{speed:,.0f} images/s", f"waits {waits:.0%}{told}")
            )
    card = torch.cuda.get_device_name() if device != "cpu" else "CPU, which says nothing"
    show(f"{name}, {size} px, batch {batch}, {workers} workers; {card}", rows)


def _ours(
    manifest: Path, name: str, size: int, batch: int, workers: int, clock: Clock, train: bool
) -> tuple[float, float]:
    device = clock.device
    config = load_config(
        "configs/flat.yaml", data__manifest=manifest, data__image_size=size, data__batch_size=batch,
        data__workers=workers, data__scarcity=None, backbone__name=name, backbone__args="{}",
    )  # fmt: skip
    schema = Schema.from_dict(config.schema)
    data = AttributeDataModule(schema, config.data, 0, updates=10**6, splits=("train",))
    data.decode(progress=False)
    model = build_model(config, schema).to(device).train(train)
    optimiser = torch.optim.AdamW(model.parameters(), fused=True)
    joint = schema.joints[0].name

    def step(given: Any) -> int:
        images = given["image"].to(device, non_blocking=True)
        if train:
            target = given["target"][joint].to(device)
            loss = nn.functional.cross_entropy(model(images)[joint].float(), target)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        else:
            with torch.inference_mode():
                model.extract(images)
        return len(images)

    return clock(iter(data.train_dataloader()), step)


def _timm(
    manifest: Path, name: str, size: int, batch: int, workers: int, clock: Clock, train: bool
) -> tuple[float, float]:
    device = clock.device
    made = timm.create_model(name, num_classes=4).train(train)
    model = made.to(device, memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters())

    def step(given: Any) -> int:
        images, target = given[0].to(device), given[1].to(device)
        images = images.contiguous(memory_format=torch.channels_last)
        if train:
            loss = nn.functional.cross_entropy(model(images).float(), target)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        else:
            with torch.inference_mode():
                model.forward_head(model.forward_features(images), pre_logits=True)
        return len(images)

    with tempfile.TemporaryDirectory() as folder:
        loader = batches(as_folders(manifest, Path(folder)), size, batch, workers, device)
        found = clock(loader, step)
        loader.close()
    return found


def main(arguments: list[str] | None = None) -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--seconds", type=float, default=12.0, help="of each of the eight numbers")
    parser.add_argument("--per-class", type=int, default=1500, help="faces that are drawn")
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--workers", type=int, default=min(16, os.cpu_count() or 1))
    parser.add_argument("--out", type=Path, default=Path("docs/results/bench/gpu.csv"))
    asked = parser.parse_args(arguments)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with tempfile.TemporaryDirectory() as folder:
        write_faces(Path(folder) / "faces", asked.per_class)
        manifest = Path(folder) / "faces" / "manifest.csv"
        clock = Clock(device, asked.seconds)
        measure(manifest, asked.backbone, asked.size, asked.batch, asked.workers, clock)
    RESULTS.write(asked.out)
    print(asked.out)


if __name__ == "__main__":
    main()
