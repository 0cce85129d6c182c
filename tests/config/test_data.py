"""Places that a configuration names."""

from pathlib import Path

from modular_cls.cli import main

ROOT = Path(__file__).parents[2]


def test_without_the_variable_the_error_says_what_and_where(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("MODULAR_CLS_DATA", raising=False)
    (tmp_path / "m.csv").write_text("path,split,hair,facial_hair\n")
    data = str(ROOT / "configs/data/avatars.yaml")
    arguments = [
        "train",
        "--config",
        str(ROOT / "configs/modular.yaml"),
        "--config",
        data,
        "--out",
        str(tmp_path / "r"),
    ]
    assert main([*arguments, "--data.manifest", str(tmp_path / "m.csv")]) == 1
    told = capsys.readouterr().err
    assert "MODULAR_CLS_DATA is not set" in told
    assert "DiceBear" in told
