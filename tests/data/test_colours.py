"""Depth, and colour profiles: the same light gives the same pixels, however a file writes it."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from modular_cls.data.images import convert_image, decode_image
from modular_cls.errors import DepthError

RAMP = np.linspace(0, 1, 48).reshape(6, 8)
BITS = np.rint(RAMP * 255).astype(int)


def bytes_of(picture, name, **options):
    out = io.BytesIO()
    picture.save(out, name, **options)
    return out.getvalue()


def tiff(values, bits, sample_format=1, photometric=1):
    """A TIFF of one channel that Pillow would not write; 12 bits are packed, rows padded."""
    height, width = values.shape
    if bits == 12:
        rows = ["".join(f"{v:012b}" for v in row) for row in values.tolist()]
        pixels = b"".join(int(row, 2).to_bytes(len(row) // 8, "big") for row in rows)
    else:
        pixels = values.astype(f"<{'iu'[sample_format == 1]}{bits // 8}").tobytes()
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 8),
            (277, 1), (278, height), (279, len(pixels)), (339, sample_format)]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    start = 8 + len(pixels) + len(pixels) % 2
    listed = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", start) + pixels.ljust(start - 8, b"\0") + listed


def grey(data, depth=None):
    image = decode_image(data, "it", depth=depth)
    assert (image == image[..., :1]).all()
    return image[..., 0].astype(int)


def refusal(data, depth=None):
    with pytest.raises(DepthError, match=r"^it: ") as caught:
        decode_image(data, "it", depth=depth)
    return str(caught.value)


@pytest.mark.parametrize("name", ["png", "tiff"])
@pytest.mark.parametrize("bits", [10, 12, 14])
def test_sixteen_bit_files_that_use_fewer_are_refused_until_their_range_is_known(name, bits):
    data = bytes_of(Image.fromarray(np.rint(RAMP * (2**bits - 1)).astype(np.uint16)), name)
    assert f"uses {bits} bits" in refusal(data)
    assert f"data.range: [0, {2**bits - 1}]" in refusal(data)
    assert np.abs(grey(data, (0, 2**bits - 1)) - BITS).max() <= 1
    assert grey(data, (0, 65535)).max() == round(255 * (2**bits - 1) / 65535)


@given(st.integers(2**14, 65535), st.integers(0, 65535))
def test_sixteen_bits_are_scaled_as_a_whole(most, other):
    data = bytes_of(Image.fromarray(np.array([[most, other]], dtype=np.uint16)), "png")
    assert grey(data)[0].tolist() == [round(most / 257), round(other / 257)]


def test_a_tiff_of_twelve_bits_says_so_itself():
    data = tiff(np.rint(RAMP * 4095).astype(int), 12)
    assert np.array_equal(grey(data), np.rint(np.rint(RAMP * 4095) * 255 / 4095).astype(int))


@pytest.mark.parametrize("most", [7, 1000, 4095])
def test_a_portable_grey_map_says_its_maximum_itself(most):
    pixels = np.rint(RAMP * most).astype(">u2" if most > 255 else np.uint8)
    data = f"P5 8 6 {most}\n".encode() + pixels.tobytes()
    assert np.abs(grey(data) - pixels.astype(float) * 255 / most).max() <= 1


def test_white_may_be_zero():
    values = np.rint(RAMP * 65535).astype(int)
    assert np.array_equal(grey(tiff(values, 16, photometric=0)), 255 - grey(tiff(values, 16)))


@pytest.mark.parametrize(("bits", "sample_format"), [(32, 1), (32, 2), (16, 2)])
def test_wide_and_signed_integers_have_no_range_of_their_own(bits, sample_format):
    data = tiff(np.rint(RAMP * 4000).astype(int), bits, sample_format)
    assert "have no fixed range (here 0 to 4000)" in refusal(data)
    assert np.abs(grey(data, (0, 4000)) - BITS).max() <= 1


def test_floats_take_a_range_that_is_given():
    data = bytes_of(Image.fromarray((RAMP * 3 - 1).astype(np.float32)), "tiff")
    assert "floating-point pixels have no fixed range (here -1 to 2)" in refusal(data)
    assert np.abs(grey(data, (-1, 2)) - BITS).max() <= 1
    assert np.array_equal(grey(data, (2, -1)), 255 - grey(data, (-1, 2)))
    nan = bytes_of(Image.fromarray(np.full((2, 2), np.nan, dtype=np.float32)), "tiff")
    assert "not finite" in refusal(nan, (0, 1))


@pytest.mark.parametrize("name", [".png", ".tiff"])
def test_sixteen_bit_colour_that_uses_few_is_refused(name):
    colour = np.dstack([RAMP, RAMP, RAMP])
    whole = cv2.imencode(name, np.rint(colour * 65535).astype(np.uint16))[1].tobytes()
    part = cv2.imencode(name, np.rint(colour * 4095).astype(np.uint16))[1].tobytes()
    assert np.abs(grey(whole) - BITS).max() <= 1
    assert "16-bit colour that uses 12 bits" in refusal(part)
    assert "save it with 8 bits" in refusal(part, (0, 4095))
    assert grey(part, (0, 65535)).max() == 15


def profile(red_is_blue=False, linear_grey=False):
    """A colour profile made from that of sRGB by renaming its parts."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if red_is_blue:
        made = made.replace(b"rXYZ", b"....").replace(b"bXYZ", b"rXYZ").replace(b"....", b"bXYZ")
    if linear_grey:
        made = made.replace(b"RGB ", b"GRAY", 1).replace(b"rTRC", b"kTRC", 1)
        curve = struct.unpack(">I", made[made.index(b"kTRC") + 4 :][:4])[0]
        made = made[: curve + 8] + struct.pack(">HHi", 0, 0, 2**16) + made[curve + 16 :]
    return made


