"""What `modular-cls doctor` says, on places made for it."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from modular_cls.cli import main
from modular_cls.doctor.machine import gib
from modular_cls.doctor.software import unmet
from modular_cls.jobs.cores import count_cores

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder to stand in, with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MODULAR_CLS_DATA", raising=False)
    return tmp_path


def told(capsys):
    """What is printed, by topic."""
    status, found, topic = main(["doctor"]), {}, ""
    for line in capsys.readouterr().out.splitlines():
        topic = line[:11].strip() or topic
        found.setdefault(topic, []).append(line[11:])
    return status, found


def test_it_says_what_is_there(place, capsys):
    (place / "cache" / "64x64").mkdir(parents=True)
    (place / "cache" / "64x64" / "shard").write_bytes(bytes(3 * 2**20))
    status, found = told(capsys)
    assert status == 0
    assert f"torch {version('torch')}" in found["versions"][1]
    assert found["cores"][0].split()[0] == str(count_cores())
    assert found["cache"][0].startswith(f"{place / 'cache'}: 3.0 MiB in use")
    assert found["cache"][1].split() == ["3.0", "MiB", "in", "64x64"]
    assert found["data sets"][0] == "MODULAR_CLS_DATA is not set"
    assert "modular-cls faces" in found["data sets"][1]
    assert "configs/backbone/efficientnet_lite0.yaml says how" in found["weights"][0]
    assert list(place.iterdir()) == [place / "cache"]  # it changes nothing


def test_weights_and_data_sets_are_found(place, capsys, pretrained_dir, faces_dir, monkeypatch):
    shutil.copytree(pretrained_dir, place / "data" / "efficientnet_lite0")
    (place / "data" / "faces").mkdir()
    shutil.copy(faces_dir / "manifest.csv", place / "data" / "faces")
    (place / "sets" / "leaf").mkdir(parents=True)
    (place / "sets" / "leaf" / "manifest.csv").write_text("path,split\na.png,train\n")
    monkeypatch.setenv("MODULAR_CLS_DATA", str(place / "sets"))
    found = told(capsys)[1]
    assert found["weights"][0] == "data/efficientnet_lite0: test_resnet"
    rows = len((faces_dir / "manifest.csv").read_text().splitlines()) - 1
    assert f"data/faces/manifest.csv: {rows:,} rows" in found["data sets"]
    assert f"{place / 'sets' / 'leaf' / 'manifest.csv'}: 1 rows" in found["data sets"]
    absent = found["data sets"][-1]
    assert "celeba" in absent
    assert "leaf" not in absent
    (place / "data" / "efficientnet_lite0" / "config.json").write_text("{")
    assert "damaged" in told(capsys)[1]["weights"][0]


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


def test_sizes_are_told_in_words():
    assert [gib(2**20), gib(2**30 * 1.5)] == ["1.0 MiB", "1.5 GiB"]
