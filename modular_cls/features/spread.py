"""Features of a frozen network by many workers, into the cache folder that all of them share.

They are made once; `extract_features` then finds them there.
"""

import os
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

import numpy as np

from modular_cls.config import Backbone
from modular_cls.data.manifest import Manifest
from modular_cls.data.preparation import Pixels
from modular_cls.errors import ModularClsError
from modular_cls.features.extract import extract_features
from modular_cls.files import CACHE_VARIABLE, cache_folder
from modular_cls.jobs.meter import Meter
from modular_cls.jobs.pieces import run_pieces
from modular_cls.models.backbone import create_backbone

_SHARD = 2000  # pictures; what a worker that dies costs


def spread_features(
    executor: Executor, manifest: Manifest, pixels: Pixels, backbone: Backbone, digest: str
) -> None:
    """Extract the features of a manifest on an executor, whose workers see the same files.

    Args:
        executor: For example dask's `Client(...).get_executor()`.
        manifest: The pictures.
        pixels: How they are resized and scaled.
        backbone: The frozen network.
        digest: Of its weights, which are kept in the cache folder.

    Raises:
        ModularClsError: If shards failed; all others are kept.
    """
    rows = replace(manifest, root=Path(os.path.abspath(manifest.root)))  # workers stand elsewhere
    known = replace(backbone, digest=digest)
    cuts = range(0, len(rows), _SHARD)
    parts = (rows.select(np.arange(i, min(i + _SHARD, len(rows)))) for i in cuts)
    cache = os.path.abspath(cache_folder())
    pieces = ((i, (part, pixels, known, cache)) for i, part in enumerate(parts))
    failed: list[str] = []
    with Meter("Shards of features", len(cuts)) as meter:
        for piece in run_pieces(executor, extract_shard, pieces):
            if piece.error:
                failed.append(piece.error)
            else:
                meter.count(f"shard {piece.number + 1}")
    if failed:
        problem = f"{len(failed):,} of {len(cuts):,} shards failed, the others are kept"
        raise ModularClsError(f"{problem}; the same command goes on with these: {failed[0]}")


def extract_shard(rows: Manifest, pixels: Pixels, backbone: Backbone, cache: str) -> int:
    """Extract a shard's features into the cache; a function of a module, for any executor.

    Returns how many there are.
    """
    os.environ[CACHE_VARIABLE] = cache
    assert backbone.digest is not None
    network, _ = create_backbone(backbone)
    return len(extract_features(rows, pixels, network, backbone.digest))
