"""The shared network. The only file that knows timm."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from modular_cls.config import Backbone
from modular_cls.errors import ConfigError, nearest

_FOLDER = "local-dir:"
# What timm.create_model takes for itself: it could be led to read other weights than the name says,
# pickled ones too.
_REFUSED = (
    "pretrained",
    "pretrained_cfg",
    "pretrained_cfg_overlay",
    "pretrained_model_args",
    "checkpoint_path",
    "cache_dir",
    "num_classes",
)
_NO_HUB = (
    "\nbackbone.pretrained takes its weights from a hub; without one: pretrained: false, or "
    "name: local-dir:FOLDER "
    "with weights in that folder (data_prep/pretrained.py writes one from a Python package)"
)


def create_backbone(config: Backbone) -> tuple[nn.Module, int]:
    """Create a timm network without its classifier.

    Returns:
        The network, `(B, 3, H, W) -> (B, F)`, and the feature width F.

    Raises:
        ConfigError: If timm does not know the name (with near matches) or an argument, or its
            weights are not at hand.
    """
    if wrong := refused_arguments(config.args):
        raise ConfigError(
            f"backbone.args may not hold {', '.join(wrong)}; it is for the network's own "
            "arguments, such as img_size "
            "(weights: backbone.pretrained, or name: local-dir:FOLDER)"
        )
    if config.name.startswith(_FOLDER):
        _check_folder(Path(config.name.removeprefix(_FOLDER)))
    elif not config.name.startswith("hf-hub:") and not timm.is_model(config.name.split(".")[0]):
        raise ConfigError(
            "backbone.name: timm has no model "
            f"{config.name!r}{nearest(config.name, timm.list_models())}"
        )
    try:
        network = timm.create_model(
            config.name, pretrained=config.pretrained, num_classes=0, **config.args
        )
    except TypeError as error:
        raise ConfigError(f"backbone.args does not fit {config.name}: {error}") from None
    except (OSError, RuntimeError, AssertionError) as error:
        told = f"backbone {config.name} cannot be created: {error}"
        if config.pretrained and not config.name.startswith(_FOLDER):
            told += _NO_HUB
        raise ConfigError(told) from None
    # Convolutions on a CPU are up to twice as fast when channels lie innermost.
    network = network.to(memory_format=torch.channels_last)
    # head_hidden_size is the width of what forward() returns; num_features is not, in some
    # networks.
    width: Any = getattr(network, "head_hidden_size", None) or network.num_features
    return network, int(width)


def refused_arguments(args: Mapping[str, Any]) -> list[str]:
    """Those that say where weights come from, or how many classes there are.

    No arguments of a network's own.
    """
    return sorted(set(args) & set(_REFUSED))


def _check_folder(folder: Path) -> None:
    # A run needs it again when it is loaded: its network is described there.
    if not (folder / "config.json").is_file():
        raise ConfigError(
            f"backbone.name: {folder} is no timm folder: there is no {folder / 'config.json'}. "
            "It must hold that and "
            "model.safetensors, also when a run made from it is loaded; relative paths start "
            "at the current folder "
            "(data_prep/pretrained.py writes data/efficientnet_lite0)"
        )
