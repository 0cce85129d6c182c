"""Paths of pictures as tables write them."""

import pytest

from tests.data_prep.small_tables import HAIR, converted, refused, rows
from tests.data_prep.trees import write_pictures


@pytest.mark.parametrize(
    ("change", "arguments", "told"),
    [
        (lambda p: p.replace("/", "\\"), (), "paths written with \\, read with /: 12"),
        (
            lambda p: p.removesuffix(".png"),
            (),
            "paths without an ending, which files have with .png: 12",
        ),
        (lambda p: p.replace("/", "\\").removesuffix(".png"), (), "which files have with .png: 12"),
        (lambda p: p.removesuffix(".png"), ("--suffix", ".png"), ""),
        (lambda p: p.removeprefix("a/"), ("--folder", "a"), ""),
        (lambda p: p.removeprefix("a/").removesuffix(".png"), ("--folder", "a/"), "with .png: 12"),
    ],
)
def test_paths_are_found_and_told(folder, capsys, change, arguments, told):
    lines = [row | {"path": change(row["path"])} for row in rows()]
    frame = converted(folder, lines, *HAIR, *arguments)
    assert frame["path"].tolist() == [row["path"] for row in rows()]
    error = capsys.readouterr().err
    assert told in error
    assert "missing" not in error


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: p.removeprefix("a/"), "'0.png' is not there, but 'a/0.png' is"),
        (lambda p: p.replace(".png", ".jpg"), "'0.jpg' has another ending; '0.png' is there"),
        (lambda p: p.replace(".png", ".PNG"), "'0.PNG' differs in case; '0.png' is there"),
        (lambda p: f"/kaggle/{p}0", "is a path of another computer"),
        (lambda p: f"b/{p}0", "there is no folder"),
        (lambda p: f"a/x{p[2:]}", "no 'x0.png' is anywhere under"),
    ],
)
def test_a_table_of_which_no_picture_exists_is_an_error(folder, capsys, change, reason):
    lines = [row | {"path": change(row["path"])} for row in rows()]
    error = refused(capsys, folder, lines, *HAIR)
    assert "12 of 12 pictures are missing" in error
    assert reason in error
    converted(folder, lines, *HAIR, "--no-pictures")
    assert "warning: 12 of 12 pictures are missing" in capsys.readouterr().err


def test_an_ending_is_not_guessed_where_there_are_two(folder, capsys):
    write_pictures(folder / "a", ["3.jpg"])
    lines = [row | {"path": row["path"].removesuffix(".png")} for row in rows()]
    assert "'a/0' has no ending; '0.png' is there" in refused(capsys, folder, lines, *HAIR)
