"""Strings of a hierarchy: as many as the formula says, each with one derivation, against a parser that tries everything."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.errors import ConfigError
from modular_cls.lecture.kit.hierarchy import (
    Grammar,
    examples,
    exchanged,
    grammar,
    noisy,
    one_hot,
)

grammars = st.tuples(st.integers(1, 4), st.integers(2, 4), st.integers(1, 3), st.integers(1, 3))


def fitting(rules):
    classes, vocabulary, synonyms, _ = rules
    return synonyms * max(classes, vocabulary) <= vocabulary**2


def every_string(found, level, symbol):
    """All that a symbol of a level can be written as, by writing out every rule."""
    if level == found.levels:
        return [(symbol,)]
    return [
        left + right
        for a, b in found.rules[level][symbol].tolist()
        for left in every_string(found, level + 1, a)
        for right in every_string(found, level + 1, b)
    ]


@given(rules=grammars.filter(fitting), seed=st.integers(0, 5))
def test_numbers_are_strings_one_to_one(rules, seed):
    found = grammar(*rules, seed)
    assert found.count == rules[0] * rules[2] ** (2 ** rules[3] - 1)
    assert found.length == 2 ** rules[3]
    if found.count > 3000:
        return
    derived = found.derive(np.arange(found.count))
    strings = [tuple(s) for s in derived.strings.tolist()]
    brute = {s: z for z in range(rules[0]) for s in every_string(found, 0, z)}
    assert len(brute) == found.count  # nothing is written in two ways
    assert dict(zip(strings, derived.classes.tolist(), strict=True)) == brute
    assert np.bincount(derived.classes).tolist() == [found.count // rules[0]] * rules[0]
    assert [s.shape[1] for s in derived.symbols] == [2**i for i in range(rules[3] + 1)]


def test_the_parser_finds_the_class_or_that_there_is_none():
    found = grammar(3, 4, 2, 2, 1)
    everything = np.array(list(itertools.product(range(4), repeat=4)))
    brute = {s: z for z in range(3) for s in every_string(found, 0, z)}
    expected = [brute.get(tuple(s), -1) for s in everything.tolist()]
    assert 0 < sum(z >= 0 for z in expected) == found.count < len(expected)
    assert found.parse(everything).tolist() == expected


@given(level=st.integers(1, 3), seed=st.integers(0, 9))
def test_synonyms_exchanged_leave_the_class(level, seed):
    found = grammar(4, 6, 3, 3, 0)
    rng = np.random.default_rng(seed)
    before = found.derive(found.draw(40, rng))
    after = exchanged(found, before, level, rng)
    assert after.classes.tolist() == before.classes.tolist() == found.parse(after.strings).tolist()
    above = found.levels - level
    for i in range(above + 1):
        assert (after.symbols[i] == before.symbols[i]).all()
    assert (after.choices[above] != before.choices[above]).all()
    pairs = [d.symbols[above + 1].reshape(40, -1, 2) for d in (before, after)]
    assert (pairs[0] != pairs[1]).any(-1).all()  # every part of that level is another pair


def test_noise_changes_as_many_symbols_as_it_says():
    rng = np.random.default_rng(0)
    strings = rng.integers(0, 5, (4000, 8))
    found = noisy(strings, 0.2, 5, rng)
    assert np.mean(found != strings) == pytest.approx(0.2, abs=0.01)
    assert set(found.ravel()) == set(range(5))
    assert (noisy(strings, 0.0, 5, rng) == strings).all()
    assert (noisy(strings, 1.0, 5, rng) != strings).all()


def test_what_a_net_reads_is_standardised_and_says_the_symbol():
    strings = np.array([[0, 1, 2, 3], [3, 2, 1, 0]])
    found = one_hot(strings, 4)
    assert found.argmax(-1).tolist() == strings.tolist()
    assert float(found.mean()) == pytest.approx(0, abs=1e-6)
    assert float(found.var(correction=0)) == pytest.approx(1, abs=1e-6)


def rows(x):
    return {tuple(row) for row in x.flatten(1).tolist()}


def test_a_data_set_has_no_string_twice_and_fewer_are_among_more():
    rules = (4, 5, 2, 3)
    few, more = (examples(rules, (n, 60, 70), 3) for n in (50, 200))
    assert [len(few.images[s]) for s in ("train", "validation", "test")] == [50, 60, 70]
    assert torch.equal(more.images["train"][:50], few.images["train"])
    assert torch.equal(more.images["test"], few.images["test"])
    assert len(rows(torch.cat(list(more.images.values())))) == 200 + 60 + 70
    found = grammar(*rules, 3)
    for split, x in more.images.items():
        expected = more.labels[split]["class"].tolist()
        assert found.parse(x.argmax(-1).numpy()).tolist() == expected
    wrong = examples(rules, (200, 60, 70), 3, 0.3)
    assert torch.equal(wrong.images["test"], more.images["test"])
    assert torch.equal(wrong.labels["train"]["class"], more.labels["train"]["class"])
    assert (wrong.images["train"] != more.images["train"]).any()
    assert not torch.equal(examples(rules, (50, 60, 70), 4).images["train"], few.images["train"])


def test_what_cannot_be_is_told():
    with pytest.raises(ConfigError, match="9 pairs; 4 synonyms of 3 things need 12"):
        grammar(2, 3, 4, 2, 0)
    with pytest.raises(ConfigError, match="levels 0 must each be at least 1"):
        grammar(2, 3, 2, 0, 0)
    small = grammar(2, 3, 2, 1, 0)
    assert isinstance(small, Grammar)
    with pytest.raises(ConfigError, match="has 4 strings, not 5"):
        small.draw(5, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="200 strings to train on, but the grammar has 16 beside"):
        examples((2, 4, 2, 2), (200, 0, 0), 0)
    assert len(examples((2, 4, 2, 2), (8, 50, 50), 0).images["test"]) == 4  # a quarter of all