@pytest.mark.parametrize("name", ["png", "jpeg", "tiff", "webp"])
@pytest.mark.parametrize("size", [None, (5, 4)])
def test_colours_are_brought_to_srgb(name, size):
    options = {"lossless": True} if name == "webp" else {}
    red = Image.new("RGB", (16, 16), (254, 0, 0))
    data = bytes_of(red, name, icc_profile=profile(red_is_blue=True), **options)
    image = decode_image(data, "it", size)
    assert np.abs(image.astype(int) - (0, 0, 254)).max() <= 3
    assert np.array_equal(image, convert_image(Image.open(io.BytesIO(data)), "it", size))


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_transparent_and_palette_pictures_have_profiles_too(mode):
    picture = Image.new("RGBA", (4, 4), (255, 0, 0, 255)).convert(mode)
    data = bytes_of(picture, "png", icc_profile=profile(red_is_blue=True))
    assert np.abs(decode_image(data, "it").astype(int) - (0, 0, 255)).max() <= 1


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_has_profiles_of_its_own(mode):
    values = {"L": 55, "LA": (55, 255)}[mode]
    data = bytes_of(Image.new(mode, (4, 4), values), "png", icc_profile=profile(linear_grey=True))
    assert np.abs(grey(data) - 128).max() <= 2  # a fifth of the light is half of the code


def inks(lightness):
    """A profile of four inks, by the lightness (0 to 1) of each way to print them or not: a table of 16."""
    ways = [(c, m, y, k) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)]
    nodes = bytes(n for way in ways for n in (round(255 * lightness(*way)), 128, 128))  # L*, a*, b*
    curve, same = bytes(range(256)), struct.pack(">9i", *(2**16, 0, 0, 0) * 2, 2**16)
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + same + 4 * curve + nodes + 3 * curve
    head = struct.pack(">4s4s4s4s12s4s", bytes.fromhex("02400000"), b"prtr", b"CMYK", b"Lab ", bytes(12), b"acsp")  # fmt: skip
    listed = struct.pack(">I4sII", 1, b"A2B0", 144, len(table))
    return struct.pack(">I4s", 144 + len(table), b"") + head.ljust(120, b"\0") + listed + table


@pytest.mark.parametrize("name", ["jpeg", "tiff"])
@pytest.mark.parametrize("size", [None, (5, 4)])
def test_four_inks_have_profiles_too(name, size):
    """As printers' pictures come; here cyan takes half of the lightness and says nothing of its hue."""
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    of_inks = inks(lambda c, m, y, k: (1 - c / 2) * (1 - k))
    data = bytes_of(cyan, name, icc_profile=of_inks)
    assert np.abs(grey(data) - 119).max() <= 1  # of sRGB at half the lightness
    image = decode_image(data, "it", size)
    assert np.array_equal(image, convert_image(Image.open(io.BytesIO(data)), "it", size))
    for plain in (bytes_of(cyan, name), bytes_of(cyan, name, icc_profile=of_inks[:150])):
        assert decode_image(plain, "it", size)[0, 0].tolist() == [0, 255, 255]
    colour = Image.new("RGB", (4, 4), (200, 30, 60))  # of which such a profile says nothing
    shown = decode_image(bytes_of(colour, "png", icc_profile=of_inks), "it")
    assert shown[0, 0].tolist() == [200, 30, 60]


@pytest.mark.parametrize(
    "damaged",
    [
        profile(red_is_blue=True)[:100],
        profile().replace(b"RGB ", b"CMYK", 1),
        profile(linear_grey=True),
        b"\0" * 200,
        b"x",
    ],
    ids=["short", "of inks", "of grey", "zeros", "a letter"],  # a profile holds the time
)
def test_a_profile_that_is_damaged_or_of_other_pixels_says_nothing(damaged):
    data = bytes_of(Image.new("RGB", (4, 4), (200, 30, 60)), "png", icc_profile=damaged)
    assert decode_image(data, "it")[0, 0].tolist() == [200, 30, 60]


def test_a_profile_that_unpacks_to_much_is_refused():
    whole = bytes_of(Image.new("RGB", (4, 4)), "png")
    content = b"name\0\0" + zlib.compress(bytes(200_000_000), 9)
    chunk = struct.pack(">I", len(content)) + b"iCCP" + content
    chunk += struct.pack(">I", zlib.crc32(b"iCCP" + content))
    bomb = whole[:33] + chunk + whole[33:]
    try:
        assert decode_image(bomb, "it").shape == (4, 4, 3)
    except ValueError as error:
        assert str(error).startswith("it: broken")  # noqa: PT017
