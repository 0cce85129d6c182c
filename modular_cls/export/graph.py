"""The whole model as one ONNX graph.

An image in, log probabilities of every output and the embedding out.
"""

import importlib.util
import json
import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from modular_cls.errors import ConfigError
from modular_cls.models.joint_classifier import JointClassifier

IMAGE, EMBEDDING = "image", "embedding"
_NEEDED = ("onnx", "onnxscript", "onnxruntime")
_TOLERANCE = 1e-5  # of probabilities and, relative to the largest, of features
_WITHOUT = "--no-onnx leaves the graph away"


def check_graph(model: JointClassifier) -> None:
    """Raise ConfigError if a graph of this model cannot be written; before anything slow."""
    if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
        raise ConfigError(
            f"model.onnx needs {', '.join(missing)}: pip install 'modular-cls[onnx]' ({_WITHOUT})"
        )
    if taken := [o.name for o in model.schema.outputs if o.name in (IMAGE, EMBEDDING)]:
        raise ConfigError(
            f"model.onnx: {' and '.join(taken)} names an attribute or composite here; in the graph "
            f"{IMAGE} is what goes in, and {EMBEDDING} the features that come out ({_WITHOUT})"
        )


def write_graph(
    path: Path, model: JointClassifier, size: tuple[int, int], metadata: dict[str, object]
) -> None:
    """Write the graph, and check its outputs against the model's.

    Args:
        path: The file.
        model: The trained model, on the CPU.
        size: (height, width) of its pictures.
        metadata: What the file says of itself, by key; values are kept as JSON.

    Raises:
        ConfigError: If the network cannot be written as a graph, or the graph's outputs differ.
    """
    names = [o.name for o in model.schema.outputs] + [EMBEDDING]
    whole = _Whole(model).eval()
    example = torch.randn(3, 3, *size, generator=torch.Generator().manual_seed(0))
    program = _trace(whole, example, names)
    for key, value in metadata.items():
        program.model.metadata_props[key] = json.dumps(value, ensure_ascii=False)
    program.save(str(path))
    with torch.inference_mode():
        expected = whole(example)
    _check(path, example, dict(zip(names, expected, strict=True)))


class _Whole(nn.Module):
    """A model's log probabilities in the order of its outputs, then its features."""

    def __init__(self, model: JointClassifier) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Images `(B, 3, H, W)` -> `(B, classes)` by output, and `(B, F)`."""
        features = self.model.extract(image)
        logs = self.model.log_probabilities(self.model.score(features))
        return (*(logs[o.name] for o in self.model.schema.outputs), features)


def _trace(whole: nn.Module, example: Tensor, names: list[str]) -> torch.onnx.ONNXProgram:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about torch's own ways; what counts is checked afterwards
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        try:
            program = torch.onnx.export(
                whole, (example,), dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch")},),
                input_names=[IMAGE], output_names=names, verbose=False,
            )  # fmt: skip
        except torch.onnx.OnnxExporterError as error:
            reason = error.__cause__ or error  # without torch's advice on how to change the network
            raise ConfigError(
                f"model.onnx: this network cannot be written as a graph ({_WITHOUT}): {reason}"
            ) from None
    assert program is not None  # with dynamo=True there is one
    return program


def _check(path: Path, example: Tensor, expected: dict[str, Tensor]) -> None:
    import onnxruntime  # an extra

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    computed = session.run(list(expected), {IMAGE: example.numpy()})
    for (name, tensor), theirs in zip(expected.items(), computed, strict=True):
        ours = tensor.numpy()
        if name == EMBEDDING:
            difference = np.abs(theirs - ours).max() / max(1.0, np.abs(ours).max())
        else:
            difference = np.abs(np.exp(theirs) - np.exp(ours)).max()
        if not difference <= _TOLERANCE:
            raise ConfigError(
                f"model.onnx: {name} differs by {difference:.1g} in ONNX Runtime; at most "
                f"{_TOLERANCE:g} is accepted ({_WITHOUT})"
            )
