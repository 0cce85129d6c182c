"""One decoder: modes, depths, orientation, boxes, and what it refuses."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from modular_cls.data import images
from modular_cls.data.images import convert_image, read_image
from modular_cls.errors import ImageError

NOISE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def save(folder, picture, name="a.png", **options):
    path = folder / name
    picture.save(path, **options)
    return path


def read(path, size=None):
    image = read_image(path, "row 7, it", size)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    return image


def refusal(path, size=None):
    with pytest.raises(ImageError, match=r"^row 7, it: ") as caught:
        read_image(path, "row 7, it", size)
    return str(caught.value)


def palette():
    picture = Image.new("P", (4, 3), 1)
    picture.putpalette([0, 0, 0, 10, 200, 30])
    return picture


def half_clear():
    picture = Image.new("RGBA", (4, 3), (200, 0, 0, 128))
    picture.putpixel((3, 2), (9, 9, 9, 0))
    return picture


@pytest.mark.parametrize(
    ("picture", "name", "options", "first", "last"),
    [
        (Image.new("RGB", (4, 3), (1, 2, 3)), "a.png", {}, (1, 2, 3), (1, 2, 3)),
        (Image.new("L", (4, 3), 77), "a.png", {}, (77, 77, 77), (77, 77, 77)),
        (Image.new("1", (4, 3), 1), "a.png", {}, (255, 255, 255), (255, 255, 255)),
        (Image.new("LA", (4, 3), (0, 0)), "a.png", {}, (255, 255, 255), (255, 255, 255)),
        (palette(), "a.png", {}, (10, 200, 30), (10, 200, 30)),
        (palette(), "a.gif", {}, (10, 200, 30), (10, 200, 30)),
        (palette(), "a.png", {"transparency": 1}, (255, 255, 255), (255, 255, 255)),
        (half_clear(), "a.png", {}, (227, 127, 127), (255, 255, 255)),
        (Image.new("CMYK", (4, 3), (255, 0, 0, 0)), "a.tif", {}, (0, 255, 255), (0, 255, 255)),
        (Image.new("CMYK", (4, 3), (0, 255, 0, 0)), "a.jpg", {}, (255, 0, 255), (255, 0, 255)),
    ],
)
def test_modes(tmp_path, picture, name, options, first, last):
    image = read(save(tmp_path, picture, name, **options))
    assert image.shape == (3, 4, 3)
    assert np.abs(image[0, 0].astype(int) - first).max() <= 1
    assert np.abs(image[-1, -1].astype(int) - last).max() <= 1


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bit(tmp_path, name):
    grey = np.array([[0, 65535], [257 * 200, 257 * 3 + 100]], dtype=np.uint16)
    image = read(save(tmp_path, Image.fromarray(grey), name))
    assert image[..., 0].tolist() == [[0, 255], [200, 3]]
    assert (image == image[..., :1]).all()


@pytest.mark.parametrize(
    ("orientation", "shape", "corner"),
    [
        (1, (4, 6), (0, 0)),
        (2, (4, 6), (0, 5)),
        (3, (4, 6), (3, 5)),
        (4, (4, 6), (3, 0)),
        (5, (6, 4), (0, 0)),
        (6, (6, 4), (0, 3)),
        (7, (6, 4), (5, 3)),
        (8, (6, 4), (5, 0)),
    ],
)
def test_exif_orientation(tmp_path, orientation, shape, corner):
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[0, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = read(save(tmp_path, Image.fromarray(pixels), exif=exif))
    assert image.shape[:2] == shape
    assert np.argwhere(image[..., 0] == 255).tolist() == [list(corner)]


def test_resizing_averages(tmp_path):
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:, ::2] = 255
    image = read(save(tmp_path, Image.fromarray(pixels)), (8, 4))
    assert image.shape == (8, 4, 3)
    assert np.abs(image.astype(int) - 127).max() <= 4


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_size_is_height_then_width_once_upright(tmp_path, name):
    pixels = np.zeros((400, 600, 3), np.uint8)
    pixels[:200] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    image = read(save(tmp_path, Image.fromarray(pixels), name, exif=exif), (30, 20))
    assert image.shape == (30, 20, 3)
    assert image[:, -8:].min() > 240
    assert image[:, :8].max() < 15


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (4, 3), c) for c in ((255, 0, 0), (0, 0, 255))]
    image = read(save(tmp_path, frames[0], "a.gif", save_all=True, append_images=frames[1:]))
    assert image[0, 0].tolist() == [255, 0, 0]


def test_missing(tmp_path):
    assert refusal(tmp_path / "none.png") == "row 7, it: no such file"


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n"])
def test_not_a_picture(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    refusal(path)


def test_a_folder(tmp_path):
    refusal(tmp_path)


@pytest.mark.parametrize("size", [None, (8, 8)])
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.tif", "a.webp"])
def test_truncated(tmp_path, name, size):
    path = save(tmp_path, Image.fromarray(NOISE), name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refusal(path, size)


def test_flipped_bytes_give_a_picture_or_our_error(tmp_path):
    rng = np.random.default_rng(1)
    for name in ("a.png", "a.jpg", "a.gif", "a.webp"):
        path = save(tmp_path, Image.fromarray(NOISE), name)
        content = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(60):
            broken = content.copy()
            broken[rng.integers(0, min(200, len(broken)), 3)] = rng.integers(0, 256, 3)
            path.write_bytes(broken.tobytes())
            try:
                assert read_image(path, "it", (8, 8)).shape == (8, 8, 3)
            except ImageError as error:
                assert str(error).startswith("it: ")  # noqa: PT017


def test_too_many_pixels(tmp_path, monkeypatch):
    path = save(tmp_path, Image.fromarray(NOISE))
    monkeypatch.setattr(images, "MAX_PIXELS", NOISE.shape[0] * NOISE.shape[1] - 1)
    assert refusal(path) == "row 7, it: 60 x 40 pixels is over 2,399"
    monkeypatch.setattr(images, "MAX_PIXELS", NOISE.shape[0] * NOISE.shape[1])
    np.testing.assert_array_equal(read(path), NOISE)


def test_too_many_pixels_for_pillow(tmp_path, monkeypatch):
    path = save(tmp_path, Image.fromarray(NOISE))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert "too large" in refusal(path)


@pytest.mark.parametrize("shape", [(1, 99_999_999), (1_200_000, 3), (1, 65_536)])
def test_a_side_too_long_is_refused_from_the_header(tmp_path, shape):
    path = save(tmp_path, Image.new("1", shape[::-1]))
    assert "a side is over 65,535 pixels" in refusal(path, (8, 8))


def test_a_picture_without_memory_for_it_is_an_error_of_that_picture(tmp_path):
    save(tmp_path, Image.new("RGB", (9_000, 9_000)), compress_level=1)
    code = """if True:
        import re, resource, sys
        from pathlib import Path
        from modular_cls.data.images import read_image
        from modular_cls.errors import ImageError
        used = int(re.search("VmSize:[^0-9]+([0-9]+)", Path("/proc/self/status").read_text())[1]) << 10
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**27, used + 2**27))
        try:
            read_image(Path(sys.argv[1]), "it", (8, 8))
        except ImageError as error:
            print(error)
    """
    command = [sys.executable, "-c", code, str(tmp_path / "a.png")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "it: too large: there is no memory for its pixels\n"


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(ran) print\n"


@pytest.mark.parametrize("name", ["ICO", "PCX", "TGA", "PDF", "ICNS", "SGI", "DDS", "eps"])
def test_other_formats_are_refused_whatever_they_are_called(tmp_path, monkeypatch, name):
    """Pillow gives EPS to Ghostscript: a program of that name here would leave a trace."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "gs").write_text(f"#!/bin/sh\n: > {tmp_path}/ran\n")
    (tmp_path / "gs").chmod(0o755)
    if name == "eps":
        (tmp_path / "a.jpg").write_bytes(EPS)
    else:
        Image.fromarray(NOISE[:32, :32]).save(tmp_path / "a.jpg", name)
    assert "not a picture that can be read (JPEG, PNG, WEBP" in refusal(tmp_path / "a.jpg")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["a.avif", "a.ppm", "a.bmp", "a.webp", "a.tif"])
