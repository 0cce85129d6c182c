"""Which files of a folder are pictures, against a slow reading of the rule."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.data.picture_files import ENDINGS, find_picture_files

NAMES = st.sampled_from(["a", "b.c", ".hid", "._x", "__MACOSX", "Z", "\u00e9"])
ENDS = st.sampled_from([".png", ".JPG", ".txt", "", ".jpg.bak", ".tiff"])
FILES = st.lists(st.tuples(st.lists(NAMES, max_size=2), NAMES, ENDS), max_size=12)


@given(FILES)
def test_the_rule(tmp_path_factory, files):
    root = tmp_path_factory.mktemp("folder")
    paths = {"/".join([*(f"{f}.d" for f in folders), name + end]) for folders, name, end in files}
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"")
    hidden = {p for p in paths if any(part[0] == "." for part in p.split("/"))}
    hidden |= {p for p in paths if "__MACOSX" in p.split("/")}
    found = find_picture_files(root)
    expected = {p for p in paths - hidden if os.path.splitext(p)[1].lower() in ENDINGS}
    assert found.paths == sorted(expected)
    assert found.others == len(paths - hidden - expected)
    assert (found.hidden > 0) == bool(hidden)


def test_linked_folders_are_looked_through_once(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.png").write_bytes(b"")
    (tmp_path / "root").mkdir()
    for name in ("first", "second"):
        (tmp_path / "root" / name).symlink_to(tmp_path / "real")
    (tmp_path / "real" / "back").symlink_to(tmp_path / "root")
    assert find_picture_files(tmp_path / "root").paths == ["first/a.png"]


def test_names_that_are_no_text_are_left_out_if_asked(tmp_path):
    name = os.fsdecode(b"\xff.png")
    (tmp_path / name).write_bytes(b"")
    assert find_picture_files(tmp_path).paths == [name]
    assert find_picture_files(tmp_path, skip_bad_names=True) == ([], 0, 1, 0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_counted(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    assert str(find_picture_files(tmp_path)) == "1 folders that cannot be read"
