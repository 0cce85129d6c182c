"""What makes a training the one that it is, so that no other is gone on with in its place."""

import hashlib
from typing import Any

import numpy as np

from modular_cls.config import Config
from modular_cls.data.manifest import Manifest
from modular_cls.runs.identity import fit_terms


def training_terms(config: Config, manifest: Manifest) -> dict[str, Any]:
    """Its configuration, and a digest of its rows and their labels."""
    images = hashlib.sha256("\n".join(map(str, manifest.paths)).encode())
    for column in (manifest.rows, manifest.splits, manifest.labels):
        images.update(np.ascontiguousarray(column).tobytes())
    return {**fit_terms(config.to_dict()), "images": images.hexdigest()}
