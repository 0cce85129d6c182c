"""Measures what training costs: `python tests/bench/bench.py [--quick]`.

Tables: ours against timm's own parts (against_timm.py); a training step through Lightning against a plain loop,
loading against training, a cell of a study against a run alone, the memory of a real run, what size costs (scale.py,
memory.py), what extending a run costs (extending.py), and what reuse costs (reuse.py). All numbers with their limits go
to docs/results/bench/bench.csv (--out); a number that misses its limit is named in the end, and the exit status is 1.
Under 20 minutes on two cores that are free; --quick takes a third of it.
"""

import argparse
import copy
import itertools
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

os.environ |= {
    "OMP_WAIT_POLICY": "passive",
    "GOMP_SPINCOUNT": "10000",
}  # torch reads both, as in cli.py

import pytorch_lightning as pl
import torch
import yaml
from against_timm import measure_against_timm, measure_prediction, measure_starts
from extending import measure_extending
from hand_loop import HandLoop
from memory import measure_growth, measure_memory
from reuse import measure_reuse
from scale import measure_decoding, measure_manifest
from tables import RESULTS, show, spread, yes

from modular_cls import criteria, load_config
from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.export.export import export_run
from modular_cls.models.build import build_model
from modular_cls.parts import build_part
from modular_cls.schema import Schema
from modular_cls.study.grid import Study
from modular_cls.study.study import run_study
from modular_cls.training.task import AttributeTask
from modular_cls.training.train import train
from modular_cls.training.trainer import be_quiet, make_trainer, use_threads

ROOT = Path(__file__).resolve().parents[2]
CONFIG = "configs/modular.yaml"
BLOCK = 20  # steps, or batches, that are timed together
RATIO_LIMIT = 1.10
CELL_LIMIT = 1.05


class Setup:
    """What the measured loops share, for that many blocks: built as in `Fit`, on the CPU."""

    def __init__(self, blocks: int) -> None:
        given = {"updates": blocks * BLOCK, "validate_every": 0, "accelerator": "cpu"}
        self.config = config = load_config(
            CONFIG, **{f"training__{name}": value for name, value in given.items()}
        )
        be_quiet()
        use_threads(config, config.data.workers)
        pl.seed_everything(config.seed, workers=True, verbose=False)
        schema = Schema.from_dict(config.schema)
        self.data = AttributeDataModule(
            schema, config.data, config.seed, config.training.updates, splits=("train",)
        )
        counts = {
            j.name: torch.from_numpy(self.data.datasets["train"].manifest.counts(j))
            for j in schema.joints
        }
        self.criterion = build_part(config.criterion, criteria, criteria.Criterion, "criterion")(
            schema=schema, counts=counts, observed=None
        )
        self.model = build_model(config, schema)
        self.data.decode()

    def task(self) -> AttributeTask:
        """A task with a fresh copy of the initial weights."""
        return AttributeTask(copy.deepcopy(self.model), self.criterion, self.config.training, [])


