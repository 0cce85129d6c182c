import hashlib
from collections import Counter

import cv2
import numpy as np
import pytest

from modular_cls.data.faces import SCHEMA, write_faces
from modular_cls.data.faces.cues import BEARDED, GENDER_CUES, HAIR_CUES, INTERACTION, NUISANCES, draw_cues
from modular_cls.data.faces.write import face_image
from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.errors import ConfigError, OutputExistsError

DRAWS = 3000  # per joint class; a mean is known to 0.02, a correlation to 0.02
FAR = 0.12


@pytest.fixture(scope="module", params=[0.0, 1.0])
def cues(request):
    """The interaction, and by (long, male) the cues as arrays of shape (DRAWS, cues)."""
    rng = np.random.default_rng(0)
    drawn = {}
    for cell in ((long, male) for long in (False, True) for male in (False, True)):
        faces = [draw_cues(*cell, rng, request.param) for _ in range(DRAWS)]
        drawn[cell] = {
            k: np.array([list(getattr(f, k).values()) for f in faces]) for k in ("hair", "gender", "nuisance")
        }
    return request.param, drawn


def test_the_constants_are_frozen():
    assert HAIR_CUES == {"length": 2.6, "volume": 0.8, "fringe": 0.5, "wave": 0.7, "front": 0.6}
    assert GENDER_CUES == {
        "jaw": 1.1, "chin": 0.6, "brow_weight": 1.1, "brow_height": -0.8, "lip_fullness": -0.9,
        "lip_colour": -1.1, "lashes": -1.0, "neck": 1.0, "shoulders": 1.1,
    }  # fmt: skip
    assert (BEARDED, INTERACTION, len(NUISANCES)) == (0.45, 0.45, 37)


def test_within_a_class_hair_and_gender_are_uncorrelated(cues):
    for cell, drawn in cues[1].items():
        gender = drawn["gender"] if cell[1] else drawn["gender"][:, :-1]  # no woman has a beard
        both = np.corrcoef(drawn["hair"], gender, rowvar=False)
        n = drawn["hair"].shape[1]
        assert np.abs(both[:n, n:]).max() < FAR


def test_interaction_moves_the_means_of_the_other_cues(cues):
    interaction, drawn = cues
    for kind, strengths in (("hair", HAIR_CUES), ("gender", GENDER_CUES)):
        mean = {cell: values[kind].mean(axis=0)[: len(strengths)] for cell, values in drawn.items()}
        for own in (False, True):
            if kind == "hair":
                plus, minus = mean[own, True], mean[own, False]
            else:
                plus, minus = mean[True, own], mean[False, own]
            moved = (plus - minus) * np.sign(list(strengths.values()))
            if interaction == 0:
                assert np.abs(moved).max() < FAR
            else:
                assert (moved * (-1 if own else 1) > 0.25).all()


def test_labels_move_their_own_cues(cues):
    _, drawn = cues
    for kind, strengths, minus, plus in (
        ("hair", HAIR_CUES, (False, False), (True, False)),
        ("gender", GENDER_CUES, (False, False), (False, True)),
    ):
        moved = (drawn[plus][kind] - drawn[minus][kind]).mean(axis=0)[: len(strengths)]
        assert (moved * np.sign(list(strengths.values())) > 0.5).all()


def test_nuisances_know_no_label(cues):
    for drawn in cues[1].values():
        assert np.abs(drawn["nuisance"].mean(axis=0) - 0.5).max() < 0.03
        assert (drawn["nuisance"] >= 0).all()
        assert (drawn["nuisance"] < 1).all()


def test_only_men_have_beards(cues):
    for (_, male), drawn in cues[1].items():
        share = (drawn["gender"][:, -1] > 0).mean()
        assert abs(share - (BEARDED if male else 0)) < 0.05 * male + 1e-9


def test_renderer_is_frozen():
    digest = hashlib.sha256()
    for split, number, interaction in (("train", 0, 0.0), ("test", 3, 1.0)):
        for joint_class in range(4):
            digest.update(face_image(split, joint_class, number, 0, 64, interaction).tobytes())
    assert digest.hexdigest() == "5c0ac857e906aa44af99a6610f83e0f78998723ce7a0f27efe2c6832a22971a2"


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
    for path, target, split in zip(manifest.paths, manifest.targets(composite), manifest.splits, strict=True):
        folder, name = path.split("/")
        assert folder == SPLITS[split]
        assert name.rsplit("_", 1)[0] == composite.class_names[target]


@pytest.mark.parametrize(("split", "joint_class", "number"), [("train", 0, 23), ("validation", 2, 3), ("test", 3, 0)])
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
