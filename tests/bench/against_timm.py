"""Ours against timm's own parts: a training step, the first update, the first picture, and 5,000 pictures."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from tables import RESULTS, show, spread
from timm_parts import TimmLoop, as_folders

from modular_cls.jobs.cores import count_cores
from modular_cls.training.trainer import make_trainer

FACES = Path("data/faces/manifest.csv")
STEPS, LEFT_OUT = 16, 4
STEP_LIMIT, FIRST_LIMIT, PICTURE_LIMIT, PICTURES_LIMIT = 1.5, 1.0, 1.5, 1.3
_TIMM_UPDATE = """
import sys
sys.path.insert(0, "tests/bench")
from pathlib import Path
from timm_parts import TimmLoop
TimmLoop(Path(sys.argv[1]), "test_resnet", {"stem_width": 8}, 64, 64, 1).step()
import os; os._exit(0)
"""
_OUR_UPDATE = """
import sys, tempfile
from modular_cls.jobs.signals import end_helpers
from modular_cls import load_config
from modular_cls.training.train import make_fit
config = load_config("configs/modular.yaml", training__updates=1, training__validate_every=0, training__accelerator="cpu")
make_fit(config).run(progress=False)
import os; os._exit(0)
"""
_BARE = """
import csv, sys
from pathlib import Path
import numpy as np, timm, torch
from PIL import Image
model = timm.create_model(f"local-dir:{sys.argv[1]}", pretrained=True, num_classes=4).eval()
files, rows = [Path(line) for line in Path(sys.argv[2]).read_text().splitlines()], []
def read(file):
    with Image.open(file) as image:
        pixels = np.array(image.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR))
    return torch.from_numpy(pixels).permute(2, 0, 1).float().div(255).sub(0.5).div(0.5)
with torch.inference_mode():
    for i in range(0, len(files), 64):
        rows += model(torch.stack([read(file) for file in files[i : i + 64]])).softmax(1).tolist()
with open(sys.argv[3], "w") as out:
    csv.writer(out).writerows([str(file), *row] for file, row in zip(files, rows))
"""


class TimmInBetween(pl.Callback):
    """Pauses Lightning after each of its blocks, and runs timm's loops in between, in turns.

    Args:
        loops: timm's loops, each with the number of threads that it computes with.
    """

    def __init__(self, loops: list[tuple[TimmLoop, int]]) -> None:
        self.loops = loops
        self.ours: list[float] = []
        self.theirs: list[list[float]] = [[] for _ in loops]

    def on_train_batch_end(
        self, trainer: Any, task: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        number, step = divmod(batch_idx + 1, STEPS + LEFT_OUT)
        if step == LEFT_OUT:
            self.resumed = time.perf_counter()
        if step or not number:
            return
        self.ours.append((time.perf_counter() - self.resumed) / STEPS)
        threads = torch.get_num_threads()
        for i in range(len(self.loops))[:: 1 if number % 2 else -1]:
            loop, theirs = self.loops[i]
            torch.set_num_threads(theirs)
            self.theirs[i].append(loop.block(STEPS, LEFT_OUT))
        torch.set_num_threads(threads)


def measure_against_timm(setup: Any, rounds: int) -> None:
    """Print an update of ours against one of timm's, loading and augmentation included.

    timm computes with a thread for each core, as torch does untold, and with as many as ours.
    """
    config, threads = setup.config, torch.get_num_threads()
    with tempfile.TemporaryDirectory() as name:
        folder = as_folders(FACES, Path(name) / "faces")
        same = (folder, config.backbone.name, config.backbone.args, 64, config.data.batch_size)
        counts = (count_cores(), threads, threads)
        loops = [(TimmLoop(*same, config.data.workers), count) for count in counts]
        between = TimmInBetween(loops)
        setup.data.updates = config.training.updates
        trainer = make_trainer(setup.config, Path(name), progress=False, callbacks=[between])
        trainer.fit(setup.task(), setup.data)
        for loop, _ in loops:
            loop.close()
    ours, *theirs = (times[1 : rounds + 1] for times in (between.ours, *between.theirs))
    default, alike = ([b / a for a, b in zip(ours, each, strict=True)] for each in theirs[:2])
    control = [b / a for a, b in zip(*theirs[1:], strict=True)]
    show(f"An update against timm's (channels-last), loading included: {len(ours)} rounds of {STEPS}", [
        (f"ours, threads: {threads}", spread([1000 * s for s in ours], "ms", 1), ""),
        (f"timm's, threads: {counts[0]}", spread([1000 * s for s in theirs[0]], "ms", 1), ""),
        (f"timm's, threads: {threads}", spread([1000 * s for s in theirs[1]], "ms", 1), ""),
        ("timm's / ours", spread(default, digits=2), RESULTS.held("training step: timm / ours", default, at_least=STEP_LIMIT)),
        ("timm's with our threads / ours", spread(alike, digits=2), RESULTS.held("training step: timm with our threads / ours", alike)),
        ("control: timm's / timm's", spread(control, digits=2), RESULTS.held("training step: timm / timm", control)),
    ])  # fmt: skip


def measure_starts(rounds: int, export: Path) -> None:
    """Print what the first update and the first picture cost, imports included, against timm's."""
    with tempfile.TemporaryDirectory() as name:
        folder = as_folders(FACES, Path(name) / "faces")
        _compare(
            "The first update", "first update", rounds, FIRST_LIMIT,
            [sys.executable, "-c", _OUR_UPDATE], [sys.executable, "-c", _TIMM_UPDATE, str(folder)],
        )  # fmt: skip
    _pictures("The first picture", "first picture", rounds, PICTURE_LIMIT, export, 1)


