"""Files and folders that are replaced whole or not at all."""

import os
import random
import shutil
import subprocess
import sys
import time
from contextlib import nullcontext

import pytest

from modular_cls.data.text_table import read_table
from modular_cls.errors import OutputExistsError
from modular_cls.files import (
    _MACHINE,
    check_free,
    check_free_json,
    new_folder,
    put_back,
    replacing_file,
    tidy,
)

STOPS = pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt, SystemExit])


@pytest.fixture
def ours(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "marker").write_text("old")
    return folder


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_file_is_replaced_at_the_end(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    with replacing_file(path) as partial:
        partial.write_text("one")
        assert not path.exists()
    with replacing_file(path) as partial:
        partial.write_text("two")
        assert path.read_text() == "one"
    assert path.read_text() == "two"
    assert names(path.parent) == ["a.txt"]


@STOPS
def test_stopped_file_keeps_the_old(tmp_path, stop):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(stop), replacing_file(path) as partial:  # noqa: PT012
        partial.write_text("half")
        raise stop
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


@STOPS
def test_stopped_file_leaves_nothing(tmp_path, stop):
    with pytest.raises(stop), replacing_file(tmp_path / "a.txt") as partial:  # noqa: PT012
        partial.write_text("half")
        raise stop
    assert names(tmp_path) == []


def test_file_that_cannot_be_replaced(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"), replacing_file(tmp_path / "a") as partial:
        partial.write_text("x")
    assert names(tmp_path) == ["a"]


def test_folder_is_replaced_at_the_end(ours):
    (ours / "gone").write_text("old")
    with new_folder(ours, True, "marker") as partial:
        (partial / "marker").write_text("new")
        assert names(ours) == ["gone", "marker"]
    assert names(ours) == ["marker"]
    assert (ours / "marker").read_text() == "new"
    assert names(ours.parent) == ["out"]


def test_new_folder_makes_its_parents(tmp_path):
    out = tmp_path / "a" / "b"
    with new_folder(out, False, "marker") as partial:
        (partial / "marker").write_text("new")
        assert not out.exists()
    assert (out / "marker").read_text() == "new"


@STOPS
def test_stopped_folder_keeps_the_old(ours, stop):
    with pytest.raises(stop), new_folder(ours, True, "marker") as partial:  # noqa: PT012
        (partial / "marker").write_text("half")
        (partial / "sub").mkdir()
        raise stop
    assert (ours / "marker").read_text() == "old"
    assert names(ours.parent) == ["out"]


@STOPS
def test_stopped_folder_leaves_nothing(tmp_path, stop):
    out = tmp_path / "out"
    with pytest.raises(stop), new_folder(out, False, "marker") as partial:  # noqa: PT012
        (partial / "marker").write_text("half")
        raise stop
    assert names(tmp_path) == []


def test_folder_whose_last_step_fails_keeps_the_old(ours):
    with (
        pytest.raises(OSError, match="partial"),
        new_folder(ours, True, "marker") as partial,
    ):
        shutil.rmtree(partial)
    assert (ours / "marker").read_text() == "old"
    assert names(ours.parent) == ["out"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_others_is_never_replaced(tmp_path, overwrite):
    (tmp_path / "thesis.tex").write_text("years of work")
    with (
        pytest.raises(OutputExistsError, match="holds no marker"),
        new_folder(tmp_path, overwrite, "marker"),
    ):
        raise AssertionError("the body must not run")
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
    assert names(tmp_path) == ["thesis.tex"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_is_never_replaced_by_a_folder(tmp_path, overwrite):
    (tmp_path / "out").write_text("text")
    with pytest.raises(OutputExistsError, match="holds no marker"):
        check_free(tmp_path / "out", overwrite, "marker")


def test_ours_is_replaced_only_when_asked(ours):
    with pytest.raises(OutputExistsError, match="--overwrite"):
        check_free(ours, False, "marker")
    check_free(ours, True, "marker")


def test_an_empty_folder_is_free(tmp_path):
    (tmp_path / "out").mkdir()
    with new_folder(tmp_path / "out", False, "marker") as partial:
        (partial / "marker").write_text("new")
    assert names(tmp_path / "out") == ["marker"]
    assert names(tmp_path) == ["out"]


def test_a_folder_that_was_being_replaced_is_put_back(ours, dead, capsys):
    ours.rename(ours.with_name(f".out.{_MACHINE}-{dead}.old"))
    check_free(ours, True, "marker")
    assert (ours / "marker").read_text() == "old"
    assert names(ours.parent) == ["out"]
    assert "out: put back; a process was killed while it replaced it" in capsys.readouterr().err


def test_a_table_whose_folder_was_being_replaced_is_read(ours, dead, capsys):
    (ours / "manifest.csv").write_text("path,split\na.png,train\n")
    ours.rename(ours.with_name(f".out.{_MACHINE}-{dead}.old"))
    assert len(read_table(ours / "manifest.csv")) == 1
    assert "put back" in capsys.readouterr().err


def test_whoever_reads_leaves_alone_what_others_write(ours, dead):
    """Only who writes there clears up; and nothing takes the place of a folder that is there."""
    beside = [f".out.{_MACHINE}-{dead}.{end}" for end in ("old", "x.partial")]
    for name in beside:
        (ours.parent / name).mkdir()
    put_back(ours)
    assert names(ours.parent) == sorted(["out", *beside])
    assert (ours / "marker").read_text() == "old"


def test_the_new_folder_is_put_there_if_it_was_complete(ours, dead):
    ours.rename(ours.with_name(f".out.{_MACHINE}-{dead}.old"))
    new = ours.with_name(f".out.{_MACHINE}-{dead}.ab3_x.partial")
    new.mkdir()
    (new / "marker").write_text("new")
    with pytest.raises(OutputExistsError, match="exists already"):
        check_free(ours, False, "marker")
    assert (ours / "marker").read_text() == "new"
    assert names(ours.parent) == ["out"]


def test_what_killed_processes_left_is_removed_and_nothing_else(ours, dead):
    keep = [f".out.elsewhere-{dead}.x.partial", f".out.{_MACHINE}-{os.getppid()}.x.partial",
            f".other.{_MACHINE}-{dead}.x.partial", ".out.partial", f".out.{dead}.partial"]  # fmt: skip
    gone = [f".out.{_MACHINE}-{dead}.x.partial", f".out.{_MACHINE}-{dead}.old",
            f".out.{_MACHINE}-{os.getpid()}.x.partial"]  # fmt: skip
    for name in (*keep, *gone):
        (ours.parent / name).mkdir()
    tidy(ours)
    assert names(ours.parent) == sorted(["out", *keep])


def test_a_file_that_was_being_written_is_removed_by_the_next(tmp_path, dead):
    (tmp_path / f".a.txt.{_MACHINE}-{dead}.partial").write_text("half")
    with replacing_file(tmp_path / "a.txt") as first, replacing_file(tmp_path / "b.txt") as second:
        first.write_text("a")
        second.write_text("b")
    assert names(tmp_path) == ["a.txt", "b.txt"]


def written_since(out, start):
    try:
        return int((out / "marker").read_text()) >= start
    except FileNotFoundError:  # it is just being replaced
        return False


def test_killed_at_any_moment_the_folder_is_whole_at_the_next_start(tmp_path):
    """A process replaces a folder again and again; after every kill there is one, and all of it."""
    code = """if True:
        import sys
        from pathlib import Path
        from modular_cls.files import new_folder
        out, number = Path(sys.argv[1]), int(sys.argv[2])
        while True:
            with new_folder(out, True, "marker") as partial:
                for name in ("marker", "a", "b"):
                    (partial / name).write_text(str(number))
            number += 1
    """
    rng, out = random.Random(0), tmp_path / "out"
    for start in range(0, 8 * 10**6, 10**6):
        process = subprocess.Popen([sys.executable, "-c", code, str(out), str(start)])
        while not written_since(out, start):
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.05))
        process.kill()
        process.wait()
        tidy(out)
        assert names(tmp_path) == ["out"]
        assert len({(out / name).read_text() for name in names(out)}) == 1
        assert len(names(out)) == 3


@pytest.mark.parametrize(
    ("content", "ours"),
    [
        ('{"errors": 0, "findings": [], "rows": 3}', True),
        ('{"a": {"errors": 0, "findings": []}, "b": {"errors": 1, "findings": []}}', True),
        ('{"errors": 0}', False),
        ('{"a": {"errors": 0, "findings": []}, "b": 3}', False),
        ("{}", False),
        ("[1]", False),
        ("path,split\n", False),
        ("\x00", False),
    ],
)
def test_only_json_of_its_own_is_replaced_unasked(content, ours, tmp_path):
    file = tmp_path / "out.json"
    file.write_text(content)
    with nullcontext() if ours else pytest.raises(OutputExistsError, match="is not what this"):
        check_free_json(file, False, ("errors", "findings"))
    check_free_json(file, True, ("errors", "findings"))


def test_a_folder_or_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(OutputExistsError, match="is no file"):
            check_free_json(place, True, ("errors",))
