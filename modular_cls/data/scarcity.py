"""Which training images there are: scarcity and held-out images.

Pure functions of their arguments.
"""

import hashlib
from collections.abc import Mapping

import numpy as np

from modular_cls.config import Data
from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.errors import ConfigError
from modular_cls.schema import Composite, Schema

_OTHERS = 10  # images held out of a common class for each one of the rarest: refits can draw anew


def make_scarce(manifest: Manifest, data: Data, seed: int) -> Manifest:
    """Leave what the scarcity of a configuration, and then `data.per_class`, leave."""
    for s in data.scarcities:
        manifest = apply_scarcity(manifest, s.joint_class, s.keep, seed, s.validation)
    if data.per_class is None:
        return manifest
    counted = manifest.schema.counted("data.per_class")
    return cap_classes(manifest, counted, data.per_class, seed)


def apply_scarcity(
    manifest: Manifest,
    joint_class: Mapping[str, str],
    keep: int | None,
    seed: int,
    validation: bool | None = None,
) -> Manifest:
    """Make one joint class scarce.

    The draw is nested: the images kept at k are among those kept at k + 1. Each image is ranked by
    a hash of the seed and its path, so the draw depends neither on the order of the rows nor on
    what else the manifest holds.

    Args:
        manifest: All images.
        joint_class: The class as `{attribute: value}`; rows known to have all values belong to it.
        keep: Training images to keep; None for all. The test split is untouched.
        seed: Which draw.
        validation: Whether its validation images stay; default only where `keep` is None.

    Raises:
        SchemaError: If the class names an attribute or value that does not exist.
        ConfigError: If `keep` is negative or larger than what exists.
    """
    values = manifest.schema.scarce_values(joint_class)
    rare = manifest.matches(values)
    train = np.flatnonzero(rare & (manifest.splits == SPLITS.index("train")))
    stays = ~rare | (manifest.splits == SPLITS.index("test"))
    if keep is None if validation is None else validation:
        stays |= manifest.splits == SPLITS.index("validation")
    if keep is None:
        stays[train] = True
        return manifest if stays.all() else manifest.select(stays)
    if not 0 <= keep <= len(train):
        named = class_name(manifest.schema, values)
        raise ConfigError(
            f"data.scarcity.keep is {keep}, but the manifest has {len(train)} training images of "
            f"{named}; give a number from 0 to {len(train)}"
        )
    stays[_ranked(manifest, train, seed)[:keep]] = True
    return manifest.select(stays)


def cap_classes(manifest: Manifest, composite: Composite, most: int, seed: int) -> Manifest:
    """Keep at most so many training images of each joint class; all others stay.

    Nested like `apply_scarcity`, and drawn by the same ranks.
    """
    targets = manifest.targets(composite)
    train = manifest.splits == SPLITS.index("train")
    stays = np.ones(len(manifest), dtype=bool)
    for z in range(composite.size):
        members = np.flatnonzero(train & (targets == z))
        stays[_ranked(manifest, members, seed)[most:]] = False
    return manifest.select(stays)


def held_out(manifest: Manifest, composite: Composite, share: float, seed: int) -> np.ndarray:
    """Choose training images that the fit shall not see, so that finish steps can learn from them.

    Of the rarest joint class that has images it takes that share, rounded down, and of each other
    class ten times as many, but no more than the same share.

    Args:
        manifest: Training images.
        composite: The joint classes.
        share: From 0 to below 1.
        seed: Which draw.

    Returns:
        Mask of shape (N,). Images not fully labelled are never in it.
    """
    targets = manifest.targets(composite)
    classes = [np.flatnonzero(targets == z) for z in range(composite.size)]
    fewest = int(share * min((len(c) for c in classes if len(c)), default=0))
    chosen = np.zeros(len(manifest), dtype=bool)
    for members in classes:
        size = min(int(share * len(members)), _OTHERS * fewest)
        chosen[_ranked(manifest, members, seed)[:size]] = True
    return chosen


def class_name(schema: Schema, joint_class: Mapping[str, str]) -> str:
    """Name a joint class as the schema does, or spell out its values where no composite has it."""
    for composite in schema.composites:
        if {a.name for a in composite.attributes} == set(joint_class):
            return composite.class_names[composite.contains(joint_class)[0]]
    return ", ".join(f"{name} {value}" for name, value in joint_class.items())


def _ranked(manifest: Manifest, positions: np.ndarray, seed: int) -> np.ndarray:
    """Put positions in random order, by a hash of the seed and the path."""
    keys = [
        hashlib.blake2b(f"{seed}/{manifest.paths[i]}".encode(), digest_size=8).digest()
        for i in positions
    ]
    return positions[sorted(range(len(positions)), key=keys.__getitem__)]
