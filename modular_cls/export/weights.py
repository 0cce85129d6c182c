"""Files of an export: weights as safetensors, never pickled, and JSON.

What is broken in them is told by name.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from modular_cls.errors import ConfigError

_SHOWN_PROBLEMS = 20
_POINTER = b"version https://git-lfs"  # what a clone without Git LFS holds in place of a large file


def write_weights(
    path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write tensors by name; metadata go into the header of the file."""
    # Copies, for safetensors refuses tensors that share memory, as tied layers do.
    laid_out = {
        name: t.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, t in tensors.items()
    }
    # save_file() would make a file that only its owner may read.
    path.write_bytes(save(laid_out, {"format": "pt"} | (metadata or {})))


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors by name, and metadata; raises ConfigError if the file is corrupt."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise ConfigError(f"{path} is corrupt: {error}") from None


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; raises ConfigError if the file is missing or holds no object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except ValueError as error:  # broken UTF-8 too
        raise ConfigError(f"{path} is corrupt: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path} holds a {type(found).__name__}; it must be a JSON object")
    return found


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def changed(path: Path, expected: object) -> str | None:
    """What is wrong with a file that should have this digest, or None."""
    if not path.is_file():
        return f"{path.name} is missing"
    with path.open("rb") as file:
        if file.read(len(_POINTER)) == _POINTER:
            return f"{path.name} is the pointer of a file that was not fetched; run git lfs pull"
    if (found := digest(path)) != expected:
        size = path.stat().st_size
        return (
            f"{path.name} ({size:,} bytes) is truncated or changed: its SHA-256 is {found}, "
            f"not {expected}"
        )
    return None


def refuse(where: object, problems: Sequence[str]) -> None:
    """Raise ConfigError with all problems, up to 20, if there are any."""
    if problems:
        more = len(problems) - _SHOWN_PROBLEMS
        tail = [f"... and {more} more"] if more > 0 else []
        raise ConfigError("\n  ".join([f"{where}:", *problems[:_SHOWN_PROBLEMS], *tail]))
