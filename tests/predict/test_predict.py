"""The verb predict, through the command line: what goes in, and what comes out."""

import os

import numpy as np
import pytest
from PIL import Image

from modular_cls import Predictor
from modular_cls.cli import main
from tests.predict.small_jobs import left, predict, read


def test_it_predicts_what_the_run_was_tested_with(run_dir, faces_dir, tmp_path):
    out = tmp_path / "new" / "table.csv"
    assert predict(run_dir, out, faces_dir / "manifest.csv", "--batch-size", "7") == 0
    tested, found = read(run_dir / "predictions.csv"), {row["path"]: row for row in read(out)}
    assert len(found) == len(read(faces_dir / "manifest.csv")) > len(tested)
    for row in tested:
        for output in ("hair", "gender", "hair_gender"):
            assert found[row["path"]][output] == row[f"{output}:predicted"]
    assert left(out.parent) == []


def test_every_row_holds_the_probabilities(run_dir, folder, tmp_path):
    assert (
        predict(
            run_dir, tmp_path / "t.csv", folder / "0.png", folder / "deep", "--prior", "training"
        )
        == 0
    )
    rows = read(tmp_path / "t.csv")
    assert list(rows[0]) == [
        "path", "error", "hair", "hair=short", "hair=long", "gender", "gender=female", "gender=male",
        "hair_gender", "hair_gender=short_female", "hair_gender=short_male", "hair_gender=long_female",
        "hair_gender=long_haired_man",
    ]  # fmt: skip
    whole = Predictor.load(run_dir)([row["path"] for row in rows], prior="training")
    for output in whole.schema.outputs:
        numbers = [
            [float(row[f"{output.name}={name}"]) for name in output.class_names] for row in rows
        ]
        np.testing.assert_allclose(numbers, whole.probabilities[output.name], rtol=1e-5)
        assert [row[output.name] for row in rows] == whole.names(output.name)


def test_a_picture_too_large_is_a_row_like_others(run_dir, folder, tmp_path):
    Image.new("1", (99_999_999, 1)).save(folder / "wide.png")
    os.mkfifo(folder / "pipe.png")
    assert predict(run_dir, tmp_path / "t.csv", folder) == 0
    errors = {row["path"]: row["error"] for row in read(tmp_path / "t.csv") if row["error"]}
    assert "a side is over 65,535 pixels" in errors[str(folder / "wide.png")]
    assert "it is no file" in errors[str(folder / "pipe.png")]
    assert len(errors) == 3


def test_only_bad_pictures_are_an_error(run_dir, folder, tmp_path, capsys):
    assert predict(run_dir, tmp_path / "t.csv", folder / "broken.jpg", folder / "notes.txt") == 1
    assert [bool(row["error"]) for row in read(tmp_path / "t.csv")] == [True, True]
    assert "none of 2 images" in capsys.readouterr().err


def test_what_is_given_is_certain(run_dir, folder, tmp_path):
    flags = ["--given", "gender=male", "--given", "hair=long"]
    assert predict(run_dir, tmp_path / "t.csv", folder, *flags) == 0
    assert {row["hair_gender=long_haired_man"] for row in read(tmp_path / "t.csv")} == {"1", ""}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["{0}/nothing*.png", "{0}/absent"],
            "nothing*.png: no such file or folder, and no file matches",
        ),
        (["{0}/empty"], "empty: a folder without pictures (.jpg, .jpeg, .png"),
        (["{0}", "--root", "{0}"], "--root"),
        (["{0}", "--given", "gender"], "--given gender: write ATTRIBUTE=VALUE"),
        (["{0}", "--given", "gender=mal"], "did you mean 'male'"),
        (["{0}", "--given", "gender=male", "--given", "gender=female"], "gender is given twice"),
        (["{0}", "--batch-size", "0"], "--batch-size is 0; it must be at least 1"),
        (["{0}", "--device", "abacus"], "--device abacus cannot be used here"),
        (["{0}", "--out", "t.txt"], "t.txt: a table's name ends in .csv or .parquet"),
        (["{0}/headless.csv"], "no column 'path'; it has file"),
        (
            ["{0}/boxes.csv"],
            "row 2, column box: '1 2' is not 'x y width height' in pixels, or blank",
        ),
    ],
)
def test_wrong_input_is_told(run_dir, folder, tmp_path, words, message, capsys):
    (folder / "empty").mkdir()
    (folder / "headless.csv").write_text("file\n0.png\n")
    (folder / "boxes.csv").write_text("path,box\n0.png,1 2\n")
    words = [w.format(folder) for w in words]
    out = [] if "--out" in words else ["--out", str(tmp_path / "t.csv")]
    assert main(["predict", str(run_dir), *words, *out]) == 1
    assert message in capsys.readouterr().err
    assert left(tmp_path) == []