def test_accepted_formats_whatever_they_are_called(tmp_path, name):
    if name == "a.avif" and "AVIF" not in images.FORMATS:
        pytest.skip("Pillow without AVIF")
    path = save(tmp_path, Image.new("RGB", (32, 32), (90, 120, 60)), name)
    image = read(path.rename(tmp_path / "b.jpg"))
    assert np.abs(image.astype(int) - (90, 120, 60)).max() <= 3


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    assert "it is no file" in refusal(tmp_path / "a.png")


def test_a_jpeg_of_very_many_passes_is_refused(tmp_path):
    path = save(tmp_path, Image.fromarray(NOISE), "a.jpg", progressive=True)
    content = path.read_bytes()
    last = content.rindex(b"\xff\xda")
    assert read(path).shape == NOISE.shape
    path.write_bytes(content[:last] + 200 * content[last:-2] + content[-2:])
    assert "over 100 passes" in refusal(path)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("size", [(64, 64), (24, 100)])
def test_a_path_a_picture_and_an_array_give_the_same_pixels(tmp_path, mode, size):
    noise = np.random.default_rng(0).normal(0, 40, (800, 700, 1))
    ramp = np.linspace(0, 255, 700)[None, :, None] + np.zeros((800, 1, 3))
    big = Image.fromarray((ramp + noise).clip(0, 255).astype(np.uint8)).convert(mode)
    path = save(tmp_path, big, "a.jpg", quality=90)
    image = read(path, size)
    assert np.array_equal(image, convert_image(Image.open(path), "it", size))
    assert np.array_equal(image, convert_image(Image.fromarray(read(path)), "it", size))
    assert np.array_equal(image, read_image(path, "it", size, (0, 0, 700, 800)))


