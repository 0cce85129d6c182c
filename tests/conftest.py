"""Shared by all tests: quiet threads, no network, one small set of drawn faces."""

import os
import resource
import subprocess
from contextlib import contextmanager

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when torch is imported
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import pytest
from hypothesis import Phase, settings

from modular_cls.data.faces.write import write_faces
from tests.small_networks import write_network

settings.register_profile("steady", deadline=None, max_examples=50, derandomize=True, database=None)
settings.load_profile("steady")
# Where tests shall fail (make mutants), a first example is enough.
settings.register_profile("unshrunk", phases=[Phase.explicit, Phase.generate])


def pytest_configure(config):
    """A core for each process of the tests: they compute side by side, not each on all cores."""
    if config.getoption("numprocesses", None) or not hasattr(os, "sched_setaffinity"):
        return  # that of pytest-xdist which only hands out tests
    cores, worker = sorted(os.sched_getaffinity(0)), os.environ.get("PYTEST_XDIST_WORKER")
    number = int(worker.removeprefix("gw")) if worker else os.getpid()
    os.sched_setaffinity(0, {cores[number % len(cores)]})


@pytest.fixture(scope="session", autouse=True)
def cache_dir(tmp_path_factory):
    """Decoded pictures are kept with the tests' other files, not with the user's."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("MODULAR_CLS_CACHE", str(folder))
        yield folder


@pytest.fixture
def dead():
    """The number of a process that is no more."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.fixture
def writes_up_to():
    """Within `writes_up_to(n)` no file can grow beyond so many bytes, as on a disk that is full."""

    @contextmanager
    def limit(size):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit


@pytest.fixture(scope="session")
def pretrained_dir(tmp_path_factory):
    """A small network as a timm folder; random weights count as pretrained."""
    out = tmp_path_factory.mktemp("pretrained") / "network"
    write_network(out, seed=0)
    return out


@pytest.fixture(scope="session")
def faces_dir(tmp_path_factory):
    """A small drawn data set, 24 training faces of each joint class."""
    out = tmp_path_factory.mktemp("faces") / "faces"
    write_faces(out, per_class=24, seed=0, processes=1)
    return out
