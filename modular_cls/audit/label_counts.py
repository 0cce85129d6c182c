"""The labels of a table, counted: by value, source, split and joint class."""

from typing import Any

import numpy as np
import torch

from modular_cls.audit.findings import Finding, JointClass, Labels
from modular_cls.config import Config
from modular_cls.criteria import JointLikelihood
from modular_cls.data.manifest import SPLITS, UNKNOWN, Manifest
from modular_cls.data.scarcity import apply_scarcity
from modular_cls.errors import ModularClsError
from modular_cls.models.reachable import affine_reach
from modular_cls.schema import Composite


def make_scarce(manifest: Manifest, config: Config) -> tuple[Manifest, list[Finding]]:
    """Apply the scarcity of a configuration, with its seed; where it cannot be, all images stay."""
    scarce = manifest
    if not len(manifest.split("train")):  # nothing to make scarce, and said already
        return manifest, []
    try:
        for scarcity in config.data.scarcities:
            asked = (scarcity.joint_class, scarcity.keep, config.seed, scarcity.validation)
            scarce = apply_scarcity(scarce, *asked)
    except ModularClsError as error:
        what = f"data.scarcity that cannot be applied (here, nothing is made scarce): {error}"
        return manifest, [Finding("error", "scarcity", 1, what, "correct data.scarcity")]
    needed = SPLITS if config.training.validate_every else ("train", "test")
    emptied = [name for name in needed if len(manifest.split(name)) and not len(scarce.split(name))]
    if emptied:
        what = f"scarcity leaves nothing in {' and '.join(emptied)}: training refuses that"
        return scarce, [
            Finding(
                "error",
                "emptied_split",
                len(emptied),
                what,
                "give it images of other classes",
                emptied,
            )
        ]
    return scarce, []


def count_labels(manifest: Manifest, train: Manifest) -> Labels:
    """Count labels.

    Args:
        manifest: The table, unknown where a label does not fit.
        train: The training images left once scarcity is applied.
    """
    attributes = manifest.schema.attributes
    unknown = (manifest.labels == UNKNOWN).sum(axis=0).tolist()
    return Labels(
        splits={
            n: int((manifest.splits == i).sum()) for i, n in [*enumerate(SPLITS), (UNKNOWN, "none")]
        },
        values=count_values(manifest),
        unknown={a.name: n for a, n in zip(attributes, unknown, strict=True)},
        sources=_sources(manifest),
        together=_together(manifest),
        classes={c.name: _classes(c, manifest, train) for c in manifest.schema.composites},
        **_reach(train),
    )


def count_values(manifest: Manifest) -> dict[str, dict[str, int]]:
    """Rows of each value, by attribute."""
    alone = [Composite(a.name, (a,)) for a in manifest.schema.attributes]
    return {
        c.name: dict(zip(c.class_names, manifest.counts(c).tolist(), strict=True)) for c in alone
    }


def _sources(manifest: Manifest) -> dict[str, dict[str, int]]:
    if "source" not in manifest.extra:
        return {}
    names, of_row = np.unique(manifest.extra["source"].astype(str), return_inverse=True)
    counts = {"rows": np.bincount(of_row)}
    for i, a in enumerate(manifest.schema.attributes):
        counts[a.name] = np.bincount(of_row, manifest.labels[:, i] != UNKNOWN)
    # Weighted counts are floats.
    rows = zip(*(n.astype(int).tolist() for n in counts.values()), strict=True)
    return {
        str(name): dict(zip(counts, row, strict=True))
        for name, row in zip(names, rows, strict=True)
    }


def _together(manifest: Manifest) -> list[dict[str, Any]]:
    known, counts = np.unique(manifest.labels != UNKNOWN, axis=0, return_counts=True)
    names = np.array([a.name for a in manifest.schema.attributes], dtype=object)
    order = np.argsort(-counts, kind="stable")
    return [{"attributes": names[known[i]].tolist(), "rows": int(counts[i])} for i in order]


def _classes(composite: Composite, manifest: Manifest, train: Manifest) -> list[JointClass]:
    full = {name: manifest.split(name).counts(composite).tolist() for name in SPLITS}
    columns = (
        composite.class_names,
        full["train"],
        train.counts(composite).tolist(),
        full["validation"],
        full["test"],
    )
    return [JointClass(*row) for row in zip(*columns, strict=True)]


def _reach(train: Manifest) -> dict[str, dict[str, list[str]]]:
    """The classes without a fully labelled image, by joint space.

    How the modular method takes each.
    """
    classes: dict[str, dict[str, list[str]]] = {
        "from_parts": {},
        "reachable": {},
        "unreachable": {},
    }
    joints = train.schema.joints
    counts = {j.name: torch.from_numpy(train.counts(j)) for j in joints}
    parts = _taught_by_parts(train, counts)
    for joint in joints:
        seen = counts[joint.name] > 0
        taught = seen if (more := parts[joint.name]) is None else seen | more
        reached = affine_reach(joint, taught)
        for kind, mask in zip(classes, (taught & ~seen, reached & ~taught, ~reached), strict=True):
            classes[kind][joint.name] = [
                n for n, m in zip(joint.class_names, mask.tolist(), strict=True) if m
            ]
    return classes


def _taught_by_parts(
    train: Manifest, counts: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor | None]:
    """The classes that partly labelled images teach, as training finds them; None for none."""
    joints = train.schema.joints
    observed = {joint.name: torch.from_numpy(train.observed(joint)) for joint in joints}
    criterion = JointLikelihood(train.schema, counts, observed)
    return {joint.name: criterion.taught_by_parts(joint.name) for joint in joints}
