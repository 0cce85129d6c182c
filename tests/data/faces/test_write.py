"""The drawn faces as a folder with its manifest."""

from collections import Counter

import cv2
import numpy as np
import pytest

from modular_cls.cli import main
from modular_cls.data.faces.write import SCHEMA, face_image, faces_schema, write_faces
from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.errors import ConfigError, OutputExistsError

HAIR = ("short", "medium", "long")
GENDER = ("female", "male")
NO_YES = ("no", "yes")


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
