import hashlib
import itertools
from collections import Counter
from dataclasses import replace
from statistics import NormalDist

import cv2
import numpy as np
import pytest

from modular_cls.cli import main
from modular_cls.data.faces.cues import (
    BEARDED,
    GENDER_CUES,
    HAIR_CUES,
    INTERACTION,
    NUISANCES,
    RIM,
    TINT,
    WEARS_GLASSES,
    draw_cues,
)
from modular_cls.data.faces.draw import draw_face
from modular_cls.data.faces.write import SCHEMA, face_image, faces_schema, write_faces
from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.errors import ConfigError, OutputExistsError

DRAWS = 3000  # per joint class; a mean is known to 0.02, a correlation to 0.02
FAR = 0.12
HAIR = ("short", "medium", "long")
GENDER = ("female", "male")
NO_YES = ("no", "yes")
THREE = faces_schema(medium=True, glasses=True)
STRENGTHS = (("hair", HAIR_CUES), ("gender", GENDER_CUES))


@pytest.fixture(scope="module", params=[0.0, 1.0])
def cues(request):
    """The interaction, and by (hair, gender) the cues as arrays of shape (DRAWS, cues)."""
    rng = np.random.default_rng(0)
    drawn = {}
    for hair, gender in itertools.product(HAIR, GENDER):
        faces = [
            draw_cues({"hair": hair, "gender": gender}, rng, request.param) for _ in range(DRAWS)
        ]
        drawn[hair, gender] = {
            k: np.array([list(getattr(f, k).values()) for f in faces])
            for k in ("hair", "gender", "nuisance", "glasses")
        }
    return request.param, drawn


def test_the_constants_are_frozen():
    assert HAIR_CUES == {"length": 2.6, "volume": 0.8, "fringe": 0.5, "wave": 0.7, "front": 0.6}
    assert GENDER_CUES == {
        "jaw": 1.1, "chin": 0.6, "brow_weight": 1.1, "brow_height": -0.8, "lip_fullness": -0.9,
        "lip_colour": -1.1, "lashes": -1.0, "neck": 1.0, "shoulders": 1.1,
    }  # fmt: skip
    assert (BEARDED, INTERACTION, len(NUISANCES)) == (0.45, 0.45, 37)
    assert (WEARS_GLASSES, RIM, TINT) == (0.2, (0.3, 1.7), (0.0, 0.5))


def test_within_a_class_hair_and_gender_are_uncorrelated(cues):
    for (_, gender), drawn in cues[1].items():
        values = (
            drawn["gender"] if gender == "male" else drawn["gender"][:, :-1]
        )  # no woman has a beard
        both = np.corrcoef(drawn["hair"], values, rowvar=False)
        n = drawn["hair"].shape[1]
        assert np.abs(both[:n, n:]).max() < FAR


def test_interaction_moves_the_means_of_the_other_cues(cues):
    """Each label weakens the other's cues where both have one sense; medium hair has none and is not moved."""
    interaction, drawn = cues
    for kind, strengths in STRENGTHS:
        mean = {cell: values[kind].mean(axis=0)[: len(strengths)] for cell, values in drawn.items()}
        for own in HAIR if kind == "hair" else GENDER:
            minus, plus = (
                [mean[own, g] for g in GENDER]
                if kind == "hair"
                else [mean[h, own] for h in HAIR[::2]]
            )
            moved = (plus - minus) * np.sign(list(strengths.values()))
            if interaction == 0 or own == "medium":
                assert np.abs(moved).max() < FAR
            else:
                assert (moved * (-1 if own in ("long", "male") else 1) > 0.25).all()
    for gender in GENDER:  # what medium hair does to the cues of gender is what no coupling does
        between = (drawn["short", gender]["gender"] + drawn["long", gender]["gender"]).mean(
            axis=0
        ) / 2
        assert np.abs(drawn["medium", gender]["gender"].mean(axis=0) - between).max() < FAR


def test_labels_move_their_own_cues(cues):
    _, drawn = cues
    for kind, strengths, minus, plus in (
        ("hair", HAIR_CUES, ("short", "female"), ("long", "female")),
        ("gender", GENDER_CUES, ("short", "female"), ("short", "male")),
    ):
        moved = (drawn[plus][kind] - drawn[minus][kind]).mean(axis=0)[: len(strengths)]
        assert (moved * np.sign(list(strengths.values())) > 0.5).all()


def test_medium_hair_is_half_way_and_no_single_cue_settles_it(cues):
    for gender in GENDER:
        short, medium, long = (cues[1][hair, gender]["hair"] for hair in HAIR)
        half_way = (short.mean(axis=0) + long.mean(axis=0)) / 2
        assert np.abs(medium.mean(axis=0) - half_way).max() < FAR
        for other in (short, long):
            # The errors of the best threshold on one cue, for two normal distributions of spread 1.
            apart = np.abs(medium.mean(axis=0) - other.mean(axis=0))
            errors = [NormalDist().cdf(-d / 2) for d in apart]
            assert min(errors) > 0.025 if cues[0] else min(errors) > 0.08


def test_nuisances_know_no_label(cues):
    for drawn in cues[1].values():
        assert np.abs(drawn["nuisance"].mean(axis=0) - 0.5).max() < 0.03
        assert (drawn["nuisance"] >= 0).all()
        assert (drawn["nuisance"] < 1).all()


