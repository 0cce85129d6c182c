import re
import shutil

import celeba
import pytest

from tests.data_prep.trees import CELEBA, CELEBA_LABELS, converted, refused
from tests.data_prep.trees import celeba as tree

ATTRIBUTES, PARTITION, IDENTITIES = (
    "list_attr_celeba.txt",
    "list_eval_partition.txt",
    "identity_CelebA.txt",
)
SPLITS = ("train", "validation", "test")


def edit(file, old, new, count=1):
    text = file.read_bytes().decode()
    assert old in text
    file.write_bytes(text.replace(old, new, count).encode())


def test_labels_splits_and_identities(tmp_path, capsys):
    frame = converted(celeba.main, tree(tmp_path / "celeba"))
    assert list(frame.columns) == ["path", "split", "hair", "gender", "identity"]
    for row, (labels, split, identity) in zip(frame.itertuples(), CELEBA, strict=True):
        known = dict(zip(CELEBA_LABELS, labels, strict=True))
        assert row.path == f"img_align_celeba/{row.Index + 1:06d}.jpg"
        assert (row.split, row.identity) == (SPLITS[split], str(identity))
        assert row.hair == {1: "blond", -1: "other"}[known["Blond_Hair"]]
        assert row.gender == {1: "male", -1: "female"}[known["Male"]]
    told = capsys.readouterr()
    assert told.err == ""
    assert re.search(r"blond male +1 +0 +0\n", told.out)
    assert re.search(r"all +4 +1 +2\n", told.out)


def test_other_labels(tmp_path):
    root = tree(tmp_path / "celeba")
    young = {1: "yes", -1: "no"}
    assert list(converted(celeba.main, root, "--also", "all").columns[2:]) == [
        "hair", "gender", "5_o_Clock_Shadow", "Young", "identity"
    ]  # fmt: skip
    frame = converted(celeba.main, root, "--also", "Young", "--also", "Male")
    assert list(frame.columns[2:]) == ["hair", "gender", "Male", "Young", "identity"]
    assert frame["Young"].tolist() == [young[labels[3]] for labels, _, _ in CELEBA]
    assert (frame["Male"] == "yes").equals(frame["gender"] == "male")


def test_an_unknown_label_names_the_nearest(tmp_path, capsys):
    error = refused(
        celeba.main, tree(tmp_path / "celeba"), capsys, "--also", "Yung", "--also", "male"
    )
    assert (
        "unknown label 'Yung'; accepted: all, 5_o_Clock_Shadow, Blond_Hair, Male, Young; did you mean 'Young'?"
        in error
    )
    assert "did you mean 'Male'?" in error


def test_annotations_only(tmp_path, capsys):
    frame = converted(celeba.main, tree(tmp_path / "celeba", pictures=False, identities=False))
    assert len(frame) == len(CELEBA)
    assert "identity" not in frame
    assert (
        f"warning: 7 of 7 pictures are missing under {tmp_path / 'celeba'}"
        in capsys.readouterr().err
    )


def test_missing_pictures_are_counted(tmp_path, capsys):
    root = tree(tmp_path / "celeba")
    (root / "img_align_celeba/000003.jpg").unlink()
    assert len(converted(celeba.main, root)) == len(CELEBA)
    assert "warning: 1 of 7 pictures are missing" in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["Img/img_align_celeba", "img_align_celeba/img_align_celeba"])
def test_folders_as_they_are_unpacked(tmp_path, capsys, folder):
    root = tree(tmp_path / "celeba")
    for place, name in (("Anno", ATTRIBUTES), ("Eval", PARTITION), ("Anno", IDENTITIES)):
        (root / place).mkdir(exist_ok=True)
        (root / name).rename(root / place / name)
    shutil.move(root / "img_align_celeba", tmp_path / "pictures")
    shutil.copytree(tmp_path / "pictures", root / folder)
    assert converted(celeba.main, root)["path"][0] == f"{folder}/000001.jpg"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", [ATTRIBUTES, PARTITION])
def test_a_missing_file_says_what_and_where(tmp_path, capsys, name):
    root = tree(tmp_path / "celeba")
    (root / name).unlink()
    error = refused(celeba.main, root, capsys)
    assert (
        f"{root}:\n  no {name} here or in Anno/ or in Eval/; download it from https://mmlab"
        in error
    )
    assert "no such folder" in refused(celeba.main, tmp_path / "none", capsys)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (ATTRIBUTES, "7\r\n", "8\r\n", "line 1 tells 8 pictures, found 7"),
        (
            ATTRIBUTES,
            "7\r\n",
            "seven\r\n",
            "line 1: found 'seven', accepted: the number of pictures",
        ),
        (ATTRIBUTES, "Male", "Man", "line 2: no label 'Male'; did you mean 'Man'?"),
        (
            ATTRIBUTES,
            "000002.jpg -1 -1  1  1",
            "000002.jpg -1 -1  1",
            "line 4: found 4 fields, accepted: 5",
        ),
        (ATTRIBUTES, "000001.jpg", "000001.jpg 1", "line 3: found 6 fields, accepted: 5"),
        (
            ATTRIBUTES,
            "000004.jpg -1",
            "000004.jpg  0",
            "line 6, 5_o_Clock_Shadow: found 0, accepted: -1, 1",
        ),
        (
            ATTRIBUTES,
            "000004.jpg -1",
            "000004.jpg no",
            "line 6, 5_o_Clock_Shadow: found 'no', accepted: a number",
        ),
        (
            ATTRIBUTES,
            "000004.jpg -1",
            "000004.jpg nan",
            "line 6, 5_o_Clock_Shadow: found nan, accepted: -1, 1",
        ),
        (
            PARTITION,
            "000003.jpg 0",
            "000003.jpg 3",
            "picture 000003.jpg, split: found 3, accepted: 0, 1, 2",
        ),
        (
            PARTITION,
            "000003.jpg 0\r\n",
            "",
            "picture 000003.jpg, split: found nan, accepted: 0, 1, 2",
        ),
        (
            PARTITION,
            "000003.jpg 0",
            "000002.jpg 0",
            "line 3: '000002.jpg' stands in an earlier line too",
        ),
        (IDENTITIES, "2880", "x", "line 2, identity: found 'x', accepted: a number"),
    ],
)
def test_malformed_files(tmp_path, capsys, name, old, new, message):
    root = tree(tmp_path / "celeba")
    edit(root / name, old, new)
    error = refused(celeba.main, root, capsys)
    assert f"{root / name}:\n" in error
    assert message in error


