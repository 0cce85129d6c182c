"""Tables of text: separators, encodings, and what is no table."""

import csv
import io
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.data import text_table
from modular_cls.data.text_table import SEPARATORS, read_table
from modular_cls.errors import ManifestError

CELL = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=6)


@pytest.fixture(autouse=True)
def telling(monkeypatch):
    monkeypatch.setattr(text_table.log, "disabled", False)  # import-linter disables all loggers


def write(folder, content):
    path = folder / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(folder, content, **arguments):
    with pytest.raises(ManifestError) as caught:
        read_table(write(folder, content), **arguments)
    return str(caught.value)


@given(
    st.lists(st.tuples(CELL, CELL, st.just("x")), min_size=1, max_size=8),
    st.sampled_from(list(SEPARATORS)),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_the_csv_module_writes_is_read(tmp_path_factory, rows, separator, encoding):
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows([("a", "b", "c"), *rows])
    path = write(tmp_path_factory.mktemp("t"), out.getvalue().encode(encoding))
    found = read_table(path, separator, encoding)
    assert list(found.columns) == ["a", "b", "c"]
    assert list(map(tuple, found.to_numpy())) == rows


@pytest.mark.parametrize("separator", list(SEPARATORS))
def test_the_separator_is_found_though_others_stand_in_cells(tmp_path, caplog, separator):
    text = "".join(
        separator.join(row) + "\n"
        for row in [("path", "tags"), *[(f"{i}.png", '"a;b,c|d"') for i in range(60)]]
    )
    with caplog.at_level(logging.WARNING):
        assert read_table(write(tmp_path, text)).shape == (60, 2)
    assert bool(caplog.messages) == (separator != ",")


def test_a_table_of_one_column(tmp_path):
    assert read_table(write(tmp_path, "path\na b.png\nc;d.png\n"))["path"].tolist() == [
        "a b.png",
        "c;d.png",
    ]


def test_rows_are_those_of_a_spreadsheet(tmp_path):
    table = read_table(write(tmp_path, 'a,b\n"x\ny",1\n\n,\nz,\n'))
    assert table.index.tolist() == [2, 5]
    assert table["b"].tolist() == ["1", ""]


def test_rows_that_are_cut_short_or_too_long(tmp_path):
    message = refusal(tmp_path, "a,b,c\n1,2,3\n1,2\n1,2,\n1,2,3,4\n")
    assert message.splitlines()[1:] == [
        "  row 3: 2 fields, but the header has 3",
        "  row 5: 4 fields, but the header has 3",
    ]
    assert "row 3: 1 fields" in refusal(tmp_path, "a,b\n1,2\n1\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b,a\n1,2,3\n", "column 'a' appears twice"),
        ("a, a\n1,2\n", "column 'a' appears twice"),
        ("", "not a table"),
        ("a,b\n", "the table has no rows"),
        ("a,b\n\n,\n", "the table has no rows"),
        ("\n\na,b\n1,2\n", "the first row, which names the columns, is blank"),
        (b"a,b\n\x81,\xff\n", "give its encoding"),
        ('a,b\n1,"2\n', "not a table"),
    ],
)
def test_what_is_no_table(tmp_path, content, message):
    assert message in refusal(tmp_path, content)


def test_columns_without_a_name_do_not_matter(tmp_path):
    assert read_table(write(tmp_path, ",a,\n0,x,\n1,y,\n"))["a"].tolist() == ["x", "y"]


def test_an_encoding_that_is_a_guess_is_told(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        assert read_table(write(tmp_path, "a,b\nä,1\n".encode("cp1252")))["a"].tolist() == ["ä"]
    assert caplog.messages == [
        f"{tmp_path / 't.csv'} is read as cp1252, its fields separated by commas"
    ]
