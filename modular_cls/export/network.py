"""The backbone as a folder of timm's own.

`timm.create_model("local-dir:DIR", pretrained=True)` needs nothing of ours.

Keys as timm reads them: https://huggingface.co/docs/timm/hf_hub. `local-dir:` came with timm
1.0.16.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from modular_cls.config import Backbone
from modular_cls.data.preparation import Pixels
from modular_cls.errors import ConfigError
from modular_cls.models.backbone import refused_arguments
from modular_cls.runs.weights import read_json, write_tensors

CONFIG, WEIGHTS = "config.json", "model.safetensors"
# What a new head, other channels, other sizes need.
_COPIED = ("first_conv", "classifier", "fixed_input_size")

# timm fills up with the mean of its scale, which is our grey where that is 0.5.
_CROP_MODES = {"squash": "squash", "pad": "border", "crop": "center"}


def write_network(
    folder: Path, network: nn.Module, args: Mapping[str, Any], pixels: Pixels, licence: str
) -> None:
    """Write `config.json` and `model.safetensors`.

    Args:
        folder: Where to.
        network: The trained network, `(B, 3, H, W) -> (B, F)`.
        args: Its own arguments, those that came with its weights included.
        pixels: Size and scale of the pictures it was trained on.
        licence: Of the weights, as the Hugging Face Hub writes it.
    """
    # timm keeps what it was created by.
    known: dict[str, Any] = network.pretrained_cfg  # type: ignore[assignment]
    args = dict(args)
    if known.get("fixed_input_size") and "img_size" not in args:
        # timm's default is the input size, which is written below.
        args["img_size"] = list(known["input_size"][1:])
    described = {
        "architecture": known["architecture"],
        "num_classes": 0,
        "model_args": args,
        "pretrained_cfg": {
            "num_classes": 0,
            "input_size": [3, *pixels.size],
            "mean": list(pixels.mean),
            "std": list(pixels.std),
            "interpolation": "bilinear",
            "crop_pct": 1.0,
            "crop_mode": _CROP_MODES[pixels.fit],
            "license": licence,  # this and the tag would be those of timm's own weights otherwise
            "tag": "modular_cls",
            **{key: known[key] for key in _COPIED if known.get(key) is not None},
        },
    }
    (folder / CONFIG).write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    write_tensors(folder / WEIGHTS, network.state_dict())


def read_network(folder: Path) -> Backbone:
    """The backbone that `config.json` describes, without its weights.

    Raises:
        ConfigError: If the file is missing, corrupt, or describes more than a network of timm.
    """
    described = read_json(folder / CONFIG)
    name, args = described.get("architecture"), described.get("model_args", {})
    if not isinstance(name, str) or ":" in name or not isinstance(args, dict):
        raise ConfigError(
            f"{folder / CONFIG}: architecture {name!r} with model_args {args!r}; accepted: the "
            "name of a timm network, and its arguments"
        )
    if wrong := refused_arguments(args):
        raise ConfigError(f"{folder / CONFIG}: model_args may not hold {', '.join(wrong)}")
    return Backbone(name, pretrained=False, args=args)
