"""What else tables look like: how labels, splits, paths and files are written."""

import csv
from collections import Counter

import pandas as pd
import pytest
import table

from tests.data_prep.trees import write_pictures

HAIR, GENDER = ("--attribute", "hair=hair"), ("--attribute", "gender=gender")


@pytest.fixture
def folder(tmp_path):
    """Twelve pictures, of which each combination of hair and gender has three."""
    (tmp_path / "a").mkdir()
    write_pictures(tmp_path / "a", [f"{i}.png" for i in range(12)])
    return tmp_path


def rows():
    return [{"path": f"a/{i}.png", "hair": ("short", "long")[i % 2], "gender": ("female", "male")[i // 2 % 2]}
            for i in range(12)]  # fmt: skip


def write(file, lines, **form):
    encoding = form.pop("encoding", "utf-8")
    with file.open("w", newline="", encoding=encoding) as out:
        writer = csv.DictWriter(out, list(lines[0]), **form)
        writer.writeheader()
        writer.writerows(lines)
    return file


def run(folder, *arguments):
    """Exit status, and the manifest, if one is written."""
    out = folder / "m.csv"
    out.unlink(missing_ok=True)
    try:
        status = table.main([*map(str, arguments), "--out", str(out)])
    except SystemExit as end:
        status = end.code
    return status, pd.read_csv(out, dtype=str, keep_default_na=False) if out.exists() else None


def converted(folder, lines, *arguments, **form):
    status, frame = run(folder, write(folder / "t.csv", lines, **form), *arguments)
    assert status == 0
    return frame


def refused(capsys, folder, lines, *arguments, **form):
    status, frame = run(folder, write(folder / "t.csv", lines, **form), *arguments)
    assert status in (1, 2)
    assert frame is None
    return capsys.readouterr().err


def with_column(name, cells):
    return [row | {name: cells[i % len(cells)]} for i, row in enumerate(rows())]


def test_spellings_of_a_number_are_one_value(folder, capsys):
    lines = with_column(
        "old", ["0", "1", "0.0", "1.00", "False", "TRUE", " 0", "True", "", "NaN", "n/a", "?"]
    )
    frame = converted(folder, lines, "--attribute", "old=old", "--split", "train")
    assert frame["old"].tolist() == ["0", "1", "0", "1", "0", "1", "0", "1", "", "", "", ""]
    told = capsys.readouterr()
    assert "note: old: '0' is written ' 0' 1, '0' 1, '0.0' 1, 'False' 1\n" in told.err
    assert "note: old: unknown is written '' 1, '?' 1, 'NaN' 1, 'n/a' 1\n" in told.err
    assert told.out.splitlines()[0] == "old: 0 4, 1 4; unknown 4"


def test_the_words_for_unknown_can_be_changed(folder, capsys):
    lines = with_column("old", ["yes", "no", "none", "NA"])
    arguments = ("--attribute", "old=old", "--split", "train")
    assert Counter(converted(folder, lines, *arguments)["old"]) == {
        "yes": 3,
        "no": 3,
        "none": 3,
        "": 3,
    }
    assert "'none' is taken as a value; if it is none: --unknown nan" in capsys.readouterr().err
    frame = converted(folder, lines, *arguments, "--unknown", "none")
    assert Counter(frame["old"]) == {"yes": 3, "no": 3, "": 3, "NA": 3}


def test_whole_numbers_with_gaps_are_whole_numbers(folder, capsys):
    frame = converted(folder, with_column("old", ["0.0", "1.0", ""]), "--attribute", "old=old")
    assert Counter(frame["old"]) == {"0": 4, "1": 4, "": 4}
    assert "note: old: '0' is written '0.0' 4\n" in capsys.readouterr().err


@pytest.mark.parametrize("other", ["Long", "LONG ", "lo ng", "l-ong", "\uff4cong"])
def test_values_that_look_alike_are_an_error(folder, capsys, other):
    lines = rows()
    lines[5]["hair"] = other
    error = refused(capsys, folder, lines, *HAIR, *GENDER)
    assert "look alike" in error
    assert "'long' (5 rows, the first is row 3)" in error
    assert ", row 7)" in error
    assert f"--value 'hair:{other.strip()}=long'" in error
    names = [f"--value=hair:{v}=long" for v in ("long", other)] + ["--value=hair:short=short"]
    assert Counter(converted(folder, lines, *HAIR, *names)["hair"]) == {"long": 6, "short": 6}


def test_yes_beside_1_looks_alike(folder, capsys):
    error = refused(
        capsys, folder, with_column("old", ["0", "1", "yes", "no"]), "--attribute", "old=old"
    )
    assert error.count("look alike") == 2


def test_a_renaming_must_match(folder, capsys):
    lines = with_column("old", ["0.0", "1", "True", ""])
    renamed = (
        "--attribute",
        "old=old",
        "--value",
        "old:0=no",
        "--value",
        "old:1=yes",
        "--value",
        "old:=unsure",
    )
    frame = converted(folder, lines, *renamed)
    assert Counter(frame["old"]) == {"no": 3, "yes": 6, "unsure": 3}
    error = refused(
        capsys, folder, lines, *HAIR, "--value", "hair:lang=long", "--value", "hair:short=short"
    )
    assert "--value hair:lang=long: the column holds no 'lang'; did you mean 'long'?" in error
    assert "it holds long, short" in error


@pytest.mark.parametrize(
    ("twice", "message"),
    [
        (("--attribute", "hair=hair", "--attribute", "hair=gender"), "'hair' is given twice"),
        (("--attribute", "hair=hair", "--one-hot", "hair=hair,gender"), "'hair' is given twice"),
        ((*HAIR, "--value", "hair:long=a", "--value", "hair:long=b"), "'hair:long' is given twice"),
        ((*HAIR, "--split-values", "0=train", "0=test"), "'0' is given twice"),
        ((*HAIR, "--split-values", "0=trian"), "must be written CODE=SPLIT"),
        ((*HAIR, "--split-values", "0=train"), "name it, --split COLUMN"),
        ((*HAIR, "--split", "test", "--shares", "1", "1", "1"), "--shares and --folds draw the splits"),
        ((*HAIR, "--split", "test", "--folds", "3"), "--shares and --folds draw the splits"),
        ((*HAIR, "--validation", "0.3"), "--validation is for splits that are given"),
        ((*HAIR, "--value", "hair:LONG=long"), "did you mean 'long'?"),
        ((*HAIR, "--bins", "hiar=1,2"), "did you mean 'hair'?"),
        ((*HAIR, "--bins", "hair=2,1"), "edges must ascend"),
        ((*HAIR, "--bins", "hair=1"), "row 2, hair: 'short' is no number"),
        ((*HAIR, "--bins", "hair=x"), "with numbers"),
        ((*HAIR, "--separator", "ab"), "one character"),
        ((), "no attribute is named"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together(folder, capsys, twice, message):
    assert message in refused(capsys, folder, rows(), *twice)


def test_columns_that_stand_twice_and_rows_cut_short(folder, capsys):
    file = folder / "t.csv"
    file.write_text("path,hair,hair\na/0.png,long,short\n")
    assert run(folder, file, *HAIR) == (1, None)
    assert "column 'hair' appears twice" in capsys.readouterr().err
    file.write_text("path,hair,gender\na/0.png,long,male\na/1.png,short\n\na/2.png,long,female,x\n")
    assert run(folder, file, *HAIR) == (1, None)
    error = capsys.readouterr().err
    assert "row 3: 2 fields, but the header has 3" in error
    assert "row 5: 4 fields, but the header has 3" in error


def test_one_hot_columns(folder, capsys):
    lines = [{"path": r["path"], "hair_short": int(r["hair"] == "short"), "hair_long": float(r["hair"] == "long")}
             for r in rows()]  # fmt: skip
    lines[0]["hair_short"], lines[1]["hair_short"], lines[2]["hair_short"] = 0, 1, ""
    frame = converted(folder, lines, "--one-hot", "hair=hair_short,hair_long", "--split", "train")
    assert frame["hair"].tolist() == ["", "", ""] + ["long", "short"] * 4 + ["long"]
    told = capsys.readouterr().err
    assert "warning: hair: rows with none of short, long, taken as unknown: 1 (row 2)\n" in told
    assert "warning: hair: rows with several of short, long, taken as unknown: 1 (row 3)\n" in told
    frame = converted(folder, lines, "--one-hot", "style=hair_short,hair_long", "--split", "train")
    assert set(frame["style"]) == {"hair_short", "hair_long", ""}
    lines[3]["hair_long"] = 7
    assert "row 5, column 'hair_long': '7' is neither no nor yes" in refused(
        capsys, folder, lines, "--one-hot", "hair=hair_short,hair_long"
    )
    assert "two or more" in refused(capsys, folder, lines, "--one-hot", "hair=hair_long")


@pytest.mark.parametrize("form", ["{}, {}", "{} {}", "{}|{}|smile", "['{}', '{}']"])
def test_one_column_of_tags(folder, capsys, form):
    lines = [{"path": r["path"], "tags": form.format(r["hair"], r["gender"])} for r in rows()]
    lines[0]["tags"] = ""
    arguments = ("--tags", "hair=tags:short,long", "--tags", "male=tags:male", "--split", "train")
    frame = converted(folder, lines, *arguments)
    assert frame["hair"].tolist()[1:] == [r["hair"] for r in rows()[1:]]
    assert frame["male"].tolist() == [""] + [
        ("no", "yes")[r["gender"] == "male"] for r in rows()[1:]
    ]
    unused = "female, smile" if "smile" in form else "female"
    assert f"note: tags of column tags that are not used: {unused}\n" in capsys.readouterr().err
    error = refused(capsys, folder, lines, "--tags", "hair=tags:short,lonk")
    assert "column 'tags' never holds 'lonk'; did you mean 'long'?" in error


def test_numbers_in_bins(folder, capsys):
    ages = ["29", "30", "59.9", "60", "0", "1e2", "NA", "45", "30.0", "12", "", "61"]
    frame = converted(folder, with_column("years", ages), "--attribute", "age=years", "--bins", "age=30,60",
                      "--split", "train")  # fmt: skip
    low, middle, high = "below_30", "30_to_60", "from_60"
    assert frame["age"].tolist() == [
        low,
        middle,
        middle,
        high,
        low,
        high,
        "",
        middle,
        middle,
        low,
        "",
        high,
    ]
    assert (
        capsys.readouterr().out.splitlines()[0]
        == "age: below_30 3, 30_to_60 4, from_60 3; unknown 2"
    )
    converted(folder, with_column("years", ages), "--attribute", "age=years", "--bins", "age=30,60,200",
              "--split", "train")  # fmt: skip
    assert "warning: age: bins without any row, left out: from_200\n" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_separators_and_encodings_are_found_and_told(folder, capsys, encoding, delimiter):
    lines = [row | {"hair": {"long": "läng, sehr", "short": "kurz"}[row["hair"]]} for row in rows()]
    frame = converted(folder, lines, *HAIR, *GENDER, encoding=encoding, delimiter=delimiter)
    assert Counter(frame["hair"]) == {"läng, sehr": 6, "kurz": 6}
    names = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
    usual = delimiter == "," and encoding.startswith("utf-8")
    assert (
        f"is read as {encoding}, its fields separated by {names[delimiter]}\n"
        in capsys.readouterr().err
    ) != usual
    given = ("--encoding", encoding, "--separator", {"\t": "tab"}.get(delimiter, delimiter))
    assert converted(
        folder, lines, *HAIR, *GENDER, *given, encoding=encoding, delimiter=delimiter
    ).equals(frame)


def test_an_encoding_that_does_not_fit_is_an_error(folder, capsys):
    lines = [row | {"hair": row["hair"].replace("long", "läng")} for row in rows()]
    assert "give another encoding" in refused(capsys, folder, lines, *HAIR, "--encoding", "ascii")
    assert "give another encoding" in refused(
        capsys, folder, lines, *HAIR, "--encoding", "none-such"
    )


@pytest.mark.parametrize(
    ("change", "arguments", "told"),
    [
        (lambda p: p.replace("/", "\\"), (), "paths written with \\, read with /: 12"),
        (
            lambda p: p.removesuffix(".png"),
            (),
            "paths without an ending, which files have with .png: 12",
        ),
        (lambda p: p.replace("/", "\\").removesuffix(".png"), (), "which files have with .png: 12"),
        (lambda p: p.removesuffix(".png"), ("--suffix", ".png"), ""),
        (lambda p: p.removeprefix("a/"), ("--folder", "a"), ""),
        (lambda p: p.removeprefix("a/").removesuffix(".png"), ("--folder", "a/"), "with .png: 12"),
    ],
)
def test_paths_are_found_and_told(folder, capsys, change, arguments, told):
    lines = [row | {"path": change(row["path"])} for row in rows()]
    frame = converted(folder, lines, *HAIR, *arguments)
    assert frame["path"].tolist() == [row["path"] for row in rows()]
    error = capsys.readouterr().err
    assert told in error
    assert "missing" not in error


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: p.removeprefix("a/"), "'0.png' is not there, but 'a/0.png' is"),
        (lambda p: p.replace(".png", ".jpg"), "'0.jpg' has another ending; '0.png' is there"),
        (lambda p: p.replace(".png", ".PNG"), "'0.PNG' differs in case; '0.png' is there"),
        (lambda p: f"/kaggle/{p}0", "is a path of another computer"),
        (lambda p: f"b/{p}0", "there is no folder"),
        (lambda p: f"a/x{p[2:]}", "no 'x0.png' is anywhere under"),
    ],
)
def test_a_table_of_which_no_picture_exists_is_an_error(folder, capsys, change, reason):
    lines = [row | {"path": change(row["path"])} for row in rows()]
    error = refused(capsys, folder, lines, *HAIR)
    assert "12 of 12 pictures are missing" in error
    assert reason in error
    converted(folder, lines, *HAIR, "--no-pictures")
    assert "warning: 12 of 12 pictures are missing" in capsys.readouterr().err


def test_an_ending_is_not_guessed_where_there_are_two(folder, capsys):
    write_pictures(folder / "a", ["3.jpg"])
    lines = [row | {"path": row["path"].removesuffix(".png")} for row in rows()]
    assert "'a/0' has no ending; '0.png' is there" in refused(capsys, folder, lines, *HAIR)


def test_rows_without_a_group_are_groups_of_their_own(folder, capsys):
    lines = with_column("who", ["", "anna", " ", "anna"])
    frame = converted(folder, lines, *HAIR, "--group", "who")
    assert (
        "note: rows without who, each taken as a group of its own: 6\n" in capsys.readouterr().err
    )
    assert len(set(frame[frame["identity"] == "anna"]["split"])) == 1
    assert len(set(frame[frame["identity"] == ""]["split"])) > 1


def test_codes_of_splits(folder, capsys):
    lines = with_column("part", ["0", "1", "2"])
    assert "say what each means, for example --split-values" in refused(
        capsys, folder, lines, *HAIR, "--split", "part"
    )
    codes = ("--split-values", "0=train", "1=valid", "2=test")
    frame = converted(folder, lines, *HAIR, "--split", "part", *codes)
    assert frame["split"].tolist() == ["train", "validation", "test"] * 4
    frame = converted(
        folder, lines, *HAIR, "--split", "part", "--split-values", "0=train", "1=test", "2="
    )
    assert frame["split"].tolist() == ["train", "test"] * 4
    assert "note: rows left out, by their split: 4\n" in capsys.readouterr().err
    frame = converted(folder, lines, *HAIR, "--split", "part", "--split-values", "0=train", "1=train", "2=test",
                      "--validation", "0.25")  # fmt: skip
    assert Counter(frame["split"]) == {"train": 6, "validation": 2, "test": 4}


def test_a_split_in_a_second_file(folder, capsys):
    second = [{"path": row["path"], "part": i % 3} for i, row in enumerate(rows())]
    codes = ("--split-values", "0=train", "1=valid", "2=test")
    file = write(folder / "split.csv", second[::-1], delimiter=";")
    for column in ((), ("--split", "part")):
        frame = converted(folder, rows(), *HAIR, "--split-file", file, *column, *codes)
        assert frame["split"].tolist() == ["train", "validation", "test"] * 4
    write(file, [{"image": row["path"], "part": row["part"]} for row in second])
    assert converted(folder, rows(), *HAIR, "--split-file", file, *codes).equals(frame)
    write(file, second[:-1])
    assert "no row for 1 of 12 pictures; the first is 'a/11.png'" in refused(
        capsys, folder, rows(), *HAIR, "--split-file", file, *codes
    )
    write(file, [*second, second[0]])
    assert "row 14, path: 'a/0.png' stands in an earlier row" in refused(
        capsys, folder, rows(), *HAIR, "--split-file", file, *codes
    )


def test_one_file_for_each_split(folder, capsys):
    files = [
        write(folder / f"{name}.csv", rows()[i::3])
        for i, name in enumerate(("my_train", "val", "test"))
    ]
    status, frame = run(folder, *files, *HAIR)
    assert status == 0
    assert frame["split"].tolist() == ["train"] * 4 + ["validation"] * 4 + ["test"] * 4
    others = [file.rename(folder / f"{i}.csv") for i, file in enumerate(files)]
    assert run(folder, *others, *HAIR) == (1, None)
    assert "of which split? Write train=" in capsys.readouterr().err
    named = [
        f"{split}={file}" for split, file in zip(("train", "dev", "test"), others, strict=True)
    ]
    assert run(folder, *named, *HAIR)[1].equals(frame)
    both = run(folder, *named, *HAIR, "--split", "test")
    assert both == (1, None)
    assert "the files are of splits already (train, validation, test)" in capsys.readouterr().err
    write(others[1], [{"path": "a/1.png", "hiar": "long", "gender": "male"}])
    assert run(folder, *named, *HAIR) == (1, None)
    assert "no column 'hair'; did you mean 'hiar'?" in capsys.readouterr().err


def test_folds(folder, capsys):
    file = write(folder / "t.csv", rows())
    assert run(folder, file, *HAIR, *GENDER, "--folds", "3") == (0, None)
    frames = [pd.read_csv(folder / f"m_{i}.csv") for i in (1, 2, 3)]
    tested = [path for frame in frames for path in frame[frame["split"] == "test"]["path"]]
    assert sorted(tested) == sorted(row["path"] for row in rows())
    assert capsys.readouterr().out.count("12 rows written") == 3


def test_a_table_without_a_test_split(folder, capsys):
    frame = converted(folder, rows(), *HAIR, "--shares", "0.75", "0.25", "0")
    assert Counter(frame["split"]) == {"train": 9, "validation": 3}
    assert "note: split 'test' has no rows\n" in capsys.readouterr().err


def test_columns_that_are_not_used_are_told(folder, capsys):
    converted(folder, with_column("note", ["x"]), *HAIR)
    assert "note: columns that are not used: gender, note\n" in capsys.readouterr().err
