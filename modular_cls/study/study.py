"""A study: a grid of runs, each a run folder of its own; what is finished is not run again.

Runs that differ only in how they end (finish steps, target prior) are one job: they share one fit.
Jobs go to any `concurrent.futures.Executor`; pictures are decoded once in each of its processes.
"""

import hashlib
import json
import os
import shutil
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from modular_cls.config import Config, Prediction
from modular_cls.errors import ConfigError, DivergedError, ModularClsError, UndefinedError
from modular_cls.jobs.executors import Inline, Processes
from modular_cls.jobs.meter import Meter
from modular_cls.jobs.signals import interruptible
from modular_cls.models.build import model_part
from modular_cls.parsing import read_config
from modular_cls.runs.folder import CONFIG, MARKER, read_marker, verify, write_undefined
from modular_cls.runs.identity import same_run
from modular_cls.study.cells import Cell, by_key, check_scarcity, grid
from modular_cls.study.grid import Study
from modular_cls.study.tuning import tune
from modular_cls.training.checkpoint import Checkpoints
from modular_cls.training.fit import Fit
from modular_cls.training.knob import knob_told
from modular_cls.training.rehearsal import try_networks
from modular_cls.training.train import complete, make_fit

_ATTEMPTS = 2
_GLANCE = 1  # seconds after which the bar says anew what is in work
_FITS = ".fits"  # what a later cell may still need of a fit


def run_study(study: Study, out: Path, executor: Executor | None = None) -> list[str]:
    """Run what is not finished yet of a grid, into `out/METHOD_k5_seed0` and so on.

    Args:
        study: The grid; or, with `tune`, what rates and knobs are chosen for, into
            `out/tuned.yaml`.
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

    def run(cells: list[Cell]) -> list[str]:
        return _run_cells(cells, study.processes, executor)

    return tune(study, out, run) if study.tune else run(grid(study, out))


def _run_cells(cells: list[Cell], processes: int, executor: Executor | None) -> list[str]:
    jobs = make_jobs(cells)
    threads = None if executor is None and processes == 1 else _threads(executor, processes)
    if threads is not None:  # jobs beside each other: each loads its own pictures
        jobs = [_alone(job, threads) for job in jobs]
    if executor is not None:
        return _run_jobs(jobs, executor)
    with Inline() if processes == 1 else Processes(processes) as own:
        return _run_jobs(jobs, own)


def make_jobs(cells: list[Cell]) -> list[list[Cell]]:
    """The cells still to run, those that share a fit together."""
    check_scarcity([config for config, _ in cells])
    left = [(config, folder) for config, folder in cells if not _finished(config, folder)]
    try_networks(config for config, _ in left)
    return by_key(left, _job_key)


def train_job(job: list[Cell]) -> None:
    """Make each fit of a job once, and end it as each of its cells says.

    A module-level function, so that any executor can carry it.
    """
    errors, earlier = [], None
    for cells in by_key(job, _fit_key):
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
                _undefined(config, folder, str(error))
            return earlier
        if earlier:
            fit.share_features(earlier)
        try:
            _end(fit, job, checkpoints)
        except DivergedError as error:
            if any(config.data.test for config, _ in job):
                raise
            for config, folder in job:  # a rate that was too high is what a trial may find
                _undefined(config, folder, f"diverged: {error}")
            _leave(checkpoints)
        return fit


def _end(fit: Fit, job: list[Cell], checkpoints: Checkpoints) -> None:
    """Train a fit, and write each cell that it is of."""
    endings, errors = [], []
    for config, folder in job:
        try:
            endings.append((fit.ending(config), config, folder))
        except UndefinedError as error:
            _undefined(config, folder, str(error))
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
    _leave(checkpoints)
    if errors:
        raise errors[0]


def _undefined(config: Config, folder: Path, reason: str) -> None:
    write_undefined(config, folder, reason, overwrite=True, knob=knob_told(config))


def _leave(checkpoints: Checkpoints) -> None:
    """Remove what a finished fit was saved in."""
    shutil.rmtree(checkpoints.folder, ignore_errors=True)
    with suppress(OSError):  # others are there
        checkpoints.folder.parent.rmdir()


def _fit_folder(job: list[Cell]) -> Path:
    """Where the fit that some cells share is saved until all of them are finished."""
    config, folder = job[0]
    return folder.parent / _FITS / hashlib.sha256(_fit_key(config).encode()).hexdigest()[:16]


def _run_jobs(jobs: list[list[Cell]], executor: Executor) -> list[str]:
    failures: list[str] = []
    with Meter("Cells", sum(map(len, jobs))) as meter:
        pending = {_submit(executor, job, meter): (job, 1) for job in jobs}
        while pending:
            meter.show([_first(job) for future, (job, _) in pending.items() if future.running()])
            for future in wait(pending, _GLANCE, return_when=FIRST_COMPLETED).done:
                job, attempt = pending.pop(future)
                error = future.exception()
                if error is None:
                    continue
                if attempt < _ATTEMPTS and not isinstance(error, ModularClsError):
                    meter.say(f"{_names(job)} stopped ({_told(error)}); tried once more")
                    pending[_submit(executor, job, meter)] = (job, attempt + 1)
                else:
                    failures.append(f"{_names(job)}: {_told(error)}")
        meter.show([])
    return failures


def _submit(executor: Executor, job: list[Cell], meter: Meter) -> "Future[None]":
    meter.show([_first(job)])  # one executor runs it now, before it answers
    future = executor.submit(train_job, job)

    def count(done: "Future[None]") -> None:
        if not done.cancelled() and not done.exception():
            meter.count(_names(job), len(job))

    future.add_done_callback(count)
    return future


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
        edges=None,
        save_every=1,
    )
    data = replace(config.data, workers=0, cache_gib=0.0, about=None)
    return replace(config, data=data, training=training, knob=None)


def _job_key(config: Config) -> str:
    """Equal for runs that go to one worker together.

    They share a fit; or the features of a frozen backbone, on which methods often pose the same
    problem.
    """
    if not config.backbone.frozen:
        return _fit_key(config)
    same = replace(_essence(config), method="any", model={}, criterion={}, finish=[])
    same = replace(same, prediction=Prediction(), data=replace(same.data, sampling="shuffled"))
    same = replace(same, training=replace(same.training, learning_rate=1.0))
    return json.dumps(same.to_dict(), sort_keys=True)


def _fit_key(config: Config) -> str:
    """Equal for runs that differ only in how they end."""
    same = replace(_essence(config), method="any", finish=[], prediction=Prediction())
    same = replace(same, model=model_part(config))
    return json.dumps(same.to_dict(), sort_keys=True)


def _alone(job: list[Cell], threads: int) -> list[Cell]:
    cells = []
    for config, folder in job:
        training = replace(config.training, threads=threads)
        data = replace(config.data, workers=0)
        cells.append((replace(config, data=data, training=training), folder))
    return cells


def _threads(executor: Executor | None, processes: int) -> int:
    return 1 if executor is not None else max(1, (os.cpu_count() or 1) // processes)


def _first(job: list[Cell]) -> str:
    """A job in a word or two: the first of its cells."""
    more = f" (with {len(job) - 1} more)" if len(job) > 1 else ""
    return job[0][1].name + more


def _names(job: list[Cell]) -> str:
    return ", ".join(folder.name for _, folder in job)


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
