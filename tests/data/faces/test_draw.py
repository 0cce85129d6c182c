"""The renderer of the drawn faces is frozen."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from modular_cls.data.faces.cues import (
    draw_cues,
)
from modular_cls.data.faces.draw import draw_face
from modular_cls.data.faces.write import face_image, faces_schema
from modular_cls.data.manifest import SPLITS

THREE = faces_schema(medium=True, glasses=True)


@pytest.mark.parametrize("cue", ["rim", "tint"])
@pytest.mark.parametrize("seed", range(3))
def test_faint_glasses_change_the_picture_less(seed, cue):
    face = draw_cues({"hair": "long", "gender": "female"}, np.random.default_rng(seed))
    pictures = [
        draw_face(
            replace(face, glasses={"rim": 1e-9, "tint": 0.0, cue: value}),
            64,
            np.random.default_rng(0),
        )
        for value in (1e-9, 0.3, 0.6, 0.9)
    ]
    changed = [np.abs(picture.astype(float) - pictures[0]).mean() for picture in pictures]
    assert changed == sorted(set(changed))
    bare = draw_face(replace(face, glasses={"rim": 0.0, "tint": 0.0}), 64, np.random.default_rng(0))
    np.testing.assert_array_equal(pictures[0], bare)


def test_renderer_is_frozen():
    digest = hashlib.sha256()
    for split, number, interaction in (("train", 0, 0.0), ("test", 3, 1.0)):
        for joint_class in range(4):
            digest.update(face_image(split, joint_class, number, 0, 64, interaction).tobytes())
    assert digest.hexdigest() == "5c0ac857e906aa44af99a6610f83e0f78998723ce7a0f27efe2c6832a22971a2"


def test_renderer_of_three_attributes_is_frozen():
    digest = hashlib.sha256()
    for joint_class in range(12):
        digest.update(face_image("train", joint_class, joint_class, 0, 64, 0.5, THREE).tobytes())
    assert digest.hexdigest() == "60fc11713b3037323c7ae51b13a02f1df6e0c7f832dbbcf2b05d58cb7caf4dac"


def test_every_face_has_its_own_stream():
    faces = {
        face_image(split, z, number, seed, 32, 0.0).tobytes()
        for split in SPLITS for z in range(4) for number in range(2) for seed in range(2)
    }  # fmt: skip
    assert len(faces) == 3 * 4 * 2 * 2


@pytest.mark.parametrize("size", [16, 33, 64])
def test_size(size):
    image = face_image("train", 0, 0, 0, size, 0.0)
    assert image.shape == (size, size, 3)
    assert image.dtype == np.uint8
    assert image.std() > 10
