import pytest

from modular_cls.data.whereabouts import Folders, likely_reason, one_ending


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
