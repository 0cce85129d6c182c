"""Files of a run or an export: weights as safetensors, never pickled, and JSON.

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
from torch import Tensor, nn

from modular_cls.errors import ConfigError

_SHOWN_PROBLEMS = 20
_LOG_PRIOR = "_log_prior_"  # of a joint space, in a JointClassifier
_POINTER = b"version https://git-lfs"  # what a clone without Git LFS holds in place of a large file


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write tensors by name; metadata go into the header of the file."""
    # Copies, for safetensors refuses tensors that share memory, as tied layers do.
    laid_out = {
        name: t.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, t in tensors.items()
    }
    # save_file() would make a file that only its owner may read.
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(save(laid_out, {"format": "pt"} | (metadata or {})))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors by name, and metadata; raises ConfigError if the file is corrupt."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except SafetensorError as error:
        raise ConfigError(f"{path} is corrupt: {error}") from None


def fill(where: object, module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Put tensors into a module: every one of its own, and nothing else, all of them finite.

    Args:
        where: The file or folder that they come from, for messages.
        module: What to fill.
        tensors: By name, as in its state.

    Raises:
        ConfigError: Naming each tensor that is missing, left over, of another shape, or not
            finite.
    """
    wanted = module.state_dict()
    problems = [f"{name} is missing" for name in wanted if name not in tensors]
    problems += [f"{name} has no place in the model" for name in tensors if name not in wanted]
    for name in wanted.keys() & tensors.keys():
        if (ours := tuple(tensors[name].shape)) != (needed := tuple(wanted[name].shape)):
            problems.append(f"{name} is of shape {ours}; the schema needs {needed}")
    refuse(f"{where}: the weights do not fit the model", sorted(problems))
    refuse(f"{where}: weights that are not finite", not_finite(tensors))
    module.load_state_dict(tensors)


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """What is nan or infinite, in words; a log prior may be -inf: never predicted."""
    problems = []
    for name, tensor in tensors.items():
        broken = ~tensor.isfinite()
        if _LOG_PRIOR in name:
            broken &= ~tensor.isneginf() | tensor.isneginf().all()
        if broken.any():
            problems.append(f"{name}: {int(broken.sum()):,} of {broken.numel():,} values")
    return problems


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; raises ConfigError if the file is missing or holds no object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except ValueError as error:  # broken UTF-8 too
        raise ConfigError(f"{path} is corrupt: {error}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds a {type(content).__name__}; it must be a JSON object")
    return content


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def changed(folder: Path, name: str, known: Mapping[str, object], by: str) -> str | None:
    """What is wrong with a file whose digest is known, or None.

    Args:
        folder: A run or an export.
        name: The file in it.
        known: SHA-256 by name.
        by: The file that says them; it may be the one that is damaged.
    """
    path, expected = folder / name, known.get(name)
    if not path.is_file():
        return f"{path.name} is missing"
    with path.open("rb") as file:
        if file.read(len(_POINTER)) == _POINTER:
            return f"{path.name} is the pointer of a file that was not fetched; run git lfs pull"
    if not isinstance(expected, str):
        return f"{by} is damaged, or of another version: it holds no SHA-256 of {name}"
    if (actual := digest(path)) != expected:
        size = path.stat().st_size
        return (
            f"{path.name} ({size:,} bytes) is truncated or changed: its SHA-256 is {actual}, "
            f"not {expected} as {by} says"
        )
    return None


def refuse(where: object, problems: Sequence[str]) -> None:
    """Raise ConfigError with all problems, up to 20, if there are any."""
    if problems:
        more = len(problems) - _SHOWN_PROBLEMS
        tail = [f"... and {more} more"] if more > 0 else []
        raise ConfigError("\n  ".join([f"{where}:", *problems[:_SHOWN_PROBLEMS], *tail]))
