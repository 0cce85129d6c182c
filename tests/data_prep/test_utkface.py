import os

import pytest
import utkface
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data_prep.trees import UTKFACE, UTKFACE_STRANGE, converted, refused
from tests.data_prep.trees import utkface as tree


def group(age):
    return "child" if age < 13 else "young" if age < 30 else "middle" if age < 60 else "old"


@pytest.mark.parametrize("pictures", [True, False])
def test_labels_come_from_names(tmp_path, capsys, pictures):
    frame = converted(utkface.main, tree(tmp_path / "utk", pictures), "--also", "race")
    assert list(frame.columns) == ["path", "split", "age_group", "gender", "race"]
    frame.index = [path.rpartition("/")[2] for path in frame["path"]]
    assert sorted(frame.index) == sorted(UTKFACE)
    for name, (age, gender, race) in UTKFACE.items():
        assert tuple(frame.loc[name, ["age_group", "gender", "race"]]) == (group(age), gender, race)
    told = capsys.readouterr().err
    assert "warning: names that are not understood, left out: 4: " in told
    assert all(name in told for name in UTKFACE_STRANGE)
    assert (f"warning: {len(UTKFACE)} of {len(UTKFACE)} pictures are missing" in told) == (
        not pictures
    )
    assert "race" not in converted(utkface.main, tmp_path / "utk").columns


def test_any_folder_will_do(tmp_path):
    paths = {
        folder: set(converted(utkface.main, tree(tmp_path / folder / "utk", folder=folder))["path"])
        for folder in (".", "a/b")
    }
    assert paths["."] == set(UTKFACE)
    assert paths["a/b"] == {f"a/b/{name}" for name in UTKFACE}


def test_age_groups_are_the_users(tmp_path, capsys):
    root = tree(tmp_path / "utk")
    frame = converted(utkface.main, root, "--age-groups", "minor=0", "adult=26")
    ages = [int(path.split("/")[1].split("_")[0]) for path in frame["path"]]
    assert frame["age_group"].tolist() == [("minor", "adult")[age >= 26] for age in ages]
    for wrong in (["a=1", "b=2"], ["a=0"], ["a=0", "b=9", "c=5"]):
        assert "age groups must be at least two" in refused(
            utkface.main, root, capsys, "--age-groups", *wrong
        )
    with pytest.raises(SystemExit):
        utkface.main([str(root), "--out", str(tmp_path / "m.csv"), "--age-groups", "minor:0"])


def write_alike(root, groups):
    """Files of equal content: each group is a list of names."""
    root.mkdir(exist_ok=True)
    for i, names in enumerate(groups):
        for name in names:
            (root / name).write_bytes(b"same size %4d" % i)


def name(age, gender, serial):
    return f"{age}_{gender}_0_2017{serial:013d}.jpg.chip.jpg"


@settings(max_examples=25)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from([5, 9, 40]), st.integers(0, 1)), min_size=1, max_size=4),
        min_size=1,
        max_size=5,
    )
)
def test_of_identical_files_one_is_kept_or_none(tmp_path_factory, groups):
    root = tmp_path_factory.mktemp("utk") / "utk"
    serial = iter(range(100))
    named = [[name(age, gender, next(serial)) for age, gender in members] for members in groups]
    write_alike(root, [*named, [name(90, 0, 99)]])
    frame = converted(utkface.main, root)
    for members, names in zip(groups, named, strict=True):
        conflict = len({(group(age), gender) for age, gender in members}) > 1
        assert len(set(frame["path"]) & set(names)) == (0 if conflict else 1)


def test_identical_files_are_counted_and_empty_ones_not_compared(tmp_path, capsys):
    root = tmp_path / "utk"
    write_alike(
        root,
        [
            [name(5, 0, 1), name(5, 1, 2)],
            [name(5, 0, 3), name(6, 0, 4), name(7, 0, 5)],
            [name(8, 0, 6)],
        ],
    )
    for serial in (7, 8):
        (root / name(5, 0, serial)).write_bytes(b"")
    assert len(converted(utkface.main, root)) == 4
    told = capsys.readouterr().err
    assert "groups of identical files: 2, with conflicting labels: 1;" in told
    assert "files left out: 4\n" in told


def test_an_unknown_race_conflicts_with_none(tmp_path):
    root = tmp_path / "utk"
    write_alike(
        root,
        [
            ["5_0_20170109142408075.jpg", "5_0_3_20170109142408075.jpg"],
            ["7_0_2_20170109142408075.jpg", "7_0_3_20170109142408075.jpg"],
        ],
    )
    assert len(converted(utkface.main, root)) == 2
    assert len(converted(utkface.main, root, "--also", "race")) == 1


def test_the_draw_depends_on_names_only(tmp_path):
    root = tree(tmp_path / "utk")
    frame = converted(utkface.main, root)
    (root / "UTKFace").rename(root / "faces")
    assert converted(utkface.main, root)["split"].tolist() == frame["split"].tolist()


def test_missing_pictures_labels_and_names(tmp_path, capsys):
    root = tmp_path / "utk"
    root.mkdir()
    (root / "readme.md").write_text("no picture")
    assert "neither pictures nor names.txt here; download" in refused(utkface.main, root, capsys)
    (root / "names.txt").write_text("a.jpg\n\nb.jpg\n")
    assert "no name is as it should be" in refused(utkface.main, root, capsys)
    (root / "names.txt").write_text("5_0_0_20170109142408075.jpg\n" * 2)
    assert "'5_0_0_20170109142408075.jpg' is there twice" in refused(utkface.main, root, capsys)
    (root / "names.txt").write_bytes(b"\xff\xfe\n")
    assert "not text in UTF-8" in refused(utkface.main, root, capsys)
    assert "unknown label 'rase'; accepted: all, race; did you mean 'race'?" in refused(
        utkface.main, tree(tmp_path / "b/utk"), capsys, "--also", "rase"
    )


def test_hidden_files_and_loops_of_links(tmp_path, capsys):
    root = tree(tmp_path / "utk")
    (root / "._5_0_0_20170109142408075.jpg").write_bytes(b"resource fork")
    (root / "__MACOSX").mkdir()
    (root / "__MACOSX/6_0_0_20170109142408075.jpg").write_bytes(b"resource fork")
    os.symlink(root, root / "UTKFace/loop")
    (root / "notes.txt").write_text("")
    (root / os.fsdecode(b"7_0_0_20170109142408075\xff.jpg")).write_bytes(b"no text")
    assert len(converted(utkface.main, root)) == len(UTKFACE)
    assert "note: files that are no pictures, left out: 2\n" in capsys.readouterr().err
