from collections import defaultdict

import numpy as np
import peta
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data_prep.trees import (
    PETA,
    PETA_LABELS,
    PETA_PARTITIONS,
    cells,
    converted,
    refused,
    write_peta,
)
from tests.data_prep.trees import peta as tree

HAIR = [
    "long",
    "long",
    "short",
    "",
    "",
    "long",
    "short",
    "long",
]  # neither long nor short, or both: unknown
GENDER = ["female", "female", "male", "male", "female", "", "", "male"]


def test_labels_persons_and_sources(tmp_path, capsys):
    frame = converted(peta.main, tree(tmp_path / "peta"))
    assert list(frame.columns) == ["path", "split", "hair", "gender", "source", "identity"]
    assert frame["path"].tolist() == [f"images/{i:05d}.png" for i in range(1, 9)]
    assert frame["hair"].tolist() == HAIR
    assert frame["gender"].tolist() == GENDER
    assert frame["identity"].tolist() == [str(row[0]) for row in PETA]
    assert frame["source"].tolist() == [str(row[1]) for row in PETA]
    assert "missing" not in capsys.readouterr().err


def test_without_female_gender_is_male_or_not(tmp_path):
    root = tree(tmp_path / "peta")
    write_peta(
        root, labels=[name.replace("personalFemale", "carryingFolder") for name in PETA_LABELS]
    )
    assert converted(peta.main, root)["gender"].tolist() == [
        ("female", "male")[row[4]] for row in PETA
    ]


def test_other_labels(tmp_path):
    root = tree(tmp_path / "peta")
    frame = converted(peta.main, root, "--also", "all")
    assert list(frame.columns) == [
        "path",
        "split",
        "hair",
        "gender",
        "upperBodyRed",
        "source",
        "identity",
    ]
    assert frame["upperBodyRed"].tolist() == [("no", "yes")[row[6]] for row in PETA]
    assert converted(peta.main, root, "--also", "hairLong")["hairLong"].tolist() == [
        ("no", "yes")[row[2]] for row in PETA
    ]


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(0, 31)), min_size=2, max_size=60),
    st.integers(0, 5),
)
def test_persons_are_never_divided(tmp_path_factory, pictures, seed):
    root = tmp_path_factory.mktemp("peta") / "peta"
    root.mkdir()
    write_peta(root, [(person, 1, *(bits >> k & 1 for k in range(5))) for person, bits in pictures])
    splits = defaultdict(set)
    for row in converted(peta.main, root, "--seed", str(seed)).itertuples():
        splits[row.identity].add(row.split)
    assert all(len(found) == 1 for found in splits.values())


def test_shares_are_those_of_the_official_splits(tmp_path):
    root = tmp_path / "peta"
    root.mkdir()
    write_peta(root, [(person, 1, 1, 1, 0, 0, person % 2) for person in range(200)])
    counts = converted(peta.main, root)["split"].value_counts()
    assert counts.to_dict() == {"train": 100, "validation": 20, "test": 80}


@pytest.mark.parametrize("partition", [0, 1])
def test_official_splits_count_from_one(tmp_path, capsys, partition):
    frame = converted(
        peta.main, tree(tmp_path / "peta"), "--split", "official", "--partition", str(partition)
    )
    told = capsys.readouterr().err
    for name, split in (("train", "train"), ("val", "validation"), ("test", "test")):
        numbers = frame.index[frame["split"] == split] + 1
        assert numbers.tolist() == sorted(PETA_PARTITIONS[partition][name])
    leak = "warning: persons in several splits: 1;" in told  # person 11, pictures 1 and 2
    assert leak == (partition == 0)


def test_pictures_of_no_or_several_splits(tmp_path, capsys):
    root = tree(tmp_path / "peta")
    write_peta(root, partitions=[{"train": (1, 3, 4), "val": (6,), "test": (6, 7)}])
    frame = converted(peta.main, root, "--split", "official")
    assert dict(zip(frame["path"].str[10:12], frame["split"], strict=True)) == {
        "01": "train", "03": "train", "04": "train", "06": "test", "07": "test"
    }  # fmt: skip
    assert frame["hair"].tolist() == [HAIR[i] for i in (0, 2, 3, 5, 6)]
    told = capsys.readouterr().err
    assert "in no split of this partition: 3" in told
    assert "in several splits of this partition, of which the last counts: 1\n" in told


def test_annotations_only(tmp_path, capsys):
    assert len(converted(peta.main, tree(tmp_path / "peta", pictures=False))) == len(PETA)
    assert "warning: 8 of 8 pictures are missing" in capsys.readouterr().err


def test_missing_file_label_and_partition(tmp_path, capsys):
    root = tree(tmp_path / "peta")
    assert "did you mean 'hairLong'?" in refused(peta.main, root, capsys, "--also", "hairlong")
    assert "partition is 2; PETA.mat has those from 0 to 1" in refused(
        peta.main, root, capsys, "--split", "official", "--partition", "2"
    )
    (root / "PETA.mat").unlink()
    error = refused(peta.main, root, capsys)
    assert "no PETA.mat here; download" in error
    assert "http://mmlab.ie.cuhk.edu.hk/projects/PETA.html" in error


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": None}, "peta: no 'data'"),
        ({"partion_attribute": None, "partition_attribute": 1}, "no 'partion_attribute'; did you mean 'partition_attribute'?"),
        ({"data": np.ones((8, 8), np.uint16)}, "accepted: numbers (pictures, 9): 4 numbers and 5 labels"),
        ({"data": np.full((2, 9), 2, np.uint16)}, "peta.data row 1, hairLong: found 2, accepted: 0, 1"),
        ({"data": "text"}, "peta.data: found"),
        ({"data": np.ones((2, 9), np.uint16)}, "picture 'images/00001.png' is there twice"),
        ({"labels": [n.replace("hairLong", "hairLang") for n in PETA_LABELS]}, "no label 'hairLong'; did you mean 'hairLang'?"),
        ({"partitions": [{"train": (1, 9), "val": (2,), "test": (0,)}]}, "peta.partion_attribute{1}.train: found 9, accepted: 1 to 8"),
        ({"partitions": [{"train": (1,), "val": (2,)}]}, "peta.partion_attribute{1}: no 'test'"),
        ({"partion_attribute": cells([np.zeros((1, 2))])}, "peta.partion_attribute{1} is not a struct"),
    ],
)  # fmt: skip
def test_malformed_structs(tmp_path, capsys, change, message):
    root = write_peta(tree(tmp_path / "peta"), **change)
    split = () if "twice" in message else ("--split", "official")
    assert message in refused(peta.main, root, capsys, *split)


def test_truncated_files(tmp_path, capsys):
    root = tree(tmp_path / "peta")
    data = (root / "PETA.mat").read_bytes()
    for length in range(0, len(data) - 8, 211):
        (root / "PETA.mat").write_bytes(data[:length])
        assert str(root / "PETA.mat") in refused(peta.main, root, capsys)
