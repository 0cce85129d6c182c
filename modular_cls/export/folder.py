"""The format of an export: which files it holds, and how they are written; read.py reads them.

    config.json, model.safetensors      the backbone, as timm reads it
    preprocess.json                     what is done to a picture
    modular_cls/model.json              format, schema in order, target prior, training counts,
                                        digests of the weights
    modular_cls/heads.safetensors       attribute and composite heads, biases and log priors
    modular_cls/config.yaml, scores.safetensors
                                        what `modular-cls extend` needs; see record.py
    model.onnx                          all of it as one graph
    README.md                           the model card

Attributes, values and classes are lists: weights are stored by position, and keys of JSON may be
sorted on the way.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modular_cls import __version__
from modular_cls.data.preparation import Pixels
from modular_cls.export.network import CONFIG, WEIGHTS, write_network
from modular_cls.models.build import model_part
from modular_cls.runs.score_table import calibration
from modular_cls.runs.scores import FILE as SCORES
from modular_cls.runs.weights import digest, read_json, write_tensors
from modular_cls.schema import Schema

if TYPE_CHECKING:  # whoever only reads an export needs nothing of what a run needs
    from modular_cls.runs.folder import Run

FORMAT = 1
MARKER = "modular_cls/model.json"
HEADS, PREPROCESS, GRAPH = "modular_cls/heads.safetensors", "preprocess.json", "model.onnx"
RECORD = "modular_cls"
RECORDED = (f"{RECORD}/config.yaml", f"{RECORD}/{SCORES}")
BACKBONE = "backbone."  # what its weights are called by in a model


def write_model(folder: Path, run: "Run", pixels: Pixels, licence: str) -> None:
    """Write all that is needed to load a run's model again.

    Args:
        folder: Where to.
        run: The run.
        pixels: Size and scale of the pictures it was trained on.
        licence: Of the weights.
    """
    model = run.model
    (folder / MARKER).parent.mkdir()
    write_network(folder, model.backbone, run.described.args, pixels, licence)
    heads = {name: t for name, t in model.state_dict().items() if not name.startswith(BACKBONE)}
    write_tensors(folder / HEADS, heads, {"schema": json.dumps(listed(model.schema))})
    write_json(folder / PREPROCESS, preparation(pixels))


def write_description(folder: Path, run: "Run") -> None:
    """Write `model.json`; last, for it holds the digests of the files with weights."""
    described = {
        "format": FORMAT,
        "written_by": f"modular_cls {__version__}",
        **listed(run.model.schema),
        "model": model_part(run.config),
        "frozen": run.model.frozen,
        "target_prior": target_prior(run),
        "train_counts": run.metrics.get("train_counts"),
        "run": {
            key: run.metrics.get(key)
            for key in ("method", "seed", "keep", "train_images", "updates", "limited_to")
        }
        | {"calibration": calibration(run.metrics["test"])},
        "sha256": {
            name: digest(folder / name)
            for name in (WEIGHTS, HEADS, GRAPH, *RECORDED)
            if (folder / name).is_file()
        },
    }
    write_json(folder / MARKER, described | {"content": content_digests(folder, described)})


def content_digests(folder: Path, described: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of what the JSON files say that decides predictions, in whatever order they say it.

    Args:
        folder: The export; of its files those count that are there.
        described: The content of `model.json`.
    """
    said: dict[str, Any] = {MARKER: {k: v for k, v in described.items() if k != "content"}}
    if (folder / CONFIG).is_file():
        network = read_json(folder / CONFIG)
        said[CONFIG] = [network.get("architecture"), network.get("model_args")]
    if (folder / PREPROCESS).is_file():
        said[PREPROCESS] = read_json(folder / PREPROCESS)
    texts = {name: json.dumps(what, sort_keys=True) for name, what in said.items()}
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}


def target_prior(run: "Run") -> dict[str, Any]:
    """The target prior that is built in.

    What the configuration asked for, and the shares that came of it.
    """
    shares = {name: logs.softmax(0).tolist() for name, logs in run.model.log_priors.items()}
    return {"name": run.config.prediction.prior, "shares": shares}


FITTED = {
    "squash": "to height x width, whatever the shape",
    "pad": "as large as it fits into height x width, in the middle, the rest grey (128)",
    "crop": "its largest middle part of the shape height x width, to that size",
}


def preparation(pixels: Pixels) -> dict[str, Any]:
    """What is done to a picture, in words and numbers that other programs can follow."""
    return {
        "height": pixels.size[0],
        "width": pixels.size[1],
        "mean": pixels.mean,
        "std": pixels.std,
        "range": pixels.range,
        "channels": "RGB",
        "fit": pixels.fit,
        "resize": f"bilinear with antialiasing, {FITTED[pixels.fit]}",
        "scale": "(pixel / 255 - mean) / std",
        "layout": "batch, channels, height, width; float32",
    }


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON object."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def listed(schema: Schema) -> dict[str, Any]:
    """A schema with its order in lists."""
    mapping = schema.to_dict()
    return {
        "attributes": [
            {"name": name, "values": values} for name, values in mapping["attributes"].items()
        ],
        "composites": [
            {
                "name": name,
                "attributes": c["attributes"],
                "names": [
                    {"name": n, "values": values} for n, values in c.get("names", {}).items()
                ],
            }
            for name, c in mapping["composites"].items()
        ],
        "outputs": [
            {"name": name, "from": entry["from"]}
            for name, entry in mapping.get("outputs", {}).items()
        ],
    }
