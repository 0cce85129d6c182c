"""Scarcity: keep only k training images of one joint class. A pure function of its arguments."""

import hashlib
from collections.abc import Mapping

import numpy as np

from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.errors import ConfigError
from modular_cls.schema import Schema


def apply_scarcity(manifest: Manifest, joint_class: Mapping[str, str], keep: int | None, seed: int) -> Manifest:
    """Make one joint class scarce.

    The draw is nested: the images kept at k are among those kept at k + 1. Each image is ranked by
    a hash of the seed and its path, so the draw depends neither on the order of the rows nor on
    what else the manifest holds.

    Args:
        manifest: All images.
        joint_class: The class as `{attribute: value}`; rows known to have all values belong to it.
        keep: Training images to keep. None stay in validation; the test split is untouched. With
            None nothing is taken away.
        seed: Which draw.

    Raises:
        SchemaError: If the class names an attribute or value that does not exist.
        ConfigError: If `keep` is negative or larger than what exists.
    """
    values = manifest.schema.scarce_values(joint_class)
    rare = manifest.matches(values)
    if keep is None:
        return manifest
    train = np.flatnonzero(rare & (manifest.splits == SPLITS.index("train")))
    if not 0 <= keep <= len(train):
        named = class_name(manifest.schema, values)
        raise ConfigError(
            f"data.scarcity.keep is {keep}, but the manifest has {len(train)} training images of "
            f"{named}; give a number from 0 to {len(train)}"
        )
    ranks = [hashlib.blake2b(f"{seed}/{manifest.paths[i]}".encode(), digest_size=8).digest() for i in train]
    kept = train[sorted(range(len(train)), key=ranks.__getitem__)[:keep]]
    stays = ~rare | (manifest.splits == SPLITS.index("test"))
    stays[kept] = True
    return manifest.select(stays)


def class_name(schema: Schema, joint_class: Mapping[str, str]) -> str:
    """Name a joint class as the schema does, or spell out its values where no composite has it."""
    for composite in schema.composites:
        if {a.name for a in composite.attributes} == set(joint_class):
            return composite.class_names[composite.contains(joint_class)[0]]
    return ", ".join(f"{name} {value}" for name, value in joint_class.items())
