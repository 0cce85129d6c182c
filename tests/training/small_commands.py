"""Trainings of a few updates through the command line."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
TINY = ["--training.updates", "4", "--data.batch_size", "8", "--data.image_size", "32", "--data.workers", "0",
        "--training.validate_every", "2"]  # fmt: skip


def command(faces_dir, out, *flags, config="modular.yaml"):
    manifest = ["--data.manifest", str(faces_dir / "manifest.csv")]
    return [
        "train",
        "--config",
        str(ROOT / "configs" / config),
        *manifest,
        *TINY,
        "--out",
        str(out),
        *flags,
    ]


def read(run):
    return json.loads((run / "metrics.json").read_text())
