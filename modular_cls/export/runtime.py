"""The network of an export as its graph, `model.onnx`, in ONNX Runtime.

On a CPU it takes half the time of torch, and timm, slow to import, is not needed. That the graph
gives what the network gives was checked when it was written, and its digest says it is that file.
"""

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from modular_cls.errors import ConfigError
from modular_cls.export.folder import GRAPH
from modular_cls.export.graph import EMBEDDING, IMAGE
from modular_cls.jobs.cores import count_cores
from modular_cls.models.joint_classifier import OutsideNetwork


class GraphNetwork(OutsideNetwork):
    """Images -> embedding, by the graph; carries it along when it is pickled.

    Args:
        folder: Of the export; the digest of its graph is checked by who reads the export.
        frozen: As for `OutsideNetwork`.

    Attributes:
        digest: SHA-256 of the graph.

    Raises:
        ConfigError: If the runtime cannot read the graph.
    """

    def __init__(self, folder: Path, frozen: bool) -> None:
        super().__init__()
        self.frozen = frozen
        try:
            self._graph = (folder / GRAPH).read_bytes()
            self._session = _session(self._graph)
        except Exception as error:  # the runtime has errors of its own kind
            raise ConfigError(f"{folder / GRAPH}: ONNX Runtime cannot read it: {error}") from None
        self.digest = hashlib.sha256(self._graph).hexdigest()
        shapes = {output.name: output.shape for output in self._session.get_outputs()}
        self.width = shapes[EMBEDDING][1]

    def forward(self, image: Tensor) -> Tensor:
        """Images `(B, 3, H, W)` -> `(B, F)`."""
        outputs = self._session.run([EMBEDDING], {IMAGE: image.contiguous().numpy()})
        return torch.from_numpy(outputs[0])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_session": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._session = _session(self._graph)


def has_graph(folder: Path) -> bool:
    """Whether an export holds a graph, and there is a runtime for it."""
    return (folder / GRAPH).is_file() and importlib.util.find_spec("onnxruntime") is not None


def _session(graph: bytes) -> Any:
    import onnxruntime  # an extra

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = count_cores()
    # Threads that spin while they wait take the cores that decode the next pictures.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
