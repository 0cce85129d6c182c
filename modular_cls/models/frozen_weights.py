"""Weights of frozen networks, kept by their digest, so that a run need not bring them along."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from modular_cls.errors import ConfigError
from modular_cls.files import CACHE_VARIABLE, cache_folder, replacing_file


def digest_of(network: nn.Module) -> str:
    """Digest of a network's weights: names, shapes and numbers."""
    return _digest(network.state_dict())


def _digest(weights: Mapping[str, Tensor]) -> str:
    total = hashlib.blake2b(digest_size=16)
    for name, value in sorted(weights.items()):
        array = value.detach().cpu().contiguous()
        total.update(f"{name} {array.dtype} {tuple(array.shape)}".encode())
        total.update(array.flatten().view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def keep(network: nn.Module) -> str:
    """Keep a network's weights, unless they are kept already; returns their digest.

    A file that was damaged is written anew.

    Raises:
        ConfigError: If they cannot be written.
    """
    digest = digest_of(network)
    file = _file(digest)
    if _is_sound(file, digest):
        return digest
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    try:
        with replacing_file(file) as partial:
            partial.write_bytes(save(weights))
    except OSError as error:
        raise ConfigError(
            f"frozen weights cannot be kept in {file.parent}: {error.strerror or error}; set "
            f"{CACHE_VARIABLE} to a folder that has room"
        ) from None
    return digest


def fill(network: nn.Module, digest: str) -> None:
    """Put the weights with a digest into a network of their architecture.

    Raises:
        ConfigError: If they are not kept, or are damaged, or belong to another architecture.
    """
    file = _file(digest)
    if not file.is_file():
        raise ConfigError(f"the frozen weights {digest} are not kept in {file.parent} (any more)")
    try:
        network.load_state_dict(load_file(file))
    except (SafetensorError, RuntimeError, OSError) as error:
        raise ConfigError(f"{file} is damaged, or of another network: {error}") from None
    if digest_of(network) != digest:
        raise ConfigError(f"{file} is damaged: its weights have another digest; delete it")


def is_kept(digest: str) -> bool:
    """Whether weights with that digest are kept."""
    return _file(digest).is_file()


def _is_sound(file: Path, digest: str) -> bool:
    try:
        return file.is_file() and _digest(load_file(file)) == digest
    except (SafetensorError, OSError):
        return False


def _file(digest: str) -> Path:
    return cache_folder() / "backbones" / f"{digest}.safetensors"
