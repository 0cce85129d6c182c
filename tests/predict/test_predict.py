"""The verb predict, through the command line: what goes in, what comes out, and what an interruption leaves."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from modular_cls import Predictor, load_config, train
from modular_cls.cli import main


@pytest.fixture(scope="module")
def run_dir(faces_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("predict") / "run"
    config = load_config("configs/modular.yaml", data__manifest=faces_dir / "manifest.csv", data__workers=0,
                         data__image_size=32, data__scarcity__keep=3, training__updates=6)  # fmt: skip
    train(config, out, progress=False)
    return out


@pytest.fixture
def folder(faces_dir, tmp_path):
    """Eight pictures in folders, and one that is broken."""
    photos = tmp_path / "photos"
    (photos / "deep" / "er").mkdir(parents=True)
    files = sorted((faces_dir / "test").glob("*.png"))[:8]
    for i, file in enumerate(files):
        shutil.copy(file, photos / ("deep/er" if i > 4 else "") / f"{i}.png")
    (photos / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    (photos / "notes.txt").write_text("no picture either")
    return photos


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def predict(run_dir, out, *words):
    return main(["predict", str(run_dir), *map(str, words), "--out", str(out)])


def left(folder):
    return sorted(p.name for p in folder.iterdir() if p.name.startswith("."))


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


def start_and_kill(run_dir, images, out, rows):
    """Run the verb in a process of its own, and kill it once some rows are written."""
    command = [
        sys.executable,
        "-m",
        "modular_cls",
        "predict",
        str(run_dir),
        str(images),
        "--batch-size",
        "1",
    ]
    process = subprocess.Popen([*command, "--out", str(out)], stdout=subprocess.DEVNULL)
    partial = out.with_name(f".{out.name}.partial")
    for _ in range(3000):
        if partial.is_file() and partial.read_bytes().count(b"\n") > rows:
            break
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was done before it could be killed"
    return partial


def test_a_killed_job_goes_on_where_it_stopped(run_dir, faces_dir, tmp_path, capsys):
    names = [f"train/{p.name}" for p in sorted((faces_dir / "train").glob("*.png"))]
    lines = [f"{name},0 0 {40 + i} 64" for i in range(6) for name in names]
    (tmp_path / "table.csv").write_text(
        "\n".join(["path,box", *lines[:300], "no.png,", *lines[300:]])
    )
    shutil.copytree(faces_dir / "train", tmp_path / "train")
    partial = start_and_kill(run_dir, tmp_path / "table.csv", tmp_path / "killed.csv", 20)
    assert not (tmp_path / "killed.csv").exists()
    kept = partial.read_bytes().count(b"\n") - 1
    with partial.open("a") as file:
        file.write(f"{lines[kept]},,short,0.7")  # as if killed within a row
    words = [tmp_path / "table.csv", "--batch-size", "64"]
    assert predict(run_dir, tmp_path / "killed.csv", *words) == 0
    assert f"{kept} of them by an earlier job that was interrupted" in capsys.readouterr().out
    assert predict(run_dir, tmp_path / "whole.csv", *words) == 0
    killed, whole = read(tmp_path / "killed.csv"), read(tmp_path / "whole.csv")
    assert len(killed) == len(whole) == len(lines) + 1
    for a, b in zip(killed, whole, strict=True):
        assert (a["path"], a["box"], a["error"]) == (b["path"], b["box"], b["error"])
        if not a["error"]:  # batches of another size differ in the last digits
            assert float(a["hair=long"]) == pytest.approx(float(b["hair=long"]), rel=1e-3)
    assert left(tmp_path) == []


def interrupt(run_dir, folder, out, monkeypatch):
    """Leave what a job leaves when ctrl-C comes while it is at its second batch."""
    calls = []

    def stop(self, *arguments, **named):
        calls.append(1)
        if len(calls) > 2:  # the first looks at the arguments
            raise KeyboardInterrupt
        return original(self, *arguments, **named)

    original = Predictor.__call__
    with monkeypatch.context() as patch:
        patch.setattr(Predictor, "__call__", stop)
        assert predict(run_dir, out, folder, "--batch-size", "4") == 130
    assert left(out.parent) == [f".{out.name}.job", f".{out.name}.partial"]


def test_another_job_does_not_go_on_with_these_rows(run_dir, folder, tmp_path, monkeypatch, capsys):
    out = tmp_path / "t.csv"
    interrupt(run_dir, folder, out, monkeypatch)
    assert predict(run_dir, out, folder, "--prior", "training", "--given", "hair=long") == 1
    assert "interrupted job with other prior, given; run that one again" in capsys.readouterr().err
    assert predict(run_dir, out, folder / "deep") == 1
    assert "with other images" in capsys.readouterr().err
    assert predict(run_dir, out, folder, "--given", "hair=long", "--overwrite") == 0
    assert {row["hair=long"] for row in read(out)} == {"1", ""}
    assert "interrupted" not in capsys.readouterr().out
    interrupt(run_dir, folder, tmp_path / "u.csv", monkeypatch)
    assert predict(run_dir, tmp_path / "u.csv", folder) == 0
    assert "4 of them by an earlier job" in capsys.readouterr().out


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
