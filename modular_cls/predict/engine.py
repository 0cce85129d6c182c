"""What computes the network of a run or export: torch, or ONNX Runtime where it is at hand."""

from pathlib import Path
from typing import Literal, get_args

import torch

from modular_cls.errors import ConfigError
from modular_cls.export.folder import GRAPH
from modular_cls.export.read import is_export
from modular_cls.export.runtime import has_graph
from modular_cls.predict.predictor import Predictor

Engine = Literal["auto", "torch", "onnx"]


def load_predictor(
    folder: Path, engine: Engine = "auto", device: str = "auto"
) -> tuple[Predictor, str]:
    """Load a run or an export onto a device.

    Args:
        folder: Of the run or export.
        engine: torch; onnx (ONNX Runtime and the `model.onnx` of an export, on the CPU); or auto:
            onnx where it is at hand and no other device is, for it takes half the time there.
        device: auto, cpu, cuda, cuda:1, mps ...

    Returns:
        The predictor, and what it computes with, in words.

    Raises:
        ConfigError: If the folder, the engine or the device cannot be used.
    """
    if engine not in get_args(Engine):
        raise ConfigError(f"--engine {engine}: accepted are {', '.join(get_args(Engine))}")
    place = _device(device)
    offered = place.type == "cpu" and is_export(folder) and has_graph(folder)
    if engine == "onnx" and not offered:
        raise ConfigError(
            f"--engine onnx: {_why_not(folder, place)}; torch takes any run or export"
        )
    if offered and engine != "torch":
        return Predictor.load(folder, graph=True), f"ONNX Runtime ({GRAPH})"
    return Predictor.load(folder).to(place), f"torch on {place}"


def _why_not(folder: Path, place: torch.device) -> str:
    if place.type != "cpu":
        return f"it computes on the CPU, not on {place}"
    if not is_export(folder):
        return f"{folder} is no export (modular-cls export writes one)"
    if not (folder / GRAPH).is_file():
        return f"{folder} was exported without {GRAPH}"
    return "it needs onnxruntime: pip install 'modular-cls[onnx]'"


def _device(name: str) -> torch.device:
    if name == "auto":
        name = (
            "cuda"
            if torch.cuda.is_available()
            else "mps"
            if torch.backends.mps.is_available()
            else "cpu"
        )
    try:
        return torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"--device {name} cannot be used here: {reason}; auto takes what there is"
        ) from None