@pytest.mark.parametrize("options", [{}, {"quality": 95}])
def test_a_box_is_cut_from_the_upright_picture_and_clipped(tmp_path, options):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter: 60 x 40 stored, 40 x 60 shown
    path = save(
        tmp_path, Image.fromarray(NOISE), "a.jpg" if options else "a.png", exif=exif, **options
    )
    whole = read(path)
    assert whole.shape == (60, 40, 3)
    assert np.array_equal(read_image(path, "it", None, (10, 20, 15, 30)), whole[20:50, 10:25])
    assert np.array_equal(read_image(path, "it", None, (-5, 50, 15, 30)), whole[50:, :10])
    part = np.asarray(
        Image.fromarray(whole[20:50, 10:25]).resize((8, 8), Image.Resampling.BILINEAR)
    )
    assert np.array_equal(read_image(path, "it", (8, 8), (10, 20, 15, 30)), part)


def test_a_box_beside_the_picture_is_refused(tmp_path):
    with pytest.raises(
        ImageError, match="row 7, it: the box 60 0 5 5 is beside its 60 x 40 pixels"
    ):
        read_image(save(tmp_path, Image.fromarray(NOISE)), "row 7, it", None, (60, 0, 5, 5))


def test_pixels_without_a_range_are_refused(tmp_path):
    path = save(tmp_path, Image.fromarray(np.ones((4, 4), dtype=np.float32)), "a.tif")
    assert "floating-point" in refusal(path)


def test_a_file_too_large_for_a_picture_is_not_read(tmp_path, monkeypatch):
    path = save(tmp_path, Image.fromarray(NOISE))
    monkeypatch.setattr(images, "MAX_BYTES", path.stat().st_size - 1)
    assert "bytes is over" in refusal(path)


@pytest.mark.parametrize("box", [None, (0, 0, 5, 5)])
def test_a_jpeg_that_would_be_unpacked_smaller_is_refused_alike(tmp_path, monkeypatch, box):
    path = save(tmp_path, Image.fromarray(NOISE), "a.jpg")
    monkeypatch.setattr(images, "MAX_PIXELS", NOISE.shape[0] * NOISE.shape[1] - 1)
    with pytest.raises(ImageError, match="60 x 40 pixels is over"):
        read_image(path, "it", (8, 8), box)
