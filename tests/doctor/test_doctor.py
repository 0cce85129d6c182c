"""What `modular-cls doctor` says, on places made for it."""

from importlib.metadata import version

import pytest

from modular_cls.cli import main
from modular_cls.jobs.cores import count_cores


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
