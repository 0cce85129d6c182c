"""What is known of a training's images before it begins."""

import hashlib
from typing import Any

import numpy as np

from modular_cls.config import Config
from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.data.manifest import Manifest
from modular_cls.runs.identity import fit_terms


def training_terms(config: Config, manifest: Manifest) -> dict[str, Any]:
    """What makes a training the one that it is: its configuration, and its rows and labels."""
    images = hashlib.sha256("\n".join(map(str, manifest.paths)).encode())
    for column in (manifest.rows, manifest.splits, manifest.labels):
        images.update(np.ascontiguousarray(column).tobytes())
    return {**fit_terms(config.to_dict()), "images": images.hexdigest()}


def tell_repeated(data: AttributeDataModule) -> None:
    """Say that test images are training images too, if some are."""
    repeated = data.repeated
    if repeated is not None and repeated.any():
        test = data.datasets["test"].manifest
        rows = test.rows[repeated]
        print(
            f"  {len(rows):,} of {len(test):,} test images are training images too, by content "
            f"(row {rows[0]}: {test.paths[repeated][0]} ...); scores flatter: see modular-cls audit"
        )
