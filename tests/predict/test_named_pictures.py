"""What a person means by IMAGES, also where it changes between two starts."""

import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modular_cls import Predictor
from modular_cls.predict.table_parts import Parts
from tests.predict.small_jobs import left, predict, read


def interrupt(run_dir, out, monkeypatch, *words):
    """Leave what a job leaves when ctrl-C comes while it is at its second batch of four."""
    calls = []

    def stop(self, *arguments, **named):
        calls.append(1)
        if len(calls) > 1:
            signal.raise_signal(signal.SIGINT)
        return original(self, *arguments, **named)

    original = Predictor.predict_decoded
    with monkeypatch.context() as patch:
        patch.setattr(Predictor, "predict_decoded", stop)
        assert predict(run_dir, out, *words, "--batch-size", "4") == 130
    assert left(out.parent) == [f".{out.name}.parts"]


def as_folder(folder):
    return [folder]


def as_files(folder):
    """As a shell lists them."""
    return sorted(folder.rglob("*.[pj]*"))


def as_pattern(folder):
    return [folder / "**" / "*.[pj]*"]


def as_table(folder):
    table = folder / "table.csv"
    if not table.exists():
        names = [str(p.relative_to(folder)) for p in as_files(folder)]
        table.write_text("\n".join(["path", *names]))
    return [table]


@pytest.mark.parametrize("words", [as_folder, as_files, as_pattern, as_table])
def test_pictures_that_change_between_two_starts(
    run_dir, folder, tmp_path, monkeypatch, capsys, words
):
    """Of the first four one has gone and two changed, of the others one has gone and one changed."""
    out = tmp_path / "t.csv"
    interrupt(run_dir, out, monkeypatch, *words(folder))
    first = [p for p in as_files(folder) if "deep" not in str(p)]
    listed = read_listed(out)
    change(listed[0])
    listed[1].unlink()
    change(listed[2], quietly=True)
    change(listed[5])
    listed[6].unlink()
    assert len(first) == 6
    assert predict(run_dir, out, *words(folder)) == 0
    said = capsys.readouterr().out
    assert "9 images are in" in said
    assert "1 of them by an earlier job" in said
    assert "3 pictures changed since then, and were looked at again" in said
    found = read(out)
    base = folder if words is as_table else folder.parent.parent / "nowhere"
    assert [(base / row["path"]).name for row in found] == [p.name for p in listed]
    for row, path in zip(found, listed, strict=True):
        if path in (listed[1], listed[6]):
            assert "no such file" in row["error"]
        elif path.name != "broken.jpg":
            (share,) = Predictor.load(run_dir)([path]).probabilities["hair"]
            assert float(row["hair=long"]) == pytest.approx(share[1], rel=1e-3)
    assert left(tmp_path) == []


def read_listed(out):
    job = Parts(out, {}, overwrite=False)
    return [Path(picture.file) for picture in job.pictures]


def change(path, quietly=False):
    """Another picture, if quietly of the same size in bytes and with the times of the first."""
    seen, before = path.stat(), path.read_bytes()
    if path.suffix == ".jpg":
        path.write_bytes(before[::-1])
    else:
        noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        small = np.zeros((64, 64, 3), np.uint8) if quietly else noise
        Image.fromarray(small).save(path)
    if quietly:
        assert path.stat().st_size < seen.st_size
        with path.open("ab") as file:  # what comes after the end of a picture does not matter
            file.write(bytes(seen.st_size - path.stat().st_size))
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        assert (path.stat().st_size, path.stat().st_mtime_ns) == (seen.st_size, seen.st_mtime_ns)


def test_pictures_that_come_between_two_starts_are_there_too(
    run_dir, folder, tmp_path, monkeypatch
):
    out = tmp_path / "t.csv"
    interrupt(run_dir, out, monkeypatch, folder)
    shutil.copy(folder / "0.png", folder / "00.png")
    assert predict(run_dir, out, folder) == 0
    assert len(read(out)) == 10
    assert read(out)[-1]["path"] == str(folder / "00.png")
    new, old = (float(read(out)[i]["hair=long"]) for i in (-1, 0))
    assert new == pytest.approx(old, rel=1e-3)


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
