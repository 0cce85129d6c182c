import shutil

import pytest

from modular_cls.errors import OutputExistsError
from modular_cls.files import check_free, new_folder, replacing_file

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
    with new_folder(ours, overwrite=True, marker="marker") as partial:
        (partial / "marker").write_text("new")
        assert names(ours) == ["gone", "marker"]
    assert names(ours) == ["marker"]
    assert (ours / "marker").read_text() == "new"
    assert names(ours.parent) == ["out"]


def test_new_folder_makes_its_parents(tmp_path):
    out = tmp_path / "a" / "b"
    with new_folder(out, overwrite=False, marker="marker") as partial:
        (partial / "marker").write_text("new")
        assert not out.exists()
    assert (out / "marker").read_text() == "new"


@STOPS
def test_stopped_folder_keeps_the_old(ours, stop):
    with pytest.raises(stop), new_folder(ours, overwrite=True, marker="marker") as partial:  # noqa: PT012
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
        new_folder(ours, overwrite=True, marker="marker") as partial,
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
    with new_folder(tmp_path / "out", overwrite=False, marker="marker") as partial:
        (partial / "marker").write_text("new")
    assert names(tmp_path / "out") == ["marker"]
    assert names(tmp_path) == ["out"]
