"""The verb predict, through the command line: what goes in, and what comes out."""

import os
import shutil

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


def test_folders_patterns_and_files_each_once(run_dir, folder, tmp_path, capsys):
    words = [folder / "**" / "*.png", folder, folder / "0.png"]
    assert predict(run_dir, tmp_path / "t.csv", *words) == 0
    rows = read(tmp_path / "t.csv")
    assert len(rows) == 9
    assert len({row["path"] for row in rows}) == 9
    bad = [row for row in rows if row["error"]]
    assert [row["path"] for row in bad] == [str(folder / "broken.jpg")]
    assert "not a picture" in bad[0]["error"]
    assert all(value == "" for name, value in bad[0].items() if name not in ("path", "error"))
    said = capsys.readouterr().out
    assert "9 images are in" in said
    assert "1 of them could not be predicted" in said


def test_what_is_hidden_is_no_picture_of_the_user(run_dir, folder, tmp_path, capsys):
    (folder / ".ipynb_checkpoints").mkdir()
    shutil.copy(folder / "0.png", folder / ".ipynb_checkpoints" / "0-checkpoint.png")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "._0.png").write_bytes(b"\0\5\26\7junk")
    (folder / "deep" / "._1.png").write_bytes(b"\0\5\26\7junk")
    (folder / "deep" / "gone.png").symlink_to(folder / "nowhere.png")
    assert predict(run_dir, tmp_path / "t.csv", folder) == 0
    names = [row["path"].removeprefix(f"{folder}/") for row in read(tmp_path / "t.csv")]
    assert names == ["0.png", "1.png", "2.png", "3.png", "4.png", "broken.jpg",
                     *(f"deep/er/{i}.png" for i in (5, 6, 7)), "deep/gone.png"]  # fmt: skip
    said = f"left out: 3 hidden, 1 not named like pictures in {folder}\n"
    assert said in capsys.readouterr().out
    hidden = folder / ".ipynb_checkpoints"  # whoever names a hidden folder means it
    assert predict(run_dir, tmp_path / "u.csv", hidden) == 0
    assert len(read(tmp_path / "u.csv")) == 1


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


def test_a_table_of_images_with_boxes(run_dir, faces_dir, folder, tmp_path):
    lines = [
        "path,box,remark",
        "0.png,,",
        "0.png,0 0 32 64,half",
        "../photos/1.png,,",
        "../out.png,,",
        "no.png,,",
        "0.png,500 500 9 9,",
    ]
    (folder / "table.csv").write_text("\n".join(lines))
    shutil.copy(folder / "1.png", folder.parent / "out.png")
    assert predict(run_dir, tmp_path / "t.csv", folder / "table.csv") == 0
    assert list(read(tmp_path / "t.csv")[0])[:4] == ["path", "box", "error", "hair"]
    whole, half, inside, outside, missing, beside = read(tmp_path / "t.csv")
    assert half["box"] == "0 0 32 64"
    assert half["hair=long"] != whole["hair=long"]
    assert inside["error"] == whole["error"] == ""
    assert "outside of the root" in outside["error"]
    assert "row 6, " in missing["error"]
    assert "no such file" in missing["error"]
    assert "beside its" in beside["error"]
    (tmp_path / "moved").mkdir()
    shutil.copy(folder / "table.csv", tmp_path / "moved")
    assert (
        predict(run_dir, tmp_path / "again.csv", tmp_path / "moved" / "table.csv", "--root", folder)
        == 0
    )
    again = read(tmp_path / "again.csv")
    assert [r["hair=long"] for r in again] == [
        r["hair=long"] for r in (whole, half, inside, outside, missing, beside)
    ]


def test_what_is_given_is_certain(run_dir, folder, tmp_path):
    flags = ["--given", "gender=male", "--given", "hair=long"]
    assert predict(run_dir, tmp_path / "t.csv", folder, *flags) == 0
    assert {row["hair_gender=long_haired_man"] for row in read(tmp_path / "t.csv")} == {"1", ""}


def test_parquet_holds_the_same(run_dir, folder, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert predict(run_dir, tmp_path / "t.csv", folder) == 0
    assert predict(run_dir, tmp_path / "t.parquet", folder) == 0
    rows, table = read(tmp_path / "t.csv"), parquet.read_table(tmp_path / "t.parquet")
    for name in rows[0]:
        text = name in ("path", "box", "error", "hair", "gender", "hair_gender")
        expected = [
            (row[name] if text else np.float32(row[name])) if row[name] else None for row in rows
        ]
        assert table[name].to_pylist() == expected, name
    assert left(tmp_path) == []


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


def test_nothing_is_replaced_unless_told(run_dir, folder, tmp_path, capsys):
    (tmp_path / "t.csv").write_text("mine")
    assert predict(run_dir, tmp_path / "t.csv", folder) == 1
    assert (tmp_path / "t.csv").read_text() == "mine"
    assert "--overwrite to replace it" in capsys.readouterr().err
    assert predict(run_dir, tmp_path / "t.csv", folder, "--overwrite") == 0
    assert len(read(tmp_path / "t.csv")) == 9
