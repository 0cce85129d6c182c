"""Weights and data sets that are there."""

import shutil

import pytest

from modular_cls.cli import main


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
