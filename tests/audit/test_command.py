"""The verb: where its findings go, and what configures it."""

import json
from pathlib import Path

from modular_cls.cli import main

MODULAR = Path(__file__).parent.parent.parent / "configs" / "modular.yaml"


def spoil(faces):
    faces.path(0).unlink()
    faces.path(1).write_bytes(b"no picture")
    faces.path(4).write_bytes(faces.path(3).read_bytes())
    faces.rows[5]["hair"] = "[bold]curly[/bold]"
    faces.rows[6]["path"] = "[red]no.png"


def test_json_to_the_standard_output_is_alone_there(faces):
    spoil(faces)
    faces.audit()
    report = faces.report
    arguments = [
        "audit",
        str(faces.folder / "manifest.csv"),
        "--config",
        str(faces.data_config()),
        "--json",
        "-",
    ]
    arguments[2:2] = ["--config", str(MODULAR)]
    assert main(arguments) == 1
    out, err = faces.capsys.readouterr()
    assert json.loads(out) == report
    assert f"{report['errors']} kinds of error in {faces.folder}" in err


def test_a_configuration_of_data_alone_is_enough(faces):
    schema = faces.folder / "schema.yaml"
    schema.write_text(
        "schema: {attributes: {gender: [female, male]}, composites: {g: {attributes: [gender]}}}\ndata: {image_size: 32}"
    )
    faces.write()
    assert (
        main(
            ["audit", str(faces.folder / "manifest.csv"), "--config", str(schema), "--no-pictures"]
        )
        == 0
    )
    out = faces.capsys.readouterr().out
    assert "gender" in out
    assert "hair" not in out


def test_a_file_of_the_user_is_replaced_only_when_told_to(faces):
    faces.write()
    manifest = faces.folder / "manifest.csv"
    before = manifest.read_bytes()
    asked = ["audit", str(manifest), "--config", str(MODULAR), "--config", str(faces.data_config())]
    copy = faces.folder / "copy.csv"
    copy.write_bytes(before)
    for out in (manifest, copy):
        assert main([*asked, "--no-pictures", "--json", str(out)]) == 1
        assert "exists and is not what this writes" in faces.capsys.readouterr().err
        assert out.read_bytes() == before
    assert main([*asked, "--no-pictures", "--json", str(copy), "--overwrite"]) == 0
    assert json.loads(copy.read_text())["errors"] == 0
    assert main([*asked, "--no-pictures", "--json", str(copy)]) == 0  # which is an audit now
