"""What extending a run costs against training the whole from scratch, and what it is worth."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from tables import RESULTS, show, spread

from modular_cls import load_config
from modular_cls.data.faces.write import write_faces
from modular_cls.extend.extend import extend
from modular_cls.runs.folder import Run
from modular_cls.training.train import train

TIMES_LIMIT = 50.0
ATTRIBUTES = {"hair": ["short", "long"], "gender": ["female", "male"], "glasses": ["no", "yes"]}
PART = {"hair_gender": {"attributes": ["hair", "gender"]}}
WHOLE = {"hair_gender_glasses": {"attributes": list(ATTRIBUTES)}}


def measure_extending(rounds: int, per_class: int = 500) -> None:
    """Print what it costs to add a composite of three attributes to a run that knows two of them together."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_faces(folder / "faces", per_class, glasses=True)
        _train(folder, "base", PART)
        with _timed() as scratch:
            whole = _train(folder, "scratch", PART | WHOLE)
        (folder / "more.yaml").write_text(
            yaml.safe_dump({"schema": {"composites": WHOLE}}), encoding="utf-8"
        )
        seconds = []
        for _ in range(rounds):
            with _timed() as took:
                extended = extend(
                    folder / "base",
                    folder / "more.yaml",
                    folder / "extended",
                    overwrite=True,
                    progress=False,
                )
            seconds += took
        kib = (folder / "base" / "scores.safetensors").stat().st_size / 2**10
    times = [scratch[0] / s for s in seconds]
    show("A composite of three attributes added to a run, tests included in all times", [
        ("training from scratch", spread(scratch, "s", 1), _accuracy(whole)),
        ("extending", spread(seconds, "s", 2), _accuracy(extended)),
        ("training / extending", spread(times, digits=0), RESULTS.held("training / extending", times, at_least=TIMES_LIMIT)),
        ("what the run keeps for it", f"{kib:.0f} KiB", ""),
    ])  # fmt: skip


def _train(folder: Path, name: str, composites: dict[str, Any]) -> Run:
    overlay = {
        "schema": {"attributes": ATTRIBUTES, "composites": composites},
        "data": {"manifest": str(folder / "faces" / "manifest.csv"), "scarcity": None},
    }
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(overlay, sort_keys=False), encoding="utf-8")
    config = load_config(
        "configs/modular.yaml", folder / f"{name}.yaml", training__validate_every=0
    )
    return train(config, folder / name, progress=False)


@contextmanager
def _timed() -> Iterator[list[float]]:
    seconds: list[float] = []
    started = time.perf_counter()
    yield seconds
    seconds.append(time.perf_counter() - started)


def _accuracy(run: Run) -> str:
    return (
        f"balanced accuracy {run.metrics['test']['hair_gender_glasses']['balanced_accuracy']:.1%}"
    )
