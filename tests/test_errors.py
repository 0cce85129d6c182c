"""Problems that are alike are told once; errors travel between processes."""

import pickle

from hypothesis import given
from hypothesis import strategies as st

from modular_cls.errors import ManifestError, group_alike, nearest, unknown


def test_sentences_that_differ_in_row_and_picture_are_one():
    truncated = [f"row {i}, data/a{i}.png: broken: {i} bytes are missing" for i in range(2, 12)]
    misfits = [f"row {i}, column hair: '{v}' is not one of short" for i, v in ((2, "1"), (3, "2"))]
    repeated = [f"row {i}, column path: 'x{i}.png' stands in an earlier row too" for i in (4, 5)]
    assert group_alike([*truncated, *misfits, *repeated]) == [
        f"{truncated[0]} (and 9 more like it: rows 3, 4, 5, 6, 7 ...)",
        *misfits,
        f"{repeated[0]} (and 1 more like it: rows 5)",
    ]


@given(st.lists(st.tuples(st.integers(2, 99), st.sampled_from("abc")), max_size=30))
def test_every_kind_is_told_and_every_problem_counted(found):
    told = group_alike(f"row {row}, column hair: {value!r} is not one of x" for row, value in found)
    assert len(told) == len({value for _, value in found})
    more = [int(t.split("(and ")[1].split()[0]) if "(and " in t else 0 for t in told]
    assert sum(more) + len(told) == len(found)


def test_a_manifest_error_is_the_same_in_another_process():
    error = pickle.loads(pickle.dumps(ManifestError("m.csv", ["row 2: a", "row 3: b"])))
    assert (str(error), error.problems) == (
        "m.csv:\n  row 2: a\n  row 3: b",
        ["row 2: a", "row 3: b"],
    )


def test_wording():
    assert nearest("hiar", ["hair", "gender"]) == "; did you mean 'hair'?"
    assert nearest("zzz", ["hair", "gender"]) == ""
    assert unknown("value", "x", ["long", "short"], "of attribute 'hair'") == (
        "unknown value 'x' of attribute 'hair'; accepted: long, short"
    )