@pytest.mark.parametrize("data", [b"", b"7\r\n", b"\xff\xfe7\x00", b"7\r\nBlond_Hair Male \r\n"])
def test_files_that_are_something_else(tmp_path, capsys, data):
    root = tree(tmp_path / "celeba")
    (root / ATTRIBUTES).write_bytes(data)
    assert str(root / ATTRIBUTES) in refused(celeba.main, root, capsys)


def test_twenty_problems_are_listed_and_the_rest_counted(tmp_path, capsys):
    root = tree(tmp_path / "celeba")
    edit(root / ATTRIBUTES, "1", "2", -1)
    error = refused(celeba.main, root, capsys)
    assert error.count("accepted: -1, 1") == 20
    assert "... and 8 more" in error


def test_a_picture_without_an_identity_has_none(tmp_path):
    root = tree(tmp_path / "celeba")
    edit(root / IDENTITIES, "000002.jpg 2880\n", "")
    assert converted(celeba.main, root)["identity"].tolist() == ["7", "", "7", "3", "4", "5", "6"]


def test_nothing_but_a_manifest_is_replaced(tmp_path, capsys):
    root = tree(tmp_path / "celeba")
    before = (root / PARTITION).read_bytes()
    assert celeba.main([str(root), "--out", str(root / PARTITION)]) == 1
    assert "exists and is not a manifest" in capsys.readouterr().err
    assert (root / PARTITION).read_bytes() == before
    assert converted(celeba.main, root).equals(converted(celeba.main, root))


def as_csv(root, values=str, index=False):
    """The files as they are passed around: CSV, the picture in a column image_id."""
    names = [f"{i:06d}.jpg" for i in range(1, len(CELEBA) + 1)]
    numbers = [[str(i)] if index else [] for i in range(len(CELEBA))]
    before = [""] if index else []
    labels = [",".join([*before, "image_id", *CELEBA_LABELS])]
    labels += [
        ",".join([*n, name, *map(values, row)])
        for n, name, (row, _, _) in zip(numbers, names, CELEBA, strict=True)
    ]
    splits = [
        "image_id,partition",
        *(f"{name},{split}" for name, (_, split, _) in zip(names, CELEBA, strict=True)),
    ]
    for file, lines in ((ATTRIBUTES, labels), (PARTITION, splits)):
        (root / file).unlink()
        (root / file).with_suffix(".csv").write_text("\n".join([*lines, ""]))


@pytest.mark.parametrize("values", [str, lambda v: str(float(v)), lambda v: str(int(v == 1))])
@pytest.mark.parametrize("index", [False, True])
def test_the_copies_as_csv_say_the_same(tmp_path, capsys, values, index):
    root = tree(tmp_path / "celeba")
    expected = converted(celeba.main, root, "--also", "all")
    as_csv(root, values, index)
    assert converted(celeba.main, root, "--also", "all").equals(expected)
    assert capsys.readouterr().err == ""


def test_copies_as_csv_that_are_wrong(tmp_path, capsys):
    root = tree(tmp_path / "celeba")
    as_csv(root)
    labels, splits = (root / ATTRIBUTES).with_suffix(".csv"), (root / PARTITION).with_suffix(".csv")
    edit(labels, "000002.jpg,-1,-1", "000002.jpg,-1,2")
    assert "row 3, Blond_Hair: found 2, accepted: -1, 1" in refused(celeba.main, root, capsys)
    edit(labels, "000002.jpg,-1,2", "000002.jpg,-1,x")
    assert "row 3, Blond_Hair: found 'x', accepted: a number" in refused(celeba.main, root, capsys)
    edit(labels, "000002.jpg,-1,x", "000002.jpg,-1,-1")
    edit(splits, "000004.jpg,0", "000003.jpg,0")
    assert "line 5: '000003.jpg' stands in an earlier line too" in refused(
        celeba.main, root, capsys
    )
    edit(splits, "000003.jpg,0\n000003.jpg,0", "000003.jpg,0")
    assert "picture 000004.jpg, split: found nan" in refused(celeba.main, root, capsys)


def test_pictures_of_another_name_are_an_error(tmp_path, capsys):
    root = tree(tmp_path / "celeba")
    for file in (root / "img_align_celeba").iterdir():
        file.rename(file.with_suffix(".png"))
    error = refused(celeba.main, root, capsys)
    assert "7 of 7 pictures are missing" in error
    assert "'000001.jpg' has another ending; '000001.png' is there" in error
