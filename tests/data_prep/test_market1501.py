import market1501
import numpy as np
import pytest

from tests.data_prep.trees import (
    MARKET,
    MARKET_FIELDS,
    MARKET_PICTURES,
    converted,
    refused,
    write_market,
)
from tests.data_prep.trees import market1501 as tree

SPLITS = {
    "bounding_box_train": ("train", "validation"),
    "bounding_box_test": ("test",),
    "query": ("test",),
}
MEANING = {"gender": ("male", "female"), "hair": ("short", "long"), "age": ("young", "teenager", "adult", "old"),
           "up": ("long", "short"), "hat": ("no", "yes")}  # fmt: skip


def meant(who, label):
    codes = {**MARKET["train"], **MARKET["test"]}[who]
    return MEANING[label][codes[MARKET_FIELDS.index(label)] - 1]


def test_every_picture_has_the_labels_of_its_person(tmp_path, capsys):
    frame = converted(market1501.main, tree(tmp_path / "market"))
    assert list(frame.columns) == ["path", "split", "hair", "gender", "identity"]
    somebody = [
        f"{f}/{n}"
        for f, names in MARKET_PICTURES.items()
        for n in names
        if n[:4] in MARKET["train"] | MARKET["test"]
    ]
    assert frame["path"].tolist() == somebody
    for row in frame.itertuples():
        folder, name = row.path.split("/")
        assert row.split in SPLITS[folder]
        assert row.identity == name[:4]
        assert (row.hair, row.gender) == (
            meant(row.identity, "hair"),
            meant(row.identity, "gender"),
        )
    told = capsys.readouterr().err
    assert "note: pictures left out, distractors: 2\n" in told
    assert "note: pictures left out, junk: 1\n" in told
    assert "note: pictures left out, persons without labels: 1\n" in told


def test_validation_persons_are_drawn_from_training(tmp_path):
    root = tree(tmp_path / "market")
    for share in ("0", "0.5", "0.9"):
        frame = converted(market1501.main, root, "--validation", share)
        persons = {split: set(rows["identity"]) for split, rows in frame.groupby("split")}
        assert not persons.get("train", set()) & persons.get("validation", set())
        assert persons["test"] == {"0001", "0003"}
    assert len(persons["train"]) == 1  # nine tenths of four persons, but no split is left empty
    assert set(converted(market1501.main, root, "--validation", "0")["split"]) == {"train", "test"}


def test_other_labels_mean_what_their_authors_say(tmp_path):
    root = tree(tmp_path / "market")
    frame = converted(market1501.main, root, "--also", "all")
    assert list(frame.columns[2:]) == ["hair", "gender", "age", "hat", "up", "identity"]
    for label in ("age", "hat", "up"):
        assert frame[label].tolist() == [meant(who, label) for who in frame["identity"]]
    assert list(
        converted(market1501.main, root, "--also", "hat", "--also", "hair").columns[2:-1]
    ) == [
        "hair",
        "gender",
        "hat",
    ]


def test_without_pictures_a_row_is_a_person(tmp_path, capsys):
    frame = converted(market1501.main, tree(tmp_path / "market", pictures=False))
    assert frame["identity"].tolist() == [*MARKET["train"], *MARKET["test"]]
    assert frame["path"].tolist()[0] == "bounding_box_train/0002"
    assert frame["hair"].tolist() == [meant(who, "hair") for who in frame["identity"]]
    assert "warning: no pictures under" in capsys.readouterr().err


def test_a_missing_folder_of_pictures_is_told(tmp_path, capsys):
    root = tree(tmp_path / "market")
    (root / "query/0001_c2s1_000301_00.jpg").unlink()
    (root / "query").rmdir()
    assert not converted(market1501.main, root)["path"].str.startswith("query").any()
    assert "warning: no folder query under" in capsys.readouterr().err


def test_a_label_of_one_part_only_is_unknown_in_the_other(tmp_path):
    root = write_market(
        tree(tmp_path / "market"),
        lambda part, f: {n: v for n, v in f.items() if (part, n) != ("test", "hat")},
    )
    frame = converted(market1501.main, root, "--also", "hat")
    assert (frame["hat"] == "").equals(frame["split"] == "test")


def test_missing_file_and_label(tmp_path, capsys):
    root = tree(tmp_path / "market")
    assert "unknown label 'hatt'; accepted: all, age, gender" in refused(
        market1501.main, root, capsys, "--also", "hatt"
    )
    assert "validation must be at least 0" in refused(
        market1501.main, root, capsys, "--validation", "1"
    )
    (root / "market_attribute.mat").rename(root / "market.mat")
    error = refused(market1501.main, root, capsys)
    assert "no market_attribute.mat here or in attribute/" in error
    assert "https://github.com/vana77/Market-1501_Attribute" in error
    (root / "attribute").mkdir()
    (root / "market.mat").rename(root / "attribute/market_attribute.mat")
    assert len(converted(market1501.main, root)) == 8


def replaced(name, value):
    return lambda part, fields: {**fields, name: value} if part == "test" else fields


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replaced("hair", np.array([[3, 1]], np.uint8)), "person 0001, market_attribute.test.hair: found 3, accepted: 1, 2"),
        (replaced("age", np.array([[5, 0]], np.uint8)), "person 0003, market_attribute.test.age: found 0, accepted: 1, 2, 3, 4"),
        (replaced("hair", np.array([[1]], np.uint8)), "market_attribute.test.hair: 1 values for 2 persons"),
        (lambda p, f: {n: v for n, v in f.items() if n != "gender"}, "market_attribute.train: no 'gender'"),
        (lambda p, f: {("Hair" if n == "hair" else n): v for n, v in f.items()}, "no 'hair'; did you mean 'Hair'?"),
        (lambda p, f: np.zeros(3), "market_attribute.train is not a struct"),
    ],
)  # fmt: skip
def test_malformed_structs(tmp_path, capsys, change, message):
    root = write_market(tree(tmp_path / "market"), change)
    error = refused(market1501.main, root, capsys)
    assert f"{root / 'market_attribute.mat'}:\n" in error
    assert message in error


def test_truncated_files(tmp_path, capsys):
    root = tree(tmp_path / "market")
    file = root / "market_attribute.mat"
    data = file.read_bytes()
    for length in [*range(0, len(data) - 8, 97), 4, 127, 128]:
        file.write_bytes(data[:length])
        assert str(file) in refused(market1501.main, root, capsys)


def test_empty_folders_of_pictures_are_as_good_as_none(tmp_path, capsys):
    root = tree(tmp_path / "market", pictures=False)
    (root / "bounding_box_train").mkdir()
    (root / "query").mkdir()
    assert converted(market1501.main, root)["identity"].tolist() == [
        *MARKET["train"],
        *MARKET["test"],
    ]
    assert "warning: no pictures under" in capsys.readouterr().err
