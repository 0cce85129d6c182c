"""Which files are there; paths, roots and links that may not leave it."""

from pathlib import Path

import pytest

from modular_cls.data.manifest import Manifest
from modular_cls.data.whereabouts import Folders, likely_reason, one_ending
from modular_cls.errors import ImageError
from tests.data.small_tables import HEADER, PLAIN, read, refusal, write


@pytest.fixture
def root(tmp_path):
    for name in ("a/1.png", "a/2.PNG", "a/3.jpg", "a/3.png", "b/c/deep.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def test_what_is_there(root):
    folders = Folders(root)
    assert [p in folders for p in ("a/1.png", "a/1", "notes.txt", str(root / "a/1.png"), "x/y.png")] == [
        True, False, True, True, False
    ]  # fmt: skip
    assert folders.endings("a/1") == [".png"]
    assert sorted(folders.endings("a/3")) == [".jpg", ".png"]
    assert folders.endings("notes") == []
    assert folders.has_pictures("a")
    assert not folders.has_pictures("b")
    assert one_ending(folders, ["a/1"]) == ".png"
    assert one_ending(folders, ["a/1", "a/2"]) is None
    assert one_ending(folders, ["a/9"]) is None


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("a\\1.png", "is written with \\; 'a/1.png' is there"),
        ("a/1", "has no ending; '1.png' is there"),
        ("a\\1", "has no ending; '1.png' is there"),
        ("a/1.jpg", "has another ending; '1.png' is there"),
        ("a/2.png", "differs in case; '2.PNG' is there"),
        ("deep.jpg", "is not there, but 'b/c/deep.jpg' is"),
        ("/home/x/9.png", "is a path of another computer"),
        ("C:\\x\\9.png", "is a path of another computer"),
        ("z/9.png", "there is no folder"),
        ("9.png", "no '9.png' is anywhere under"),
    ],
)
def test_why_it_is_not(root, path, reason):
    assert reason in likely_reason(root, [path])
    assert "there is no folder" in likely_reason(root / "none", [path])


@pytest.mark.parametrize("path", ["../a.png", "x/../../a.png", "/etc/passwd", ".."])
def test_paths_outside_the_root(tmp_path, path):
    message = refusal(tmp_path, HEADER + f"in.png,train,,\n{path},train,,\n")
    assert f"row 3, column path: {path!r} leaves the root {tmp_path}" in message
    assert "in.png" not in message


def test_paths_that_only_look_suspicious(tmp_path):
    inside = ["x/../a.png", "b..png", "c:d.png", str(tmp_path / "e.png")]
    assert len(read(tmp_path, HEADER + "".join(f"{p},train,,\n" for p in inside))) == 4


def test_root_given(tmp_path):
    text = HEADER + f"{tmp_path}/a.png,train,,\n"
    assert read(tmp_path, text).file(0) == tmp_path / "a.png"
    assert "leaves the root" in refusal(tmp_path, text, root=tmp_path / "pictures")
    manifest = read(tmp_path, HEADER + "a.png,train,,\n", root=tmp_path / "pictures")
    assert manifest.file(0) == tmp_path / "pictures/a.png"


def test_paths_may_leave_the_root_where_that_is_allowed(tmp_path):
    (tmp_path / "pictures").mkdir()
    path = write(tmp_path / "pictures", HEADER + "../a.png,train,short,male\n")
    assert Manifest.read(path, PLAIN, contained=False).file(0) == tmp_path / "pictures" / "../a.png"


@pytest.mark.parametrize("linked", ["a.png", "inner/a.png"])
def test_symbolic_links_may_not_leave_the_root_unless_allowed(tmp_path, linked):
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root, outside):
        folder.mkdir()
        (folder / "b.png").write_bytes(b"")
    (outside / "a.png").write_bytes(b"")
    (root / "c.png").symlink_to(root / "b.png")
    if "/" in linked:
        (root / "inner").symlink_to(outside)
    else:
        (root / linked).symlink_to(outside / "a.png")
    path = write(
        root, HEADER + f"{linked},train,short,male\nc.png,train,short,male\nb.png,test,short,male\n"
    )
    manifest = Manifest.read(path, PLAIN)
    assert manifest.file(1) == root / "c.png"
    assert manifest.file(2) == root / "b.png"
    with pytest.raises(
        ImageError, match=rf"row 2, .*{linked}: a symbolic link leads out of the root"
    ):
        manifest.file(0)
    assert Manifest.read(path, PLAIN, contained=False).file(0) == root / linked
    through = tmp_path / "link"
    through.symlink_to(root)  # the root itself may be a link
    assert Manifest.read(path, PLAIN, through).file(2) == through / "b.png"


def test_a_path_that_no_file_can_have(tmp_path):
    assert "row 2, column path: 'a\\x00b' holds a character" in refusal(
        tmp_path, HEADER + '"a\0b",train,,\n'
    )


def test_a_relative_root_is_that_of_the_current_folder(tmp_path, monkeypatch):
    """Also after the current folder changed: what it means is not remembered from elsewhere."""
    for name in ("one", "two"):
        (tmp_path / name / "pictures").mkdir(parents=True)
        (tmp_path / name / "pictures" / "a.png").touch()
        monkeypatch.chdir(tmp_path / name)
        manifest = read(tmp_path, HEADER + "a.png,train,,\n", root=Path("pictures"))
        assert Path(manifest.file(0)).resolve() == tmp_path / name / "pictures" / "a.png"
