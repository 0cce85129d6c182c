"""Tables of text in one file or several."""

from collections import Counter

import pytest

from tests.data_prep.small_tables import GENDER, HAIR, converted, refused, rows, run


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
