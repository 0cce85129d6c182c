"""Columns of text become values, each in one spelling."""

from collections import Counter

import pytest

from tests.data_prep.small_tables import GENDER, HAIR, converted, refused, rows, with_column


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
