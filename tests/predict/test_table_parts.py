"""What an interruption of the verb predict leaves, and how the next start goes on with it."""

import os
import shutil
import signal
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modular_cls import Predictor
from modular_cls.predict.listed import Picture
from modular_cls.predict.table_parts import Parts
from tests import forked
from tests.predict.small_jobs import left, predict, read


def parts(out):
    return out.with_name(f".{out.name}.parts")


def rows_on_disk(out):
    return sum(p.read_bytes().count(b"\n") for p in parts(out).glob("[0-9]*.csv"))


def start_and_kill(run_dir, images, out, rows):
    """Run the verb in a process of its own, and kill it once some more rows are written."""
    before, log = rows_on_disk(out), out.with_name("log")
    words = [str(run_dir), str(images), "--batch-size", "1", "--out", str(out)]
    process = forked.start(["predict", *words], log)
    while rows_on_disk(out) <= before + rows and forked.is_running(process):
        time.sleep(0.005)
    os.kill(process, signal.SIGKILL)
    end = forked.finish(process, log, time.monotonic())
    assert end.status == -signal.SIGKILL, "it was done before it could be killed"


def same_rows(killed, whole):
    assert len(killed) == len(whole)
    for a, b in zip(killed, whole, strict=True):
        assert (a["path"], a.get("box"), a["error"]) == (b["path"], b.get("box"), b["error"])
        if not a["error"]:  # batches of another size differ in the last digits
            assert float(a["hair=long"]) == pytest.approx(float(b["hair=long"]), rel=1e-3)


def test_a_killed_job_goes_on_where_it_stopped(run_dir, faces_dir, tmp_path, capsys):
    names = [f"train/{p.name}" for p in sorted((faces_dir / "train").glob("*.png"))]
    lines = [f"{name},0 0 {40 + i} 64" for i in range(6) for name in names]
    (tmp_path / "table.csv").write_text(
        "\n".join(["path,box", *lines[:300], "no.png,", *lines[300:]])
    )
    shutil.copytree(faces_dir / "train", tmp_path / "train")
    out = tmp_path / "killed.csv"
    start_and_kill(run_dir, tmp_path / "table.csv", out, 20)
    start_and_kill(run_dir, tmp_path / "table.csv", out, 20)
    assert not out.exists()
    kept = rows_on_disk(out)
    with (parts(out) / "1.csv").open("a") as file:
        file.write(f"{kept},12 3 4,ab,{lines[kept]},,short,0.7")  # as if killed within a row
    words = [tmp_path / "table.csv", "--batch-size", "64"]
    assert predict(run_dir, out, *words) == 0
    said = capsys.readouterr().out
    assert f"{kept} of them by an earlier job that was interrupted" in said
    assert "looked at again" not in said
    assert predict(run_dir, tmp_path / "whole.csv", *words) == 0
    assert len(read(out)) == len(lines) + 1
    same_rows(read(out), read(tmp_path / "whole.csv"))
    assert left(tmp_path) == []


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


def test_another_job_does_not_go_on_with_these_rows(run_dir, folder, tmp_path, monkeypatch, capsys):
    out = tmp_path / "t.csv"
    interrupt(run_dir, out, monkeypatch, folder)
    assert predict(run_dir, out, folder, "--prior", "training", "--given", "hair=long") == 1
    assert "interrupted job with other prior, given; run that one again" in capsys.readouterr().err
    assert predict(run_dir, out, folder / "deep") == 1
    assert f"with other images, as {folder}/0.png; run" in capsys.readouterr().err
    assert predict(run_dir, out, folder, "--given", "hair=long", "--overwrite") == 0
    assert {row["hair=long"] for row in read(out)} == {"1", ""}
    assert "interrupted" not in capsys.readouterr().out
    interrupt(run_dir, tmp_path / "u.csv", monkeypatch, folder)
    assert predict(run_dir, tmp_path / "u.csv", folder) == 0
    assert "4 of them by an earlier job" in capsys.readouterr().out


HEADER = ["path", "error", "x"]
FILES = [Picture(f"{i}\n,\"'.png", "", "", f"{i}", "outside") for i in range(12)]


def fill(job, numbers):
    with job:
        for i in numbers:
            job.add([i], [""], [[FILES[i].path, "", f"{i}.5"]])


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 11), unique=True).map(sorted),
    st.booleans(),
    st.integers(0),
    st.integers(1, 255),
)
def test_whatever_happens_to_a_part_the_table_is_right(tmp_path_factory, first, cut, place, by):
    """A file of rows is cut anywhere, or a byte of it changes: what was damaged is made anew."""
    out = tmp_path_factory.mktemp("parts") / "t.csv"
    job = Parts(out, {"model": "a"}, overwrite=False)
    job.begin(FILES, HEADER)
    fill(job, first)
    file = job.folder / "0.csv"
    content = bytearray(file.read_bytes())
    if content:
        place %= len(content)
        content[place] ^= by
        file.write_bytes(content[:place] if cut else content)
    again = Parts(out, {"model": "a"}, overwrite=False)
    again.begin(FILES, HEADER)
    assert again.kept >= len(first) - (len(first) if cut else 3)
    fill(again, np.flatnonzero(~again.done).tolist())
    again.write(out)
    assert read(out) == [{"path": p.path, "error": "", "x": f"{i}.5"} for i, p in enumerate(FILES)]
