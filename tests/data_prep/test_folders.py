from collections import Counter

import folders
import pytest
from trees import converted, refused, write_pictures
from trees import folders as tree

TWO = ("--attributes", "hair", "gender")


def test_names_of_folders_are_split_into_values(tmp_path, capsys):
    frame = converted(folders.main, tree(tmp_path / "mine", each=10), *TWO)
    assert list(frame.columns) == ["path", "split", "hair", "gender"]
    for row in frame.itertuples():
        assert row.path.split("/")[0] == f"{row.hair}_{row.gender}"
    counts = Counter(zip(frame["hair"], frame["gender"], frame["split"], strict=True))
    assert len(frame) == 40
    assert all(
        counts[h, g, "test"] == 2 and counts[h, g, "validation"] == 1
        for h in ("long", "short")
        for g in ("female", "male")
    )
    assert capsys.readouterr().err == ""


def test_without_attributes_the_folder_is_the_class(tmp_path):
    frame = converted(folders.main, tree(tmp_path / "mine"))
    assert list(frame.columns) == ["path", "split", "class"]
    assert frame["class"].tolist() == [path.split("/")[0] for path in frame["path"]]


def test_another_separator(tmp_path):
    frame = converted(
        folders.main, tree(tmp_path / "mine", ["very_long-male", "short-female"]), *TWO, "--separator", "-"
    )
    assert set(zip(frame["hair"], frame["gender"], strict=True)) == {("very_long", "male"), ("short", "female")}


@pytest.mark.parametrize("validation", ["val", "valid", "Validation"])
def test_folders_of_splits(tmp_path, validation):
    frame = converted(folders.main, tree(tmp_path / "mine", splits=("train", validation, "test")), *TWO)
    meaning = {"train": "train", validation: "validation", "test": "test"}
    assert frame["split"].tolist() == [meaning[path.split("/")[0]] for path in frame["path"]]
    assert len(frame) == 60


def test_validation_is_drawn_from_train_where_it_has_no_folder(tmp_path):
    root = tree(tmp_path / "mine", splits=("train", "test"), each=10)
    frame = converted(folders.main, root, *TWO)
    part = frame["path"].str.split("/").str[0]
    assert Counter(zip(part, frame["split"], strict=True)) == {
        ("train", "train"): 36,
        ("train", "validation"): 4,
        ("test", "test"): 40,
    }
    assert "validation" not in set(converted(folders.main, root, *TWO, "--validation", "0")["split"])


def test_folders_within_folders_and_other_files(tmp_path, capsys):
    root = tree(tmp_path / "mine")
    names = ["a/b/1.JPG", "2.jpeg", "3.PNG", "4.webp", "5.bmp", "6.tif", "7.tiff", "8.gif"]
    write_pictures(root / "long_male", [*names, "notes.txt", "9.raw", ".hidden.jpg"])
    write_pictures(root, ["stray.png"])
    frame = converted(folders.main, root, *TWO)
    assert len(frame) == 20 + len(names)
    assert set(frame[frame["path"].str.contains("/a/b/")]["gender"]) == {"male"}
    told = capsys.readouterr().err
    assert "note: files that are no pictures, left out: 2\n" in told
    assert "warning: pictures in no folder of a class, left out: 1\n" in told


def test_a_name_that_has_no_parts_is_told_what_it_means(tmp_path):
    root = tree(tmp_path / "mine", ["long_female", "bald", "unclear"])
    frame = converted(folders.main, root, *TWO, "--class", "bald=short, male", "--class", "unclear=,")
    found = {
        path.split("/")[0]: (hair, gender)
        for path, hair, gender in zip(frame["path"], frame["hair"], frame["gender"], strict=True)
    }
    assert found == {"long_female": ("long", "female"), "bald": ("short", "male"), "unclear": ("", "")}


@pytest.mark.parametrize(
    ("classes", "arguments", "message"),
    [
        (["long_male", "bald"], TWO, "folder 'bald': accepted: 2 parts (hair_gender), or --class NAME=hair,gender"),
        (["long_male", "long_"], TWO, "folder 'long_': accepted: 2 parts"),
        (["long_male", "short_male_old"], TWO, "folder 'short_male_old': accepted: 2 parts"),
        (["long_male", "short_female"], (*TWO, "--class", "long_mael=a,b"), "no such folder; did you mean 'long_male'?"),
        (["long_male", "short_female"], (*TWO, "--class", "long_male=a"), "--class long_male: found 1 values, accepted: one each of hair, gender"),
        (["long_male", "short_male"], TWO, "attribute 'gender' has fewer than 2 values: ['male']"),
        (["long_male", "train"], TWO, "folders of splits (train) stand beside others (long_male)"),
        (["long_male", "short_female"], ("--attributes", "a", "a"), "attributes must differ"),
        (["long_male", "short_female"], (*TWO, "--separator", ""), "the separator not be empty"),
        (["long_male", "short_female"], ("--attributes", "path", "b"), "'path'"),
        (["long_male", "short_female"], (*TWO, "--shares", "0", "0", "0"), "shares must not be negative, and not all 0"),
    ],
)  # fmt: skip
def test_what_does_not_fit(tmp_path, capsys, classes, arguments, message):
    assert message in refused(folders.main, tree(tmp_path / "mine", classes), capsys, *arguments)


def test_no_pictures(tmp_path, capsys):
    assert "no such folder" in refused(folders.main, tmp_path / "none", capsys)
    write_pictures(tmp_path / "mine", ["1.jpg", "2.jpg"])
    assert "no pictures in folders of classes" in refused(folders.main, tmp_path / "mine", capsys)
    with pytest.raises(SystemExit):
        folders.main([str(tmp_path / "mine"), "--out", str(tmp_path / "m.csv"), "--class", "bald"])
