"""Which spellings mean one value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.data.table_cells import UNKNOWN_WORDS, alike, is_unknown, likeness, meaning


@given(st.integers(-(10**6), 10**6))
def test_spellings_of_a_whole_number_mean_the_same(number):
    said = {
        meaning(text)
        for text in (
            f"{number}",
            f" {number}.0",
            f"{number:+}",
            f"{number}e0",
            f"{number:.3f}",
            f"{number:08d}",
        )
    }
    assert said == {meaning(str(number))}


@given(st.decimals(-1000, 1000, places=3), st.decimals(-1000, 1000, places=3))
def test_numbers_mean_the_same_only_if_they_are_equal(a, b):
    assert (meaning(str(a)) == meaning(str(b))) == (a == b)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf")), max_size=8))
def test_the_meaning_of_a_meaning_is_itself(text):
    assert meaning(meaning(text)) == meaning(text)
    assert likeness(text) == likeness(f" {text} ")


@pytest.mark.parametrize(
    "other",
    ["Long Hair", "long_hair", "LONG-HAIR", " long  hair ", "longhair", "\u200blong\u00a0hair"],
)
def test_values_that_look_alike(other):
    assert likeness(other) == likeness("long hair")


@pytest.mark.parametrize(
    "values",
    [("1-2", "12"), ("male", "female"), ("+", "-"), ("a", "b"), ("1.5", "15"), ("0", "0.0")],
)
def test_values_that_do_not(values):
    assert alike(values) == []


@pytest.mark.parametrize(
    "word", [*UNKNOWN_WORDS, "", "  ", "NaN", "N/A", "NULL", "Unknown", "--", "\u2014", " - "]
)
def test_words_for_unknown(word):
    assert is_unknown(word)
    assert is_unknown(word, ["x"]) == (not word.strip())


@pytest.mark.parametrize("word", ["none", "0", "no", "-1", "a-b"])
def test_other_words_are_values(word):
    assert not is_unknown(word)
    assert is_unknown(word, [word.upper()])
