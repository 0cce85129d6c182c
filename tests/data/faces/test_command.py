"""The verb that draws faces."""

from modular_cls.cli import main


def test_faces_verb(tmp_path, capsys):
    arguments = ["faces", "--out", str(tmp_path / "faces"), "--per-class", "4", "--seed", "3"]
    assert main(arguments) == 0
    assert len((tmp_path / "faces" / "manifest.csv").read_text().splitlines()) == 1 + 4 * (
        4 + 1 + 1
    )
    assert main(arguments) == 1
    assert main([*arguments, "--overwrite"]) == 0
    assert main([*arguments, "--overwrite", "--interaction", "2"]) == 1
    assert "interaction from 0 to 1" in capsys.readouterr().err
