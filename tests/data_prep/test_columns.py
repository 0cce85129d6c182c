"""Shapes in which tables hold labels."""

import pytest

from tests.data_prep.small_tables import converted, refused, rows, with_column


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
