"""What network a run stands on, written so that it can be built again.

Without the place that it came from, that is: a finished run never goes to a network.
"""

import json
from dataclasses import asdict
from pathlib import Path

from modular_cls.config import Backbone
from modular_cls.errors import ConfigError
from modular_cls.models.backbone import Description, create_backbone, refused_arguments
from modular_cls.models.frozen_weights import is_kept, keep
from modular_cls.runs.weights import read_json

FILE = "backbone.json"


def write_backbone(folder: Path, described: Description) -> None:
    """Write `backbone.json`: architecture, arguments, scale of pixels, where weights came from."""
    text = json.dumps(asdict(described), indent=1) + "\n"
    (folder / FILE).write_text(text, encoding="utf-8")


def read_description(folder: Path) -> Description:
    """Read `backbone.json`; raises ConfigError if it is damaged."""
    stored = read_json(folder / FILE)
    try:
        described = Description(**stored)
    except TypeError:
        raise ConfigError(f"{folder / FILE} describes no network of timm") from None
    name, args = described.architecture, described.args
    if not isinstance(name, str) or ":" in name or not isinstance(args, dict):
        raise ConfigError(f"{folder / FILE} describes no network of timm")
    if wrong := refused_arguments(args):
        raise ConfigError(f"{folder / FILE}: args may not hold {', '.join(wrong)}")
    return described


def described_backbone(folder: Path, config: Backbone, described: Description) -> Backbone:
    """The network of a run, to be created without weights, or with those it was fitted on.

    No network is ever reached for: `backbone.name` of the run is only where the weights once came
    from.

    Args:
        folder: The run.
        config: The backbone as the run's configuration has it.
        described: What the run's `backbone.json` says of it.

    Raises:
        ConfigError: If frozen weights are not at hand any more.
    """
    name, args, digest = described.architecture, described.args, str(described.digest)
    if not config.frozen:
        return Backbone(name, args=args)
    if not is_kept(digest):
        _fetch(folder, config, digest)
    return Backbone(name, pretrained=True, frozen=True, args=args, digest=digest)


def _fetch(folder: Path, config: Backbone, digest: str) -> None:
    """Take frozen weights from the folder that they came from, if they are still the same."""
    problem = f"{folder} was fitted on frozen weights of {config.name} ({digest}), not kept here"
    if not config.name.startswith("local-dir:"):
        raise ConfigError(f"{problem}; an export brings its weights along")
    try:
        kept = keep(create_backbone(config)[0])
    except ConfigError as error:
        raise ConfigError(f"{problem}: {error}; an export brings its weights along") from None
    if kept != digest:
        raise ConfigError(f"{problem}: that folder now holds others ({kept})")
