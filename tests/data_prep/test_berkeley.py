import berkeley
import pytest

from tests.data_prep.trees import BERKELEY, BERKELEY_LABELS, berkeley_lines, converted, refused
from tests.data_prep.trees import berkeley as tree

ROWS = [
    (part, i, box, labels)
    for part, rows in BERKELEY.items()
    for i, (box, labels) in enumerate(rows, 1)
]
HAIR, GENDER = {1: "long", 0: "", -1: "short"}, {1: "male", 0: "", -1: "female"}


def test_labels_boxes_and_splits(tmp_path, capsys):
    frame = converted(berkeley.main, tree(tmp_path / "berkeley"))
    assert list(frame.columns) == ["path", "split", "hair", "gender", "box"]
    assert frame["path"].tolist() == [f"{part}/{i:05d}.jpg" for part, i, _, _ in ROWS]
    assert frame["hair"].tolist() == [HAIR[labels[1]] for *_, labels in ROWS]
    assert frame["gender"].tolist() == [GENDER[labels[0]] for *_, labels in ROWS]
    assert frame["box"].tolist() == ["10 20 30.5 40", "", "-3 0 50 80", "1.25 2 3 4", "", "5 6 7 8"]
    assert set(frame["split"][frame["path"].str.startswith("train")]) <= {"train", "validation"}
    assert set(frame["split"][frame["path"].str.startswith("test")]) == {"test"}
    told = capsys.readouterr().err
    assert "note: boxes that are NaN or empty, left blank for the whole picture: 2\n" in told
    assert "missing" not in told


def test_other_labels(tmp_path, capsys):
    root = tree(tmp_path / "berkeley")
    meaning = {1: "yes", 0: "", -1: "no"}
    frame = converted(berkeley.main, root, "--also", "all")
    assert list(frame.columns[4:-1]) == list(BERKELEY_LABELS[2:])
    for i, name in enumerate(BERKELEY_LABELS[2:], 2):
        assert frame[name].tolist() == [meaning[labels[i]] for *_, labels in ROWS]
    assert "did you mean 'has_hat'?" in refused(berkeley.main, root, capsys, "--also", "has_hats")


def test_one_part_alone_is_drawn_or_given_a_split(tmp_path):
    root = tree(tmp_path / "berkeley", parts=("train",))
    lines = "".join(
        line.replace("0000", f"{k}000", 1) for k in range(25) for line in berkeley_lines("train")
    )
    (root / "train/labels.txt").write_text(lines)
    counts = converted(berkeley.main, root)["split"].value_counts().to_dict()
    assert counts == {"train": 70, "validation": 10, "test": 20}
    frame = converted(berkeley.main, root, "--split", "test")
    assert set(frame["split"]) == {"test"}
    assert frame["path"][0] == "train/00001.jpg"


@pytest.mark.parametrize("place", ["", "attributes_dataset"])
def test_a_single_file_of_labels(tmp_path, capsys, place):
    root = tree(tmp_path / "other", parts=("train",)).parent / "berkeley"
    (root / place).parent.mkdir(exist_ok=True)
    (tmp_path / "other/train").rename(root / place)
    frame = converted(berkeley.main, root)
    assert frame["path"].tolist() == [f"{place}/{i:05d}.jpg".lstrip("/") for i in range(1, 5)]
    assert "missing" not in capsys.readouterr().err


def test_parts_in_the_folder_of_the_archive(tmp_path, capsys):
    tree(tmp_path / "berkeley" / "attributes_dataset")
    frame = converted(berkeley.main, tmp_path / "berkeley")
    assert frame["path"].tolist() == [
        f"attributes_dataset/{part}/{i:05d}.jpg" for part, i, _, _ in ROWS
    ]
    assert "missing" not in capsys.readouterr().err


def test_annotations_only(tmp_path, capsys):
    assert len(converted(berkeley.main, tree(tmp_path / "berkeley", pictures=False))) == len(ROWS)
    assert "warning: 6 of 6 pictures are missing" in capsys.readouterr().err


def test_several_people_in_one_picture_stay_in_one_split(tmp_path, capsys):
    root = tree(tmp_path / "berkeley", parts=("train",))
    line = "{:05d}.jpg {} 0 9 9" + " 1" * 9 + "\n"
    (root / "train/labels.txt").write_text("".join(line.format(i // 2, i) for i in range(60)))
    frame = converted(berkeley.main, root)
    assert (frame.groupby("path")["split"].nunique() == 1).all()
    assert set(frame["split"]) == {"train", "validation", "test"}
    (root / "train/labels.txt").write_text(line.format(1, 1) * 2)
    assert "picture 'train/00001.jpg' is there twice" in refused(berkeley.main, root, capsys)


def test_missing_files_and_splits(tmp_path, capsys):
    root = tree(tmp_path / "berkeley")
    assert "has train/ and test/, which tell the split" in refused(
        berkeley.main, root, capsys, "--split", "test"
    )
    (tmp_path / "empty").mkdir()
    error = refused(berkeley.main, tmp_path / "empty", capsys)
    assert (
        "no labels.txt here, in train/ and test/, or in attributes_dataset/; download attributes_dataset.tgz"
        in error
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("00003.jpg", "00003.jpg 1", "line 3: found 15 fields, accepted: 14"),
        ("00003.jpg", "", "line 3: found 13 fields, accepted: 14"),
        ("30.5", "wide", "line 1, width: found 'wide', accepted: a number"),
        (" -1  0  0  1", "  2  0  0  1", "line 1, has_long_hair: found 2, accepted: -1, 0, 1"),
        (" -1  0  0  1", " NaN  0  0  1", "line 1, has_long_hair: found nan, accepted: -1, 0, 1"),
    ],
)
def test_malformed_lines(tmp_path, capsys, old, new, message):
    root = tree(tmp_path / "berkeley")
    file = root / "train/labels.txt"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    assert f"{file}:\n  {message}" in refused(berkeley.main, root, capsys)


def test_a_validation_part_is_the_validation_split(tmp_path):
    root = tree(tmp_path / "berkeley")
    (root / "val").mkdir()
    (root / "val" / "labels.txt").write_text((root / "test" / "labels.txt").read_text())
    frame = converted(berkeley.main, root)
    part = frame["path"].str.split("/").str[0]
    assert (frame["split"] == part.replace("val", "validation")).all()
    assert set(part) == {"train", "val", "test"}
