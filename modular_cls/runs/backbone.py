"""What network a run stands on, written so that it can be built again without the place it came from."""

import json
from dataclasses import asdict
from pathlib import Path

from torch import nn

from modular_cls.config import Backbone
from modular_cls.errors import ConfigError
from modular_cls.models.backbone import create_backbone, describe_backbone, refused_arguments
from modular_cls.models.kept import is_kept, keep
from modular_cls.runs.weights import read_json

FILE = "backbone.json"


def write_backbone(folder: Path, config: Backbone, network: nn.Module) -> None:
    """Write `backbone.json`: architecture, arguments, scale of pixels, and where weights came from."""
    described = asdict(describe_backbone(config, network))
    (folder / FILE).write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")


def read_backbone(folder: Path, config: Backbone) -> Backbone:
    """The network of a run, to be created without weights, or with the frozen ones that it was fitted on.

    No network is ever reached for: `backbone.name` of the run is only where the weights once came from.

    Args:
        folder: The run.
        config: The backbone as the run's configuration has it.

    Raises:
        ConfigError: If the file is damaged, or frozen weights are not at hand any more.
    """
    described = read_json(folder / FILE)
    name, args, digest = (described.get(key) for key in ("architecture", "args", "digest"))
    if not isinstance(name, str) or ":" in name or not isinstance(args, dict):
        raise ConfigError(f"{folder / FILE} describes no network of timm")
    if wrong := refused_arguments(args):
        raise ConfigError(f"{folder / FILE}: args may not hold {', '.join(wrong)}")
    if not config.frozen:
        return Backbone(name, args=args)
    if not is_kept(str(digest)):
        _fetch(folder, config, str(digest))
    return Backbone(name, pretrained=True, frozen=True, args=args, digest=str(digest))


def _fetch(folder: Path, config: Backbone, digest: str) -> None:
    """Take frozen weights from the folder that they came from, if they are still the same."""
    told = f"{folder} was fitted on frozen weights of {config.name} ({digest}), which are not kept here"
    if not config.name.startswith("local-dir:"):
        raise ConfigError(f"{told}; an export brings its weights along")
    try:
        found = keep(create_backbone(config)[0])
    except ConfigError as error:
        raise ConfigError(f"{told}: {error}; an export brings its weights along") from None
    if found != digest:
        raise ConfigError(f"{told}: that folder now holds others ({found})")
