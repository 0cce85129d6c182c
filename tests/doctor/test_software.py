"""Requirements, and what is installed."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from modular_cls.doctor.software import unmet

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder to stand in, with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MODULAR_CLS_DATA", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("wanted", "lacking"),
    [
        (f"numpy=={version('numpy')}", []),
        ("numpy>=999", [f"numpy is {version('numpy')}, needed >=999"]),
        ("no-such-package-of-ours", ["no-such-package-of-ours is missing"]),
    ],
)
def test_requirements_are_compared_with_what_is_installed(wanted, lacking):
    assert unmet([Requirement(wanted)]) == lacking


@pytest.mark.parametrize(
    ("package", "status", "line"),
    [
        ("fastapi", 0, "demo: fastapi is 0.1, needed >=0.115; pip install 'modular-cls[demo]'"),
        ("timm", 1, "timm is 0.1, needed >=1.0.16"),
    ],
)
def test_a_version_that_is_too_old_is_told(place, package, status, line):
    """Metadata of an old version that come first on the path, as a second environment's would."""
    old = place / f"{package}-0.1.dist-info"
    old.mkdir()
    (old / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.1\n")
    path = os.pathsep.join([str(place), str(ROOT)])
    ran = subprocess.run(
        [sys.executable, "-m", "modular_cls", "doctor"],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip
    assert line in ran.stdout
    assert ran.returncode == status
    assert ("always needed: packages" in ran.stderr) == bool(status)
