from collections import Counter

import folders
import pytest

from tests.data_prep.trees import converted, refused, write_pictures
from tests.data_prep.trees import folders as tree

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
        folders.main,
        tree(tmp_path / "mine", ["very_long-male", "short-female"]),
        *TWO,
        "--separator",
        "-",
    )
    assert set(zip(frame["hair"], frame["gender"], strict=True)) == {
        ("very_long", "male"),
        ("short", "female"),
    }


@pytest.mark.parametrize("validation", ["val", "valid", "Validation"])
def test_folders_of_splits(tmp_path, validation):
    frame = converted(
        folders.main, tree(tmp_path / "mine", splits=("train", validation, "test")), *TWO
    )
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
    assert "validation" not in set(
        converted(folders.main, root, *TWO, "--validation", "0")["split"]
    )


def test_folders_within_folders_and_other_files(tmp_path, capsys):
    root = tree(tmp_path / "mine")
    names = ["a/b/1.JPG", "2.jpeg", "3.PNG", "4.webp", "5.bmp", "6.tif", "7.tiff", "8.gif"]
    write_pictures(root / "long_male", [*names, "notes.txt", "9.raw", ".hidden.jpg"])
    write_pictures(root, ["stray.png"])
    error = refused(folders.main, root, capsys, *TWO)
    assert "folders below long_male: a/b are not read" in error
    frame = converted(folders.main, root, *TWO, "--levels", "1")
    assert len(frame) == 20 + len(names)
    assert set(frame[frame["path"].str.contains("/a/b/")]["gender"]) == {"male"}
    told = capsys.readouterr().err
    assert "note: files that are no pictures, left out: 2\n" in told
    assert "warning: pictures in no folder of a class, left out: 1 (stray.png)\n" in told
    assert "note: pictures in folders below the classes, taken with them: 1\n" in told


def nested(root, splits=("",), inside=""):
    for split in splits:
        for hair in ("long", "short"):
            for gender in ("female", "male"):
                write_pictures(
                    root / split / hair / gender / inside, [f"{i}.jpg" for i in range(10)]
                )
    return root


@pytest.mark.parametrize("arguments", [TWO, (*TWO, "--separator", "/"), (*TWO, "--levels", "2")])
def test_each_level_of_folders_is_an_attribute(tmp_path, capsys, arguments):
    frame = converted(folders.main, nested(tmp_path / "mine"), *arguments)
    for row in frame.itertuples():
        assert row.path.split("/")[:2] == [row.hair, row.gender]
    assert frame["split"].value_counts().to_dict() == {"train": 28, "validation": 4, "test": 8}
    assert "note: each level of folders is read as one attribute\n" in capsys.readouterr().err


def test_the_split_may_be_any_level_of_folders(tmp_path):
    first = converted(folders.main, nested(tmp_path / "a", ("train", "dev", "test")), *TWO)
    root = tmp_path / "b"
    for part in ("train", "test"):
        nested(root, inside=part)
    last = converted(folders.main, root, *TWO, "--validation", "0")
    for frame, level, names in ((first, 0, {"dev": "validation"}), (last, 2, {})):
        parts = frame["path"].str.split("/").str[level]
        assert frame["split"].tolist() == [names.get(part, part) for part in parts]
        assert set(frame["hair"]) == {"long", "short"}


@pytest.mark.parametrize("arguments", [(), ("--attributes", "a", "b", "c")])
def test_lower_levels_are_not_dropped_silently(tmp_path, capsys, arguments):
    root = nested(tmp_path / "mine", inside="deep/er" if arguments else "")
    error = refused(folders.main, root, capsys, *arguments)
    assert "below long" in error
    assert "are not read" in error


def test_levels_that_may_be_parts_as_well_are_asked_for(tmp_path, capsys):
    root = tmp_path / "mine"
    for name in ("long_male", "short_female"):
        for camera in "12":
            write_pictures(root / name / f"camera{camera}", ["1.jpg", "2.jpg"])
    assert "--levels 1 reads the parts, --levels 2" in refused(folders.main, root, capsys, *TWO)
    assert "--levels must be 1 or 2" in refused(folders.main, root, capsys, *TWO, "--levels", "3")
    frame = converted(folders.main, root, *TWO, "--levels", "1")
    assert set(frame["hair"]) == {"long", "short"}


def test_names_that_look_alike_and_words_for_unknown(tmp_path, capsys):
    root = tree(tmp_path / "mine", ["Long_male", "long_female", "short_male"])
    error = refused(folders.main, root, capsys, *TWO)
    assert "'Long' (5 rows, the first is folder Long_male) and 'long'" in error
    assert "--value" not in error
    root = tree(tmp_path / "other", ["long_male", "long_unknown", "short_female"])
    frame = converted(folders.main, root, *TWO)
    assert set(frame[frame["path"].str.startswith("long_unknown")]["gender"]) == {""}
    frame = converted(folders.main, root, *TWO, "--unknown")
    assert "unknown" in set(frame["gender"])


def test_a_name_that_has_no_parts_is_told_what_it_means(tmp_path):
    root = tree(tmp_path / "mine", ["long_female", "bald", "unclear"])
    frame = converted(
        folders.main, root, *TWO, "--class", "bald=short, male", "--class", "unclear=,"
    )
    found = {
        path.split("/")[0]: (hair, gender)
        for path, hair, gender in zip(frame["path"], frame["hair"], frame["gender"], strict=True)
    }
    assert found == {
        "long_female": ("long", "female"),
        "bald": ("short", "male"),
        "unclear": ("", ""),
    }


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
        (["long_male", "short_female"], (*TWO, "--class", "long_male=a,b", "--class", "long_male=c,d"), "--class long_male is given twice"),
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
