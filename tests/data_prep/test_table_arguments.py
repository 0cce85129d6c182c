"""What can be said of a table on the command line."""

import pytest
import table

from tests.data_prep.small_tables import HAIR, converted, refused, rows, with_column, write


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


def test_a_value_may_hold_an_equals_sign(folder, capsys):
    table = with_column("age", [">=30", "<30"])
    flags = (*HAIR, "--attribute", "age=age", "--value", "age:>=30=old", "--value", "age:<30=young")
    converted(folder, table, *flags)
    assert "old" in capsys.readouterr().out


def test_columns_that_are_not_used_are_told(folder, capsys):
    converted(folder, with_column("note", ["x"]), *HAIR)
    assert "note: columns that are not used: gender, note\n" in capsys.readouterr().err


def test_the_table_that_is_read_is_never_written_over(folder, capsys):
    mine = write(
        folder / "own.csv",
        [{"path": r["path"], "split": "train"} | r | {"notes": "x"} for r in rows()],
    )
    before = mine.read_bytes()
    assert table.main([str(mine), *HAIR, "--split", "split", "--out", str(mine)]) == 1
    assert "is what is read; give another --out" in capsys.readouterr().err
    assert mine.read_bytes() == before
