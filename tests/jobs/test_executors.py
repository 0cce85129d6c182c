"""Results, exceptions and deaths of workers."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from modular_cls.errors import ConfigError
from modular_cls.jobs.executors import Inline, Processes, connect


def work(number):
    if number < 0:
        raise ValueError(number)
    return number, os.getpid()


def die():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("make", [Inline, lambda: Processes(2)], ids=["inline", "processes"])
def test_results_and_exceptions_come_back(make):
    with make() as executor:
        futures = [executor.submit(work, n) for n in (1, 2, 3, -4)]
        assert [f.result()[0] for f in futures[:3]] == [1, 2, 3]
        with pytest.raises(ValueError, match="-4"):
            futures[3].result()
    assert (futures[0].result()[1] == os.getpid()) is (make is Inline)


def test_a_process_that_dies_takes_only_its_own_job_with_it():
    with Processes(2) as executor:
        before = [executor.submit(work, n) for n in range(4)]
        dead = executor.submit(die)
        after = [executor.submit(work, n) for n in range(4, 8)]
        assert [f.result()[0] for f in before + after] == list(range(8))
        with pytest.raises(BrokenProcessPool):
            dead.result()


def test_processes_stay():
    with Processes(1) as executor:
        first, second = executor.submit(work, 1), executor.submit(work, 2)
        assert first.result()[1] == second.result()[1]


def test_no_scheduler_at_an_address():
    with pytest.raises(ConfigError, match="no dask scheduler answers"):
        connect("tcp://127.0.0.1:1", timeout=1)
    with pytest.raises(ConfigError, match="no dask scheduler answers"):
        connect("nonsense://")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes in /proc")
def test_processes_end_with_the_one_that_started_them(tmp_path):
    """Even when that one is killed in the middle of a job."""
    code = f"""
import os, time
from modular_cls.jobs.executors import Processes

def job():
    open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
    time.sleep(60)

if __name__ == "__main__":
    Processes(1).submit(job).result()
"""
    script = tmp_path / "study.py"
    script.write_text(code)
    study = subprocess.Popen([sys.executable, str(script)])
    pid = tmp_path / "pid"
    wait_for(lambda: pid.is_file() and pid.read_text())
    worker = int(pid.read_text())
    study.kill()
    study.wait()
    wait_for(lambda: not running(worker))


def running(pid):
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def wait_for(condition, seconds=30):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)
