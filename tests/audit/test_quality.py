"""Pictures judged one by one."""

import numpy as np
import pytest
from PIL import Image

FLAT = Image.new("RGB", (64, 64), (90, 120, 60))


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


def test_files_that_training_may_skip(faces):
    faces.path(0).write_bytes(b"no picture")
    faces.path(1).unlink()
    skipping = ["--data.on_bad_image", "skip", "--data.max_bad"]
    found = faces.found(*skipping, "0.02")
    assert {name: f["level"] for name, f in found.items()} == {
        "missing": "warning",
        "unreadable": "warning",
    }
    found = faces.found(*skipping, "0.01")
    assert {f["level"] for f in found.values()} == {"error"}


@pytest.mark.parametrize(("size", "image_size", "tiny"), [
    ((31, 44), 64, True), ((44, 31), 64, True), ((32, 32), 64, False), ((15, 15), 16, True), ((16, 16), 16, False),
])  # fmt: skip
def test_tiny(faces, size, image_size, tiny):
    opened(faces, 0).resize(size).save(faces.path(0))
    found = faces.found("--data.image_size", str(image_size))
    if tiny:
        assert only(found, "tiny", 2, level="warning")["examples"][0].endswith(
            f": {size[0]} x {size[1]}"
        )
    else:
        assert found == {}


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_modes_are_a_note(faces, mode):
    path = faces.path(0)
    opened(faces, 0).convert(mode).save(path, format="TIFF" if mode == "CMYK" else "PNG")
    finding = only(faces.found(), "not_rgb", 2, level="note")
    assert finding["examples"] == [
        f"{mode}: 1 pictures, the first is row 2, {faces.rows[0]['path']}"
    ]


def test_sixteen_bits_are_a_note(faces):
    grey = np.asarray(opened(faces, 0).convert("L"), dtype=np.uint16) * 257
    Image.fromarray(grey).save(faces.path(0))
    only(faces.found(), "sixteen_bit", 2, level="note")


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_exif_is_a_note(faces, format):
    exif = Image.Exif()
    exif[0x0112] = 6
    opened(faces, 0).save(faces.path(0), format=format, exif=exif)
    exif[0x0112] = 1
    opened(faces, 1).save(faces.path(1), format=format, exif=exif)
    only(faces.found(), "turned", 2, level="note")


def test_animated(faces):
    frames = [opened(faces, 0), FLAT]
    frames[0].save(
        faces.path(0), format="WEBP", lossless=True, save_all=True, append_images=frames[1:]
    )
    only(faces.found(), "animated", 2, level="warning")


def test_pictures_of_one_colour_are_no_copies(faces):
    for i in range(3):
        Image.new("RGB", (64, 64), (80 + i, 90, 60)).save(faces.path(i))
    only(faces.found(), "one_colour", 2, 3, 4, level="warning")


def test_sixteen_bit_files_that_use_twelve_need_a_range(faces):
    for number in range(len(faces.rows)):
        grey = np.asarray(opened(faces, number).convert("L")).astype(np.uint16) * 16
        Image.fromarray(grey).save(faces.path(number))
    finding = faces.found()["unscaled"]
    assert finding["count"] == len(faces.rows)
    assert finding["level"] == "error"
    assert "a 16-bit file that uses 12 bits" in finding["examples"][0]
    assert "data.range: [0, 4095]" in finding["examples"][0]
    only(
        faces.found("--data.range", "[0, 4095]"),
        "sixteen_bit",
        *range(2, len(faces.rows) + 2),
        level="note",
    )
