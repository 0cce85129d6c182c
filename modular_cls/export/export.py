"""A run folder -> an export, all of it, checked before it takes its place."""

from pathlib import Path

import torch

from modular_cls.data.preparation import Pixels
from modular_cls.errors import ModularClsError
from modular_cls.export.card import write_card
from modular_cls.export.folder import (
    FORMAT,
    GRAPH,
    MARKER,
    preparation,
    target_prior,
    write_description,
    write_model,
)
from modular_cls.export.graph import check_graph, write_graph
from modular_cls.export.read import read_export
from modular_cls.export.record import write_record
from modular_cls.files import check_free, new_folder
from modular_cls.runs.folder import Run


def export_run(
    folder: str | Path,
    out: str | Path,
    overwrite: bool = False,
    onnx: bool = True,
    licence: str = "other",
) -> None:
    """Write the reusable model of a run.

    Args:
        folder: The run folder.
        out: The folder to write: plain timm, ONNX runtimes and `Predictor.load` open it.
        overwrite: Replace an earlier export; it stays until the new one is complete.
        onnx: Write `model.onnx` too; needs the extra `onnx`.
        licence: Of the weights, as the Hugging Face Hub writes it, for example mit.

    Raises:
        ConfigError: If the folder is not a finished run, or its network cannot be written.
        OutputExistsError: If `out` exists and may not be replaced.
    """
    out = Path(out)
    check_free(out, overwrite, MARKER)
    run = Run.load(folder)
    if onnx:
        check_graph(run.model)
    pixels = Pixels.of(run.config.data)
    with new_folder(out, overwrite, MARKER) as partial:
        write_model(partial, run, pixels, licence)
        if onnx:
            write_graph(partial / GRAPH, run.model, pixels.size, _metadata(run, pixels))
        write_record(partial, run, Path(folder))
        write_card(partial, run, licence)
        write_description(partial, run)
        _check_same(run, partial, pixels)


def _metadata(run: Run, pixels: Pixels) -> dict[str, object]:
    """What `model.onnx` says of itself."""
    return {
        "format": FORMAT,
        "values": "log probabilities (natural logarithm) under target_prior; embedding: "
        "features of the backbone",
        "classes": {o.name: o.class_names for o in run.model.schema.outputs},
        "target_prior": target_prior(run),
        "preprocessing": preparation(pixels),
    }


@torch.inference_mode()
def _check_same(run: Run, folder: Path, pixels: Pixels) -> None:
    """What was written gives what the run gives, to the last bit."""
    again = read_export(folder).model
    image = torch.randn(2, 3, *pixels.size, generator=torch.Generator().manual_seed(0))
    pairs = ((run.model(image), again(image)), (run.model.log_priors, again.log_priors))
    if not all(torch.equal(ours[name], theirs[name]) for ours, theirs in pairs for name in ours):
        raise ModularClsError(
            f"{run.config.backbone.name} gives other values once it is written and read again"
        )
