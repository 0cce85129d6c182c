"""A study: a grid of runs, each a run folder of its own; what is finished is not run again.

Runs that differ only in how they end (finish steps, target prior) are one job: they share one fit.
Jobs go to any `concurrent.futures.Executor`; pictures are decoded once in each of its processes.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from modular_cls.config import Config, Prediction, Scarcity
from modular_cls.data.datamodule import read_manifest
from modular_cls.data.scarcity import apply_scarcity
from modular_cls.errors import ConfigError, ModularClsError, UndefinedError
from modular_cls.jobs.executors import Inline, Processes
from modular_cls.jobs.meter import Meter
from modular_cls.jobs.signals import interruptible
from modular_cls.parsing import load_config, method_config, read_config
from modular_cls.runs.folder import CONFIG, MARKER, read_marker, verify, write_undefined
from modular_cls.runs.identity import same_run
from modular_cls.schema import Schema
from modular_cls.study.grid import Study
from modular_cls.training.checkpoint import Checkpoints
from modular_cls.training.fit import Fit
from modular_cls.training.train import complete, make_fit

Cell = tuple[Config, Path]  # what to run, and its run folder
_ATTEMPTS = 2
_FITS = ".fits"  # what a later cell may still need of a fit


def run_study(study: Study, out: Path, executor: Executor | None = None) -> list[str]:
    """Run what is not finished yet of a grid, into `out/METHOD_k5_seed0` and so on.

    Args:
        study: The grid.
        out: Folder of the run folders.
        executor: Where to run, for example dask's `Client(...).get_executor()`; its workers must
            see the same files. Default: this process, or `study.processes` processes.

    Returns:
        What failed: the cells' names and why. All others are finished; what failed for a reason
        that another try cannot mend (a ModularClsError) was tried once, the rest twice.

    Raises:
        ConfigError: Before anything slow, if a method is unknown, cells cannot be made scarce, or a
            finished one has another configuration.
    """
    jobs = make_jobs(study, out)
    threads = (
        None if executor is None and study.processes == 1 else _threads(executor, study.processes)
    )
    if threads is not None:  # jobs beside each other: each loads its own pictures
        jobs = [[(_alone(config, threads), folder) for config, folder in job] for job in jobs]
    if executor is not None:
        return _run_jobs(jobs, executor)
    with Inline() if study.processes == 1 else Processes(study.processes) as own:
        return _run_jobs(jobs, own)


def make_jobs(study: Study, out: Path) -> list[list[Cell]]:
    """The cells still to run, those that share a fit together.

    Seeds outermost, so that early results compare.
    """
    cells = grid(study, out)
    _check_scarcity([config for config, _ in cells])
    left = [(config, folder) for config, folder in cells if not _finished(config, folder)]
    return _by_key(left, _job_key)


def grid(study: Study, out: Path) -> list[Cell]:
    """Configuration and run folder of each cell."""
    rates: list[float | None] = list(study.learning_rates) or [None]
    methods = [load_config(method_config(method), *study.also) for method in study.methods]
    names = [config.method for config in methods]
    if repeated := [name for i, name in enumerate(names) if name in names[:i]]:
        raise ConfigError(
            f"study: two configurations say method: {repeated[0]}; each needs a name of its own"
        )
    return [
        (_cell(config, keep, seed, rate), out / _name(config.method, keep, seed, rate))
        for seed in study.seeds
        for keep in study.keep
        for config in methods
        for rate in rates
    ]


def train_job(job: list[Cell]) -> None:
    """Make each fit of a job once, and end it as each of its cells says.

    A module-level function, so that any executor can carry it.
    """
    errors, earlier = [], None
    for cells in _by_key(job, _fit_key):
        try:
            earlier = _train_fit(cells, earlier)
        except ModularClsError as error:  # the other fits go on
            errors.append(error)
    if errors:
        raise errors[0]


def _train_fit(job: list[Cell], earlier: Fit | None) -> Fit | None:
    """Fit once, end it as each cell says; returns the fit, whose features the next one shares."""
    checkpoints = Checkpoints(_fit_folder(job))
    with interruptible():
        try:
            fit = make_fit(job[0][0], checkpoints=checkpoints)
        except UndefinedError as error:
            for config, folder in job:
                write_undefined(config, folder, str(error), overwrite=True)
            return earlier
        if earlier:
            fit.share_features(earlier)
        _end(fit, job, checkpoints)
        return fit


def _end(fit: Fit, job: list[Cell], checkpoints: Checkpoints) -> None:
    """Train a fit, and write each cell that it is of."""
    endings, errors = [], []
    for config, folder in job:
        try:
            endings.append((fit.ending(config), config, folder))
        except UndefinedError as error:
            write_undefined(config, folder, str(error), overwrite=True)
        except ModularClsError as error:  # the others of this fit go on
            errors.append(error)
    if endings:
        try:
            fit.begin(resume=True)
        except ConfigError as error:
            print(f"{error}; it is begun anew")
            fit.begin(resume=False)
        fit.run(progress=False)
    for ending, config, folder in endings:
        complete(fit, ending, config, folder, overwrite=True, progress=False)
    shutil.rmtree(checkpoints.folder, ignore_errors=True)
    with suppress(OSError):  # others are there
        checkpoints.folder.parent.rmdir()
    if errors:
        raise errors[0]


def _fit_folder(job: list[Cell]) -> Path:
    """Where the fit that some cells share is saved until all of them are finished."""
    config, folder = job[0]
    return folder.parent / _FITS / hashlib.sha256(_fit_key(config).encode()).hexdigest()[:16]


def _run_jobs(jobs: list[list[Cell]], executor: Executor) -> list[str]:
    failures: list[str] = []
    with Meter("Cells", sum(map(len, jobs))) as meter:
        pending = {_submit(executor, job, meter): (job, 1) for job in jobs}
        while pending:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                job, attempt = pending.pop(future)
                error = future.exception()
                if error is None:
                    continue
                if attempt < _ATTEMPTS and not isinstance(error, ModularClsError):
                    meter.say(f"{_names(job)} stopped ({_told(error)}); tried once more")
                    pending[_submit(executor, job, meter)] = (job, attempt + 1)
                else:
                    failures.append(f"{_names(job)}: {_told(error)}")
    return failures


def _submit(executor: Executor, job: list[Cell], meter: Meter) -> "Future[None]":
    future = executor.submit(train_job, job)

    def count(done: "Future[None]") -> None:
        if not done.cancelled() and not done.exception():
            meter.count(_names(job), len(job))

    future.add_done_callback(count)
    return future


def _check_scarcity(configs: list[Config]) -> None:
    """Before anything slow: every number of images kept must exist."""
    most: dict[str, Config] = {}
    for config in configs:
        scarcities = config.data.scarcities
        key = str((config.schema, config.data.manifest, [s.joint_class for s in scarcities]))
        if key not in most or (scarcities[0].keep or 0) > (most[key].data.scarcities[0].keep or 0):
            most[key] = config
    for config in most.values():
        manifest = read_manifest(Schema.from_dict(config.schema), config.data)
        for scarcity in config.data.scarcities:
            apply_scarcity(manifest, scarcity.joint_class, scarcity.keep, config.seed)


def _cell(config: Config, keep: int | None, seed: int, rate: float | None) -> Config:
    made = config.data.scarcity
    if not made:
        raise ConfigError(
            f"study: {config.method} has no data.scarcity; name the joint classes to make scarce"
        )
    one = isinstance(made, Scarcity)
    each = [Scarcity(s.joint_class, keep) for s in config.data.scarcities]
    scarcity = each[0] if one else each
    training = replace(config.training, learning_rate=rate or config.training.learning_rate)
    return replace(
        config, seed=seed, data=replace(config.data, scarcity=scarcity), training=training
    )


def _name(method: str, keep: int | None, seed: int, rate: float | None) -> str:
    return f"{method}_k{'all' if keep is None else keep}_seed{seed}" + (
        f"_rate{rate}" if rate else ""
    )


def _finished(config: Config, folder: Path) -> bool:
    """Whether a cell is finished and whole; one that is damaged is measured again, and said so."""
    if not (folder / MARKER).is_file():
        return False
    try:
        verify(folder, read_marker(folder))
        earlier = read_config(folder / CONFIG)
    except ModularClsError as error:
        print(f"{folder} is corrupt; it is run again: {error}")
        return False
    if not same_run(config, earlier):
        raise ConfigError(f"{folder} holds a run of another configuration; give another --out")
    return True


def _essence(config: Config) -> Config:
    """A configuration without what decides only where and how fast it runs."""
    training = replace(
        config.training,
        threads=None,
        accelerator="auto",
        devices=1,
        strategy="auto",
        trials=1,
        save_every=1,
    )
    return replace(
        config, data=replace(config.data, workers=0, cache_gib=0.0, about=None), training=training
    )


def _by_key(cells: list[Cell], key: Callable[[Config], str]) -> list[list[Cell]]:
    """Cells with equal keys together, in the order of the first of each."""
    groups: dict[str, list[Cell]] = {}
    for config, folder in cells:
        groups.setdefault(key(config), []).append((config, folder))
    return list(groups.values())


def _job_key(config: Config) -> str:
    """Equal for runs that go to one worker together.

    They share a fit; or the features of a frozen backbone, on which methods often pose the same
    problem.
    """
    if not config.backbone.frozen:
        return _fit_key(config)
    same = replace(_essence(config), method="", model={}, criterion={}, finish=[])
    same = replace(same, prediction=Prediction(), data=replace(same.data, sampling="shuffled"))
    same = replace(same, training=replace(same.training, learning_rate=1.0))
    return json.dumps(same.to_dict(), sort_keys=True)


def _fit_key(config: Config) -> str:
    """Equal for runs that differ only in how they end."""
    same = replace(_essence(config), method="", finish=[], prediction=Prediction())
    if not config.backbone.frozen:  # a trained network has no direct heads
        same = replace(same, model={k: v for k, v in same.model.items() if k != "interaction"})
    return json.dumps(same.to_dict(), sort_keys=True)


def _alone(config: Config, threads: int) -> Config:
    training = replace(config.training, threads=threads)
    return replace(config, data=replace(config.data, workers=0), training=training)


def _threads(executor: Executor | None, processes: int) -> int:
    return 1 if executor is not None else max(1, (os.cpu_count() or 1) // processes)


def _names(job: list[Cell]) -> str:
    return ", ".join(folder.name for _, folder in job)


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
