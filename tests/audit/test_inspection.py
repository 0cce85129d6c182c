"""One pass over the pictures: headers and decoding."""

import pytest
from PIL import Image

from modular_cls.data import images


def opened(faces, number):
    with Image.open(faces.path(number)) as picture:
        return picture.convert("RGB")


def only(found, name, *rows, level="error"):
    """The one finding there is."""
    assert list(found) == [name]
    assert found[name]["level"] == level
    assert found[name]["count"] == len(rows)
    assert found[name]["rows"] == list(rows)
    return found[name]


@pytest.mark.parametrize("content", [b"", b"no picture", "half"])
def test_unreadable(faces, content):
    data = faces.path(0).read_bytes()
    faces.path(0).write_bytes(data[: len(data) // 2] if content == "half" else content)
    finding = only(faces.found(), "unreadable", 2)
    assert finding["examples"][0].startswith(f"row 2, {faces.path(0)}: ")
    assert faces.found("--no-pictures") == {}


def test_oversized(faces, monkeypatch):
    opened(faces, 0).resize((65, 64)).save(faces.path(0))
    monkeypatch.setattr(images, "MAX_PIXELS", 64 * 64)
    only(faces.found(), "oversized", 2)


@pytest.mark.filterwarnings("ignore:Image size")
def test_too_large_for_pillow(faces, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2100)
    opened(faces, 0).resize((70, 64)).save(faces.path(0))
    only(faces.found(), "oversized", 2)


def test_boxes_are_what_is_judged(faces):
    faces.rows[0]["box"] = "2 2 60 9"
    faces.rows[1]["box"] = "64 0 10 10"
    found = faces.found()
    assert found["tiny"]["rows"] == [2]
    assert found["unreadable"]["rows"] == [3]
