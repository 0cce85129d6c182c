"""Which files of a manifest are there."""

import os
import shutil


def only(found, name, *rows, level="error"):
    """The one finding there is."""
    assert list(found) == [name]
    assert found[name]["level"] == level
    assert found[name]["count"] == len(rows)
    assert found[name]["rows"] == list(rows)
    return found[name]


def test_missing(faces):
    faces.path(3).unlink()
    faces.path(8).unlink()
    finding = only(faces.found(), "missing", 5, 10)
    assert finding["examples"][0] == f"row 5, {faces.rows[3]['path']}"
    assert faces.report["looked_at"] == len(faces.rows) - 2
    only(faces.found("--no-pictures"), "missing", 5, 10)
    assert faces.report["looked_at"] is None


def test_a_folder_is_no_picture(faces):
    faces.path(3).unlink()
    faces.path(3).mkdir()
    only(faces.found("--no-pictures"), "missing", 5)


def test_names_of_another_case(faces):
    for i in (0, 1):
        faces.rows[i]["path"] = faces.rows[i]["path"].replace("train/short", "Train/Short")
    found = faces.found("--no-pictures")
    finding = only(found, "misnamed", 2, 3)
    assert finding["examples"][0].endswith(f": on disk {faces.rows[0]['path'].lower()}")


def test_names_of_another_unicode_form(faces):
    faces.path(0).rename(faces.folder / "u\u0308.png")
    faces.rows[0]["path"] = "\u00fc.png"
    only(faces.found(), "misnamed", 2)


def test_links_within_and_out_of_the_root(faces, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.move(faces.path(0), outside / "a.png")
    os.symlink(outside / "a.png", faces.path(0))
    shutil.move(faces.path(1), faces.folder / "b.png")
    os.symlink(faces.folder / "b.png", faces.path(1))
    only(faces.found(), "outside", 2)
    assert faces.found("--data.allow_outside", "true") == {}
    os.unlink(outside / "a.png")
    only(faces.found(), "missing", 2)


def test_a_linked_folder(faces, tmp_path):
    shutil.move(faces.folder / "test", tmp_path / "test")
    os.symlink(tmp_path / "test", faces.folder / "test")
    tested = sum(row["split"] == "test" for row in faces.rows)
    assert faces.found("--no-pictures")["outside"]["count"] == tested
    assert faces.found("--data.allow_outside", "true") == {}
