"""Where jobs run when a study is given no executor of its own.

This process, or several that may die.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from typing import Any, TypeVar

from modular_cls.errors import ConfigError
from modular_cls.jobs.signals import Interrupted, tell_helpers

T = TypeVar("T")


def connect(address: str, timeout: float = 10) -> Executor:
    """The executor of a dask cluster.

    Args:
        address: Of its scheduler, for example tcp://host:8786.
        timeout: Seconds to wait for an answer.

    Raises:
        ConfigError: If dask is not installed, or no scheduler answers there.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ConfigError("a cluster needs dask: pip install 'modular-cls[cluster]'") from None
    try:
        return Client(address, timeout=timeout).get_executor()
    except (OSError, ValueError) as error:
        raise ConfigError(f"cluster {address}: no dask scheduler answers there: {error}") from None


class Inline(Executor):
    """Runs each job in this process as it is submitted."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """Run `fn` now; its result or exception is in the future returned."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Processes(Executor):
    """Processes that stay, each a pool of its own: one that dies takes only its own job with it.

    Args:
        count: Number of processes.
    """

    def __init__(self, count: int) -> None:
        self._threads = ThreadPoolExecutor(count)
        self._mine = threading.local()
        self._pools: list[ProcessPoolExecutor] = []

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """Run `fn` in the next process that is free."""
        return self._threads.submit(self._call, fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes."""
        self._threads.shutdown(wait, cancel_futures=True)
        for pool in self._pools:
            pool.shutdown(wait)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Leave no process behind; after a signal each is told, saves what it has, and ends."""
        if isinstance(error, Interrupted):
            self._threads.shutdown(wait=False, cancel_futures=True)
            tell_helpers(error.signum)
        self.shutdown()

    def _call(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        pool: ProcessPoolExecutor | None = getattr(self._mine, "pool", None)
        if pool is None:
            # spawn: forking a process that already runs threads (torch, a progress bar) can hang
            pool = ProcessPoolExecutor(
                1, multiprocessing.get_context("spawn"), initializer=_follow_parent
            )
            self._pools.append(pool)
            self._mine.pool = pool
        try:
            return pool.submit(fn, *args, **kwargs).result()
        except BrokenExecutor:
            self._mine.pool = None
            raise


def _follow_parent() -> None:
    """End this process when the one that started it is gone, however it went.

    A pool's process would wait for ever.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
