"""The shared network. The only file that knows timm."""

from typing import Any

import timm
import torch
from torch import nn

from modular_cls.config import Backbone
from modular_cls.errors import ConfigError, nearest


def create_backbone(config: Backbone) -> tuple[nn.Module, int]:
    """Create a timm network without its classifier.

    Returns:
        The network, `(B, 3, H, W) -> (B, F)`, and the feature width F.

    Raises:
        ConfigError: If timm does not know the name (with near matches) or an argument.
    """
    if not config.name.startswith(("local-dir:", "hf-hub:")) and not timm.is_model(config.name.split(".")[0]):
        raise ConfigError(f"backbone.name: timm has no model {config.name!r}{nearest(config.name, timm.list_models())}")
    try:
        network = timm.create_model(config.name, pretrained=config.pretrained, num_classes=0, **config.args)
    except TypeError as error:
        raise ConfigError(f"backbone.args does not fit {config.name}: {error}") from None
    except (OSError, RuntimeError, AssertionError) as error:
        raise ConfigError(f"backbone {config.name} cannot be created: {error}") from None
    # Convolutions on a CPU are up to twice as fast when channels lie innermost.
    network = network.to(memory_format=torch.channels_last)
    # head_hidden_size is the width of what forward() returns; num_features is not, in some networks.
    width: Any = getattr(network, "head_hidden_size", None) or network.num_features
    return network, int(width)
