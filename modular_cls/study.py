"""A study: a grid of runs, each a run folder of its own; what is finished is not run again."""

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from modular_cls.config import Config, Scarcity, Study
from modular_cls.errors import ConfigError
from modular_cls.parsing import load_config
from modular_cls.run import MARKER, train


def run_study(study: Study, out: Path, executor: Executor | None = None) -> None:
    """Run what is not finished yet of a grid, into `out/METHOD_k5_seed0` and so on.

    Args:
        study: The grid.
        out: Folder of the run folders.
        executor: Where to run, any `concurrent.futures.Executor`; default this process, or
            `study.processes` processes of one computing thread each.

    Raises:
        ConfigError: If cells cannot be made scarce, or a finished one has another configuration.
    """
    todo = [(config, folder) for config, folder in cells(study, out) if not _finished(config, folder)]
    if executor is None and study.processes > 1:
        # Processes beside each other: each computes with one thread and loads its own pictures.
        todo = [(_alone(config), folder) for config, folder in todo]
        executor = ProcessPoolExecutor(study.processes, mp_context=multiprocessing.get_context("spawn"))
    with executor or nullcontext():
        started = time.monotonic()
        for done, folder in enumerate(_train_all(todo, executor), start=1):
            left = (time.monotonic() - started) / done * (len(todo) - done)
            print(f"[{done}/{len(todo)}] {folder.name} done, about {left / 60:.0f} min left", flush=True)


def cells(study: Study, out: Path) -> list[tuple[Config, Path]]:
    """Configuration and run folder of each cell, seeds outermost, so that early results compare."""
    methods = [load_config(method, *study.also) for method in study.methods]
    return [
        (_cell(config, keep, seed), out / f"{config.method}_k{'all' if keep is None else keep}_seed{seed}")
        for seed in study.seeds
        for keep in study.keep
        for config in methods
    ]


def train_cell(config: Config, folder: Path) -> Path:
    """Train one cell and return its folder; a module-level function, so that any executor can carry it."""
    train(config, folder, progress=False)
    return folder


def _train_all(todo: list[tuple[Config, Path]], executor: Executor | None) -> Iterator[Path]:
    if executor is None:
        return (train_cell(*cell) for cell in todo)
    futures = [executor.submit(train_cell, *cell) for cell in todo]
    return (future.result() for future in as_completed(futures))


def _cell(config: Config, keep: int | None, seed: int) -> Config:
    scarcities = config.data.scarcities
    if len(scarcities) != 1:
        raise ConfigError(f"study: {config.method} must have one data.scarcity entry, it has {len(scarcities)}")
    scarcity = Scarcity(scarcities[0].joint_class, keep)
    return replace(config, seed=seed, data=replace(config.data, scarcity=scarcity))


def _finished(config: Config, folder: Path) -> bool:
    if not (folder / MARKER).is_file():
        return False
    earlier = load_config(folder / "config.yaml")
    if _essence(earlier) != _essence(config):
        raise ConfigError(f"{folder} holds a run of another configuration; give another --out")
    return True


def _essence(config: Config) -> Config:
    """A configuration without what decides only where and how fast it runs."""
    training = replace(config.training, threads=None, accelerator="auto", devices=1, strategy="auto")
    return replace(config, data=replace(config.data, workers=0, cache_gib=0.0), training=training)


def _alone(config: Config) -> Config:
    return replace(config, data=replace(config.data, workers=0), training=replace(config.training, threads=1))
