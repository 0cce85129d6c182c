"""An export read again, with every check.

What is damaged or does not fit is told before anything is predicted.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modular_cls import __version__, models
from modular_cls.config.data import MOST_PIXELS
from modular_cls.data.preparation import Pixels
from modular_cls.errors import ConfigError
from modular_cls.export.folder import (
    BACKBONE,
    FORMAT,
    GRAPH,
    HEADS,
    MARKER,
    PREPROCESS,
    content_digests,
)
from modular_cls.export.network import WEIGHTS, read_network
from modular_cls.export.runtime import GraphNetwork
from modular_cls.models.joint_classifier import JointClassifier, Stem
from modular_cls.parts import build_part
from modular_cls.runs.weights import changed, fill, read_json, read_tensors, refuse
from modular_cls.schema import Schema

_KEYS: dict[str, type | tuple[type, ...]] = {
    "format": int,
    "attributes": list,
    "composites": list,
    "model": dict,
    "train_counts": (dict, type(None)),
    "sha256": dict,
}


@dataclass(frozen=True)
class Export:
    """What an export holds.

    Attributes:
        model: The model, in evaluation mode, on the CPU.
        pixels: Size and scale of the pictures it was trained on.
        counts: Training images of each joint class, by joint space; None where unknown.
    """

    model: JointClassifier
    pixels: Pixels
    counts: Mapping[str, Sequence[int]] | None


def read_export(folder: Path, graph: bool = False) -> Export:
    """Read an export.

    Instantiates classes of this package and timm networks only, and unpickles nothing.

    Args:
        folder: The folder, or a snapshot of it from a hub; its files may be symbolic links.
        graph: Let ONNX Runtime compute the embedding, by `model.onnx`; timm is then not needed.

    Raises:
        ConfigError: If it is no export, was written by a newer version, or its files are damaged or
            do not fit.
    """
    described = _described(folder)
    refuse(folder, _changed_content(folder, described))
    digests = described["sha256"]
    refuse(
        folder,
        [
            wrong
            for name in (GRAPH if graph else WEIGHTS, HEADS)
            if (wrong := changed(folder, name, digests, MARKER))
        ],
    )
    heads, metadata = read_tensors(folder / HEADS)
    _check_schema(folder, described, metadata)
    schema = _schema(folder, described)
    # Its weights come with the export; heads on a frozen one were solved on rounded features.
    frozen = described.get("frozen") is True
    backbone: Stem
    if graph:
        backbone = GraphNetwork(folder, frozen)
    else:
        backbone = replace(read_network(folder), frozen=frozen)
    try:
        build = build_part(described["model"], models, JointClassifier, "model")
        model = build(schema=schema, backbone=backbone)
    except (TypeError, AttributeError) as error:
        raise ConfigError(
            f"{folder / MARKER}: model {described['model']} cannot be built: {error}"
        ) from None
    network, _ = ({}, {}) if graph else read_tensors(folder / WEIGHTS)
    fill(folder, model, heads | {BACKBONE + name: t for name, t in network.items()})
    return Export(model.eval(), _pixels(folder / PREPROCESS), _counts(folder, described, schema))


def _changed_content(folder: Path, described: Mapping[str, Any]) -> list[str]:
    """Which JSON files say something else than was written; none where that is not known."""
    known = described.get("content")
    if not isinstance(known, dict):  # of an earlier version
        return []
    return [
        f"{name} is changed: what it says has the SHA-256 {digest}, not {known[name]} as {MARKER} "
        "says"
        for name, digest in content_digests(folder, described).items()
        if known.get(name, digest) != digest
    ]


def is_export(folder: Path) -> bool:
    """Whether a folder says that it is an export."""
    return (folder / MARKER).is_file()


def _described(folder: Path) -> dict[str, Any]:
    if not is_export(folder):
        raise ConfigError(f"{folder} is not an export: it holds no {MARKER}")
    described = read_json(folder / MARKER)
    version = described.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise ConfigError(
            f"{folder} was written by a newer version ({described.get('written_by', 'unknown')}, "
            f"format {version}); this one, modular_cls {__version__}, reads formats up to "
            f"{FORMAT}: update modular_cls"
        )
    wrong = [key for key, kind in _KEYS.items() if not isinstance(described.get(key, ...), kind)]
    refuse(
        folder / MARKER,
        [f"{key} is missing, or of another type than an export writes" for key in wrong],
    )
    return described


def _schema(folder: Path, described: dict[str, Any]) -> Schema:
    try:
        attributes = {a["name"]: a["values"] for a in described["attributes"]}
        composites = {
            c["name"]: {
                "attributes": c["attributes"],
                "names": {n["name"]: n["values"] for n in c["names"]},
            }
            for c in described["composites"]
        }
        outputs = {o["name"]: {"from": o["from"]} for o in described.get("outputs", [])}
        spec = {"attributes": attributes, "composites": composites, "outputs": outputs}
        return Schema.from_dict(spec)
    except (KeyError, TypeError) as error:
        raise ConfigError(
            f"{folder / MARKER}: attributes and composites are no schema: {error!r}"
        ) from None


def _check_schema(folder: Path, described: dict[str, Any], metadata: dict[str, str]) -> None:
    """The heads know the schema that they belong to.

    Values in another order would fit them just as well.
    """
    try:
        theirs = json.loads(metadata["schema"])
        pairs = [(key, described[key], theirs[key]) for key in ("attributes", "composites")]
        pairs.append(("outputs", described.get("outputs", []), theirs.get("outputs", [])))
    except (KeyError, TypeError, ValueError):
        raise ConfigError(f"{folder / HEADS} does not say which schema it belongs to") from None
    problems = []
    for key, ours, weights in pairs:
        for i in range(max(len(ours), len(weights))):
            here, there = (
                entries[i] if i < len(entries) else "nothing" for entries in (ours, weights)
            )
            if here != there:
                problems.append(
                    f"{key}, entry {i + 1}: the weights are of {there}, {MARKER} says {here}"
                )
    refuse(f"{folder}: the schema does not fit the weights", problems)


def _pixels(path: Path) -> Pixels:
    stored = read_json(path)
    try:
        size, mean, std = (
            (stored["height"], stored["width"]),
            tuple(stored["mean"]),
            tuple(stored["std"]),
        )
        depth = stored.get("range")  # exports of before have none
        whole = all(isinstance(side, int) and 0 < side <= MOST_PIXELS for side in size)
        if not whole or len(mean) != 3 or len(std) != 3 or not all(s > 0 for s in std):
            raise ValueError
        ranged = depth and (float(depth[0]), float(depth[1]))
        return Pixels(size, mean, std, ranged, stored.get("fit", "squash"))
    except (KeyError, TypeError, ValueError, IndexError):
        raise ConfigError(
            f"{path}: it must hold height and width in whole pixels up to {MOST_PIXELS:,}, and "
            "mean and std of three channels, finite, std above 0"
        ) from None


def _counts(
    folder: Path, described: dict[str, Any], schema: Schema
) -> Mapping[str, Sequence[int]] | None:
    counts: dict[str, Any] | None = described["train_counts"]
    counted = [j for j in schema.joints if j.name in (counts or {})]
    wrong = [
        j for j in counted if not isinstance(c := (counts or {})[j.name], list) or len(c) != j.size
    ]
    refuse(
        folder / MARKER,
        [f"train_counts.{j.name} must be a list of {j.size} numbers" for j in wrong],
    )
    return counts
