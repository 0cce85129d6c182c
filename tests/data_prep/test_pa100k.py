import numpy as np
import pa100k
import pytest

from tests.data_prep.trees import PA100K, PA100K_LABELS, cells, converted, refused, write_pa100k
from tests.data_prep.trees import pa100k as tree

NAMED = [
    (part, name, values) for part, rows in PA100K.items() for name, values in rows.items() if name
]


def test_labels_and_splits(tmp_path):
    frame = converted(pa100k.main, tree(tmp_path / "pa100k"))
    assert list(frame.columns) == ["path", "split", "gender", "skirt_dress"]
    assert frame["path"].tolist() == [f"data/{name}" for _, name, _ in NAMED]
    assert frame["split"].tolist() == [
        {"val": "validation"}.get(part, part) for part, _, _ in NAMED
    ]
    assert frame["gender"].tolist() == [("male", "female")[values[0]] for _, _, values in NAMED]
    assert frame["skirt_dress"].tolist() == [("no", "yes")[values[3]] for _, _, values in NAMED]


def test_blank_names_and_misspelt_keys_are_reported(tmp_path, capsys):
    converted(pa100k.main, tree(tmp_path / "pa100k"))
    told = capsys.readouterr().err
    assert "warning: test_images_name: rows without a name, left out: 1\n" in told
    assert (
        "'test_image_name' is none of its known keys and is left out; did you mean 'test_images_name'?"
        in told
    )
    assert told.count("\n") == 2


def test_labels_are_found_as_this_copy_spells_them(tmp_path):
    root = tree(tmp_path / "pa100k")
    expected = converted(pa100k.main, root)
    write_pa100k(root, ["female", "AgeOver60", "Hat", "Skirt & dress"])
    assert converted(pa100k.main, root).equals(expected)


def test_other_labels(tmp_path, capsys):
    root = tree(tmp_path / "pa100k")
    frame = converted(pa100k.main, root, "--also", "all")
    assert list(frame.columns[4:]) == ["AgeOver60", "Hat"]
    for i, name in enumerate(PA100K_LABELS):
        assert converted(pa100k.main, root, "--also", name)[name].tolist() == [
            ("no", "yes")[v[i]] for _, _, v in NAMED
        ]
    assert "unknown label 'Hut'" in refused(pa100k.main, root, capsys, "--also", "Hut")


def test_annotations_only(tmp_path, capsys):
    assert len(converted(pa100k.main, tree(tmp_path / "pa100k", pictures=False))) == len(NAMED)
    assert "warning: 6 of 6 pictures are missing" in capsys.readouterr().err


def test_the_folder_of_the_archive(tmp_path, capsys):
    root = tree(tmp_path / "pa100k")
    (root / "release_data").mkdir()
    (root / "data").rename(root / "release_data/release_data")
    assert converted(pa100k.main, root)["path"][0] == "release_data/release_data/000001.jpg"
    assert "missing" not in capsys.readouterr().err


def test_missing_file(tmp_path, capsys):
    root = tree(tmp_path / "pa100k")
    (root / "annotation.mat").unlink()
    error = refused(pa100k.main, root, capsys)
    assert (
        "no annotation.mat here or in annotation/; download it from https://github.com/xh-liu/HydraPlus-Net"
        in error
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"val_label": None}, "no 'val_label'"),
        ({"test_images_name": None}, "no 'test_images_name'; did you mean 'test_image_name'?"),
        ({"val_label": np.zeros((2, 3), np.uint8)}, "val_label: found shape (2, 3), accepted: 2 rows (as val_images_name has) of 4"),
        ({"val_label": np.zeros((1, 4), np.uint8)}, "val_label: found shape (1, 4), accepted: 2 rows"),
        ({"val_label": np.full((2, 4), 2, np.uint8)}, "val_label row 2, Skirt&Dress: found 2, accepted: 0, 1"),
        ({"val_images_name": cells(["000001.jpg", "000005.jpg"])}, "picture 'data/000001.jpg' is there twice"),
        ({"attributes": cells(["Male", "AgeOver60", "Hat", "Skirt&Dress"])}, "attributes: no label 'Female'; did you mean 'Male'?"),
    ],
)  # fmt: skip
def test_malformed_files(tmp_path, capsys, change, message):
    root = write_pa100k(tree(tmp_path / "pa100k"), **change)
    assert message in refused(pa100k.main, root, capsys)


def test_truncated_files(tmp_path, capsys):
    root = tree(tmp_path / "pa100k")
    data = (root / "annotation.mat").read_bytes()
    for length in range(0, len(data) - 8, 211):
        (root / "annotation.mat").write_bytes(data[:length])
        assert str(root / "annotation.mat") in refused(pa100k.main, root, capsys)


def as_csv(root, column="Image"):
    (root / "annotation.mat").unlink()
    for part, rows in PA100K.items():
        lines = [",".join([column, *PA100K_LABELS])]
        lines += [",".join([name, *map(str, values)]) for name, values in rows.items()]
        (root / f"{part}.csv").write_text("\n".join([*lines, ""]))


@pytest.mark.parametrize("column", ["Image", "filename"])
def test_the_copies_as_csv_say_the_same(tmp_path, capsys, column):
    root = tree(tmp_path / "pa100k")
    expected = converted(pa100k.main, root, "--also", "all")
    as_csv(root, column)
    capsys.readouterr()
    assert converted(pa100k.main, root, "--also", "all").equals(expected)
    assert capsys.readouterr().err == "warning: test.csv: rows without a name, left out: 2\n"


def test_copies_as_csv_that_are_wrong(tmp_path, capsys):
    root = tree(tmp_path / "pa100k")
    as_csv(root)
    file = root / "val.csv"
    text = file.read_text()
    file.write_text(text.replace("000004.jpg,0", "000004.jpg,2"))
    assert "row 2, Female: found 2, accepted: 0, 1" in refused(pa100k.main, root, capsys)
    file.write_text(text.replace("Hat", "Hut"))
    assert "other labels than in train.csv: Hat, Hut" in refused(pa100k.main, root, capsys)
    file.unlink()
    assert "no val.csv here" in refused(pa100k.main, root, capsys)