def measure_prediction(rounds: int, export: Path, pictures: int = 5000) -> None:
    """Print what a table of predictions costs, imports included, against a bare loop of torch."""
    title = f"Predicting {pictures:,} pictures against a bare loop"
    _pictures(title, f"predicting {pictures:,}", rounds, PICTURES_LIMIT, export, pictures)


def _pictures(title: str, called: str, rounds: int, limit: float, export: Path, count: int) -> None:
    lines = FACES.read_text(encoding="utf-8").splitlines()[1 : count + 1]
    files = [FACES.parent.absolute() / line.split(",")[0] for line in lines]
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "files.txt").write_text("\n".join(map(str, files)))
        (Path(name) / "table.csv").write_text("\n".join(["path", *map(str, files)]))
        images = [str(files[0])] if count == 1 else [f"{name}/table.csv"]
        ours = [sys.executable, "-m", "modular_cls", "predict", str(export), *images]
        ours += ["--out", f"{name}/ours.csv", "--overwrite"] + (
            ["--root", "/"] if count > 1 else []
        )
        bare = [sys.executable, "-c", _BARE, str(export), f"{name}/files.txt", f"{name}/bare.csv"]
        _compare(title, called, rounds, limit, ours, bare)


def _compare(
    title: str, called: str, rounds: int, limit: float, ours: list[str], theirs: list[str]
) -> None:
    """Whole processes in turns, theirs twice as control; by wall clock and by CPU."""
    times: dict[str, list[tuple[float, float]]] = {"ours": [], "theirs": [], "again": []}
    commands = {"ours": ours, "theirs": theirs, "again": theirs}
    for number in range(rounds + 1):  # the first one fills the caches of the disk
        for name in list(commands)[:: 1 if number % 2 else -1]:
            times[name].append(_run(commands[name]))
    rows = []
    for i, clock in enumerate(("wall clock", "CPU")):
        ours_, theirs_, again = ([t[i] for t in times[name][1:]] for name in times)
        ratios = [b / a for a, b in zip(ours_, theirs_, strict=True)]
        control = [b / a for a, b in zip(theirs_, again, strict=True)]
        held = RESULTS.held(
            f"{called}: theirs / ours, {clock}", ratios, at_least=limit if i == 0 else None
        )
        RESULTS.held(f"{called}: theirs / theirs, {clock}", control)
        rows += [
            (f"ours, {clock}", spread(ours_, "s", 2), ""),
            (f"theirs, {clock}", spread(theirs_, "s", 2), ""),
            (f"theirs / ours, {clock}", spread(ratios, digits=2), held),
            (f"control: theirs / theirs, {clock}", spread(control, digits=2), ""),
        ]
    show(f"{title}, imports included: {rounds} rounds", rows)


def _run(command: list[str]) -> tuple[float, float]:
    """Seconds by wall clock, and of all cores, of a process and what it starts."""
    before, started = _children(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=_env())
    if done.returncode:
        raise SystemExit(f"{command[:4]} failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - started, _children() - before


def _env() -> dict[str, str]:
    return {**os.environ, "OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "10000"}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
