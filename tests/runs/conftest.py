"""Two finished runs, and a copy of one to spoil."""

import shutil

import pytest

from modular_cls import train
from tests.report.conftest import write_run  # noqa: F401 (a fixture)
from tests.runs.small_runs import small


@pytest.fixture(scope="session")
def finished(faces_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    for name in ("flat", "modular"):
        train(small(faces_dir, name), out / name, progress=False)
    return out


@pytest.fixture
def copy(finished, tmp_path):
    return shutil.copytree(finished / "flat", tmp_path / "copy")
