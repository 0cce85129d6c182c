"""Small finished runs, and what spoils them."""

import json

import torch
import yaml

from modular_cls import load_config
from modular_cls.runs.folder import CONFIG, MARKER, WEIGHTS, read_weights
from modular_cls.runs.weights import digest, write_tensors


def small(faces_dir, name, *also, **given):
    given = {
        "data__manifest": faces_dir / "manifest.csv",
        "data__workers": 0,
        "data__image_size": 32,
        "data__batch_size": 8,
        "data__scarcity": None,
        "training__updates": 4,
        "training__validate_every": 0,
    } | given
    return load_config(f"configs/{name}.yaml", *also, **given)


def zero(file, start=1000):
    data = bytearray(file.read_bytes())
    data[start : start + 64] = bytes(64)
    file.write_bytes(data)


def edit(folder, *keys, value):
    content = yaml.safe_load((folder / CONFIG).read_text())
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    (folder / CONFIG).write_text(yaml.safe_dump(content, sort_keys=False))
    return content


def forge(folder, change):
    """Weights changed by somebody who then writes the digest that fits."""
    weights = read_weights(folder)
    change(weights)
    write_tensors(folder / WEIGHTS, weights)
    metrics = json.loads((folder / MARKER).read_text())
    metrics["sha256"][WEIGHTS] = digest(folder / WEIGHTS)
    (folder / MARKER).write_text(json.dumps(metrics))


def poison(weights):
    weights["backbone.bn1.bias"][0] = torch.nan
