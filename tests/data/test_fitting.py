"""Pictures of one shape for a network of another, against Pillow's own, and through every door they come in by."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageOps

from modular_cls.data.cache import decode_once
from modular_cls.data.faces.write import SCHEMA
from modular_cls.data.fitting import GREY, is_far
from modular_cls.data.images import convert_image, read_image, read_shape
from modular_cls.data.manifest import Manifest
from modular_cls.data.preparation import Pixels
from modular_cls.errors import ConfigError, ImageError

BILINEAR = Image.Resampling.BILINEAR
sides = st.integers(1, 90)


def noise(width, height):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


@given(sides, sides, sides, sides)
def test_as_pillow_does(width, height, high, wide):
    picture = noise(width, height)
    cropped = convert_image(picture, "it", (high, wide), fit="crop")
    np.testing.assert_array_equal(cropped, ImageOps.fit(picture, (wide, high), BILINEAR))
    padded = convert_image(picture, "it", (high, wide), fit="pad")
    assert padded.shape == (high, wide, 3)
    if min(
        round(high * width / height), round(wide * height / width)
    ):  # Pillow makes no picture of none
        expected = ImageOps.pad(picture, (wide, high), BILINEAR, GREY)
        np.testing.assert_array_equal(padded, expected)


def measured(image):
    """Width and height of what is dark."""
    dark = image.mean(2) < 60
    return dark.any(0).sum(), dark.any(1).sum()


@pytest.mark.parametrize("shape", [(120, 60), (60, 120), (90, 64)])
def test_a_disc_stays_one_unless_it_is_squashed(shape):
    picture = Image.new("RGB", shape, "white")
    mid = (shape[0] / 2, shape[1] / 2)
    ImageDraw.Draw(picture).ellipse([m + s for s in (-24, 24) for m in mid], fill="black")
    for fit, round_ in (("pad", True), ("crop", True), ("squash", False)):
        width, height = measured(convert_image(picture, "it", (64, 64), fit=fit))
        assert (abs(width - height) <= 1) == round_, fit


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "RGBA"])
def test_what_is_filled_up_is_grey_whatever_the_mode(mode):
    padded = convert_image(noise(80, 20).convert(mode), "it", (40, 40), fit="pad")
    assert (padded[:14] == GREY).all()
    assert (padded[26:] == GREY).all()
    assert (padded[16:24] != GREY).any()


@pytest.mark.parametrize("fit", ["squash", "pad", "crop"])
def test_a_box_is_cut_out_first(tmp_path, fit):
    picture = noise(70, 50)
    picture.save(tmp_path / "a.png")
    box = (10, 5, 40, 20)
    part = picture.crop((10, 5, 50, 25))
    found = read_image(tmp_path / "a.png", "it", (24, 24), box, fit=fit)
    np.testing.assert_array_equal(found, convert_image(part, "it", (24, 24), fit=fit))
    assert read_shape(tmp_path / "a.png", "it", box) == (40, 20)


def test_shapes_are_those_of_upright_pictures(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    noise(60, 40).save(tmp_path / "a.jpg", exif=exif)
    assert read_shape(tmp_path / "a.jpg", "it") == (40, 60)
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    for name, told in (("b.jpg", "it: not a picture"), ("c.jpg", "it: broken|it: no such file")):
        with pytest.raises(ImageError, match=told):
            read_shape(tmp_path / name, "it")


@pytest.mark.parametrize(("shape", "size", "far"), [
    ((64, 64), (64, 64), False), ((150, 100), (64, 64), False), ((151, 100), (64, 64), True), ((100, 151), (64, 64), True),
    ((64, 128), (128, 64), False), ((64, 128), (64, 128), True),
])  # fmt: skip
def test_what_is_far(shape, size, far):
    assert is_far(shape, size) == far


def test_each_fit_is_kept_apart_on_disk(faces_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path))
    rows = Manifest.read(faces_dir / "manifest.csv", SCHEMA).select(np.arange(3))
    kept = {}
    for fit in ("squash", "pad", "crop", "squash"):
        images, _ = decode_once(rows, (32, 48), fit=fit)
        for i in range(3):
            expected = read_image(rows.file(i), "it", (32, 48), fit=fit)
            np.testing.assert_array_equal(images[i], expected)
        kept[fit] = images[0].tobytes()
    assert len(set(kept.values())) == 3


def test_there_are_three():
    with pytest.raises(ConfigError, match="data.fit: unknown fit 'padd'|padd.*pad"):
        Pixels((8, 8), (0.5,) * 3, (0.5,) * 3, fit="padd")


def test_memory_and_file_agree(tmp_path):
    out = io.BytesIO()
    noise(50, 20).save(out, "png")
    (tmp_path / "a.png").write_bytes(out.getvalue())
    for fit in ("pad", "crop"):
        found = read_image(tmp_path / "a.png", "it", (16, 16), fit=fit)
        np.testing.assert_array_equal(
            found, convert_image(Image.open(out), "it", (16, 16), fit=fit)
        )