class Alternate(pl.Callback):
    """Pauses Lightning after each of its blocks, and runs the hand loops' blocks in between.

    In order: L A B, B A L, L A B, ...; in each round A is next to both of its opponents, and a drift
    of the machine's speed favours none. The first round warms up.
    """

    def __init__(self, first: HandLoop, second: HandLoop, blocks: int) -> None:
        self.hand, self.blocks = (first, second), blocks
        self.seconds: tuple[list[float], ...] = ([], [], [])  # per step: Lightning, A, B

    def on_train_start(self, *_: Any) -> None:
        self.resumed = time.perf_counter()

    def on_train_batch_end(
        self, trainer: Any, task: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        number, step = divmod(batch_idx, BLOCK)
        if step < BLOCK - 1:
            return
        self.seconds[0].append((time.perf_counter() - self.resumed) / BLOCK)
        if number % 2 == 0:
            for i in (0, 1, 1, 0) if number + 1 < self.blocks else (0, 1):
                self.seconds[i + 1].append(self.hand[i].block(BLOCK))
        self.resumed = time.perf_counter()


def measure_step(setup: Setup, blocks: int) -> None:
    """Print the time of a step through Lightning against the plain loop, and of the loop against itself."""
    data, task = copy.copy(setup.data), setup.task()
    data.data = replace(data.data, workers=0)  # no process works ahead into another loop's block
    loops = [HandLoop(setup.task(), iter(data.train_dataloader())) for _ in range(2)]
    alternate = Alternate(*loops, blocks)
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(setup.config, Path(folder), progress=False)
        trainer.callbacks.append(alternate)  # type: ignore[attr-defined]
        trainer.fit(task, data)
    lightning, first, second = (times[1:] for times in alternate.seconds)
    ratios = [a / b for a, b in zip(lightning, first, strict=True)]
    control = [a / b for a, b in zip(second, first, strict=True)]
    ratio = median(ratios)
    inside = "within" if min(control) <= ratio <= max(control) else "outside"
    weights = [
        list(model.state_dict().values()) for model in (task.model, *(loop.model for loop in loops))
    ]
    same = all(torch.equal(a, b) and torch.equal(a, c) for a, b, c in zip(*weights, strict=True))
    rows = [
        ("Lightning", spread([1000 * s for s in lightning], "ms", 1), ""),
        ("plain loop", spread([1000 * s for s in first], "ms", 1), ""),
        (
            "Lightning / plain loop",
            spread(ratios),
            RESULTS.held("training step: Lightning / plain loop", ratios, RATIO_LIMIT),
        ),
        ("control: plain / plain", spread(control), f"the ratio is {inside} control"),
        ("same weights at the end", yes(same), "all loops do the same work"),
    ]
    threads = torch.get_num_threads()
    show(
        f"Training step, loading included: {blocks - 1} rounds of {BLOCK} steps, threads: {threads}",
        rows,
    )


def measure_data(setup: Setup, blocks: int) -> None:
    """Print images per second of the loader alone, and of the training step on a fixed batch."""
    workers, size, loaded = setup.config.data.workers, setup.config.data.batch_size, []
    batches = iter(setup.data.train_dataloader())
    for _ in range(blocks):
        started = time.perf_counter()
        fixed = [next(batches) for _ in range(BLOCK)][-1]
        loaded.append(BLOCK * size / (time.perf_counter() - started))
    loop = HandLoop(setup.task(), itertools.repeat(fixed))
    trained = [size / loop.block(BLOCK) for _ in range(blocks)]
    ratio = median(loaded[1:]) / median(trained[1:])
    rows = [
        (
            f"loader with augmentation, data.workers={workers}",
            spread(loaded[1:], "images/s", 0),
            "",
        ),
        ("training step on a fixed batch", spread(trained[1:], "images/s", 0), ""),
        (
            "loader / training step",
            f"{ratio:.2f}",
            RESULTS.held("loader / training step", [ratio], at_least=1),
        ),
    ]
    show(
        f"Data path: {blocks - 1} blocks of {BLOCK} batches of {size}, threads: {torch.get_num_threads()}",
        rows,
    )


def measure_study(rounds: int, updates: int = 60) -> None:
    """Print what a cell of a study costs against a run alone, the pictures decoded for both."""
    also = {"training": {"updates": updates, "validate_every": 0}}
    seconds: tuple[list[float], ...] = ([], [])
    with tempfile.TemporaryDirectory() as folder:
        overlay = Path(folder) / "also.yaml"
        overlay.write_text(yaml.safe_dump(also), encoding="utf-8")
        for number in range(rounds + 1):
            config = load_config(CONFIG, overlay, seed=number, data__scarcity__keep=5)
            started = time.perf_counter()
            train(config, Path(folder) / f"alone{number}", progress=False)
            between = time.perf_counter()
            grid = Study(methods=[CONFIG], keep=[5], seeds=[number], also=[str(overlay)])
            run_study(grid, Path(folder) / "study")
            seconds[0].append(between - started)
            seconds[1].append(time.perf_counter() - between)
    alone, cells = (times[1:] for times in seconds)
    ratios = [cell / run for cell, run in zip(cells, alone, strict=True)]
    rows = [
        ("run alone", spread(alone, "s", 1), ""),
        ("cell of a study", spread(cells, "s", 1), ""),
        (
            "cell / run alone",
            spread(ratios),
            RESULTS.held("cell of a study / run alone", ratios, CELL_LIMIT),
        ),
    ]
    show(f"Study: {rounds} rounds of {updates} updates, the same configuration and seed", rows)


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, fewer pictures")
    parser.add_argument(
        "--only", nargs="*", metavar="PART", help=", ".join(_PARTS) + "; other rows of OUT stay"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs/results/bench/bench.csv")
    asked = parser.parse_args()
    if wrong := set(asked.only or ()) - set(_PARTS):
        parser.error(f"--only: no part {', '.join(sorted(wrong))}; parts: {', '.join(_PARTS)}")
    os.chdir(ROOT)
    began = time.perf_counter()
    for part in asked.only or _PARTS:
        _PARTS[part](3 if asked.quick else 8, asked.quick)
        RESULTS.write(asked.out, renew=bool(asked.only))
    print(f"\n{(time.perf_counter() - began) / 60:.1f} min; {asked.out}")
    if missed := RESULTS.missed():
        sys.exit("beyond their limits:\n  " + "\n  ".join(missed))


def _steps(rounds: int, _: bool) -> None:
    setup = Setup(rounds + 1)
    measure_step(setup, rounds + 1)
    measure_data(setup, rounds + 1)


def _timm(rounds: int, _: bool) -> None:
    measure_against_timm(Setup(rounds + 1), rounds)


def _exported(rounds: int, quick: bool) -> None:
    """What is measured on an export and on a run: a short training makes them."""
    with tempfile.TemporaryDirectory() as folder:
        run, export = Path(folder) / "run", Path(folder) / "export"
        config = load_config(CONFIG, training__updates=30, training__validate_every=0)
        train(config, run, progress=False)
        export_run(run, export)
        measure_starts(min(rounds, 5), export)
        measure_prediction(min(rounds, 3), export, 1000 if quick else 5000)


def _growth(_: int, quick: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = load_config(CONFIG, training__updates=30, training__validate_every=0)
        train(config, Path(folder) / "run", progress=False)
        measure_growth(Path(folder) / "run", 16_000 if quick else 64_000)


def _scale(_: int, quick: bool) -> None:
    measure_manifest(1, 1_000_000 if quick else 10_000_000)
    measure_decoding(3)


_PARTS = {
    "memory": lambda rounds, quick: measure_memory(),  # first: a child's peak includes its parent's
    "timm": _timm,
    "starts": _exported,
    "steps": _steps,
    "study": lambda rounds, quick: measure_study(min(rounds, 3)),
    "scale": _scale,
    "growth": _growth,
    "extending": lambda rounds, quick: measure_extending(1 if quick else 3),
    "reuse": lambda rounds, quick: measure_reuse(rounds),
}


if __name__ == "__main__":
    main()
