"""Commands in processes of their own, forked from one that has imported everything: an import costs seconds.

For tests and experiments that end a process at a chosen moment.
"""

import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import torch

from modular_cls.cli import main


@dataclass(frozen=True)
class End:
    """How a command ended: exit status (negative: killed by that signal), seconds, CPU seconds, what it printed."""

    status: int
    seconds: float
    cpu: float
    told: str


def start(arguments: list[str], log: Path, environment: dict[str, str] | None = None) -> int:
    """Run `modular-cls ARGUMENTS` in a process of its own group; returns its number."""
    pid = os.fork()
    os.setpgid(pid, pid)  # by both: neither knows which is first
    if pid:
        return pid
    number = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(number, 1)
    os.dup2(number, 2)
    sys.stdout, sys.stderr = (os.fdopen(n, "w", closefd=False) for n in (1, 2))  # not pytest's
    os.environ.update(environment or {})
    torch.set_num_threads(1)  # the threads that the parent computes with are not here
    status = 70
    try:
        status = main(arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def is_running(pid: int) -> bool:
    """Whether a process has not ended yet."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def finish(pid: int, log: Path, started: float) -> End:
    """Wait for the end."""
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - started
    code = os.waitstatus_to_exitcode(status)
    return End(code, seconds, usage.ru_utime + usage.ru_stime, log.read_text(errors="replace"))


def run(
    arguments: list[str],
    log: Path,
    after: float | None = None,
    signum: int = signal.SIGKILL,
    environment: dict[str, str] | None = None,
) -> End:
    """Run a command to its end, or send it a signal after so many seconds."""
    started = time.monotonic()
    pid = start(arguments, log, environment)
    if after is not None:
        deadline = started + after
        while time.monotonic() < deadline:
            if not is_running(pid):
                return finish(pid, log, started)
            time.sleep(0.002)
        started = time.monotonic()  # from here on: how long the end took
        (os.killpg if signum == signal.SIGKILL else os.kill)(pid, signum)
    return finish(pid, log, started)