def test_only_men_have_beards(cues):
    for (_, gender), drawn in cues[1].items():
        share = (drawn["gender"][:, -1] > 0).mean()
        assert abs(share - (BEARDED if gender == "male" else 0)) < 0.05 * (gender == "male") + 1e-9


def test_glasses_that_are_no_attribute_are_worn_by_every_fifth_face(cues):
    for drawn in cues[1].values():
        rim, tint = drawn["glasses"].T
        assert set(rim) == {0.0, 1.0}
        assert abs(rim.mean() - WEARS_GLASSES) < 0.03
        assert not tint.any()


def test_a_label_of_glasses_decides_glasses_and_nothing_else():
    worn = []
    for seed in range(500):
        labels = {"hair": HAIR[seed % 3], "gender": GENDER[seed % 2]}
        plain = draw_cues(labels, np.random.default_rng(seed))
        for label in ("no", "yes"):
            face = draw_cues(labels | {"glasses": label}, np.random.default_rng(seed))
            assert replace(face, glasses=plain.glasses) == plain
            assert (face.glasses["rim"] > 0) == (label == "yes")
        worn.append(
            (*face.glasses.values(), *face.hair.values(), *(face.gender[k] for k in GENDER_CUES))
        )
    for (low, high), drawn in zip((RIM, TINT), np.array(worn).T, strict=False):
        assert low <= drawn.min() < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < drawn.max() <= high
    related = np.corrcoef(np.array(worn), rowvar=False)[:2] - np.eye(2, len(worn[0]))
    assert np.abs(related).max() < 4 / np.sqrt(len(worn))


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


def test_same_seed_same_bytes_other_seed_others(faces_dir, tmp_path):
    written = {seed: tmp_path / str(seed) for seed in (0, 1)}
    for seed, folder in written.items():
        write_faces(folder, per_class=1, seed=seed, processes=1)
    pictures = sorted(p.relative_to(written[0]) for p in written[0].rglob("*.png"))
    assert len(pictures) == 4 * 3
    for picture in pictures:
        same = (written[0] / picture).read_bytes()
        assert same == (faces_dir / picture).read_bytes()
        assert same != (written[1] / picture).read_bytes()
    assert (written[0] / "manifest.csv").read_bytes() == (written[1] / "manifest.csv").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0", "1"]


def test_manifest_is_balanced_and_true(faces_dir):
    manifest = Manifest.read(faces_dir / "manifest.csv", SCHEMA)
    composite = SCHEMA.composites[0]
    for split, count in (("train", 24), ("validation", 4), ("test", 6)):
        assert manifest.split(split).counts(composite).tolist() == [count] * 4
    on_disk = Counter(str(p.relative_to(faces_dir)) for p in faces_dir.rglob("*.png"))
    assert on_disk == Counter(manifest.paths)
    for path, target, split in zip(
        manifest.paths, manifest.targets(composite), manifest.splits, strict=True
    ):
        folder, name = path.split("/")
        assert folder == SPLITS[split]
        assert name.rsplit("_", 1)[0] == composite.class_names[target]


@pytest.mark.parametrize(
    ("flag", "values"), [("--medium", (HAIR, GENDER)), ("--glasses", (HAIR[::2], GENDER, NO_YES))]
)
def test_a_flag_adds_a_value_or_an_attribute(tmp_path, flag, values):
    schema = faces_schema(medium=flag == "--medium", glasses=flag == "--glasses")
    (joint,) = schema.composites
    assert tuple(a.values for a in schema.attributes) == values
    assert joint.attributes == schema.attributes
    assert (
        main(["faces", "--out", str(tmp_path / "f"), "--per-class", "2", "--size", "16", flag]) == 0
    )
    manifest = Manifest.read(tmp_path / "f" / "manifest.csv", schema)
    for split in SPLITS:
        assert (
            manifest.split(split).counts(joint).tolist()
            == [2 if split == "train" else 1] * joint.size
        )
    for path, target in zip(manifest.paths, manifest.targets(joint), strict=True):
        split, name = path.split("/")
        class_name, number = name.removesuffix(".png").rsplit("_", 1)
        assert class_name == "_".join(values[i][v] for i, v in enumerate(joint.cells[target]))
        stored = cv2.imread(str(tmp_path / "f" / path))[..., ::-1]
        np.testing.assert_array_equal(
            stored, face_image(split, int(target), int(number), 0, 16, 0.0, schema)
        )


@pytest.mark.parametrize(
    ("split", "joint_class", "number"), [("train", 0, 23), ("validation", 2, 3), ("test", 3, 0)]
)
def test_files_hold_the_faces(faces_dir, split, joint_class, number):
    name = SCHEMA.composites[0].class_names[joint_class]
    stored = cv2.imread(str(faces_dir / f"{split}/{name}_{number:05d}.png"))[..., ::-1]
    np.testing.assert_array_equal(stored, face_image(split, joint_class, number, 0, 64, 0.0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_class": 0},
        {"size": 15},
        {"interaction": -0.1},
        {"interaction": 1.1},
        {"interaction": float("nan")},
        {"seed": -1},
    ],
)
def test_bad_arguments(tmp_path, wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ConfigError, match=f"{name} {value}"):
        write_faces(tmp_path / "out", **wrong)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_set_is_kept(faces_dir):
    before = (faces_dir / "manifest.csv").read_bytes()
    with pytest.raises(OutputExistsError, match="--overwrite"):
        write_faces(faces_dir, per_class=1)
    assert (faces_dir / "manifest.csv").read_bytes() == before
