"""Verdicts follow from intervals."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from modular_cls.lecture.kit.statement import Statement, judge, overall, sentence

SAYS = Statement(
    "a is above b", "t", "score", {"net": "a"}, {"net": "b"}, role="core", on="letters"
)
ALOUD = "a is better"


def table(a, b, pair="seed"):
    rows = [
        {"net": net, pair: i, "score": v}
        for net, values in (("a", a), ("b", b))
        for i, v in enumerate(values)
    ]
    return {"t": pd.DataFrame(rows)}


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ([3.0, 3.1, 3.2], [1.0, 1.0, 1.0], "holds"),
        ([1.0, 1.0, 1.0], [3.0, 3.1, 3.2], "does not hold"),
        ([1.0, 3.0, 2.0], [2.0, 2.0, 2.1], "undecided"),
        ([3.0], [1.0], "one seed, no verdict"),
    ],
)
def test_intervals_decide(a, b, verdict):
    assert judge(SAYS, table(a, b)).verdict == verdict


def test_the_interval_is_that_of_a_paired_t_test():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 1, 6), rng.normal(0, 1, 6)
    low, high = stats.ttest_rel(a, b).confidence_interval(0.95)
    found = judge(SAYS, table(a, b)).difference
    assert (found.low, found.mean + found.half) == pytest.approx((low, high))


def test_without_chance_every_pair_must_agree():
    exact = Statement(
        "a is above b", "t", "score", {"net": "a"}, {"net": "b"}, pair="bits", role="core"
    )
    assert judge(exact, table([2, 4, 9], [1, 3, 8], "bits")).verdict == "holds"
    assert judge(exact, table([2, 3, 9], [1, 3, 8], "bits")).verdict == "does not hold"


def test_a_range_narrows_to_the_numbers_in_it():
    from_two = Statement(
        "a is above b",
        "t",
        "score",
        {"net": "a"},
        {"net": "b"},
        pair="bits",
        at={"bits": range(2, 9)},
        role="core",
    )
    assert judge(from_two, table([1, 1, 3, 8], [2, 2, 1, 3], "bits")).verdict == "holds"
    assert judge(from_two, table([1, 1, 3, 8], [2, 2, 1, 9], "bits")).verdict == "does not hold"


def test_a_margin_moves_the_line():
    near = Statement(
        "a is not much below b", "t", "score", {"net": "a"}, {"net": "b"}, by=-1.0, role="core"
    )
    assert judge(near, table([1.9, 2.0, 2.1], [2.2, 2.2, 2.2])).verdict == "holds"
    assert judge(SAYS, table([1.9, 2.0, 2.1], [2.5, 2.5, 2.5])).verdict == "does not hold"


def test_a_statement_about_nothing_is_an_error():
    with pytest.raises(KeyError, match="no rows of t"):
        judge(SAYS, table([1.0], []))


def test_the_whole_is_what_its_parts_are():
    good, bad = (
        judge(SAYS, table([3, 3, 3.1], [1, 1, 1])),
        judge(SAYS, table([1, 1, 1], [3, 3, 3.1])),
    )
    assert overall([good, good]) == "holds"
    assert overall([good, bad]) == "holds partly"
    assert overall([bad]) == "does not hold here"
    unclear = judge(SAYS, table([1.0, 3.0, 2.0], [2.0, 2.0, 2.1]))
    assert overall([unclear]) == "undecided"
    assert overall([unclear, bad]) == "does not hold here"
    assert overall([unclear, good]) == "holds partly"
    assert overall([]) == "no data"
    assert overall([good, judge(SAYS, table([3], [1]))]) == "one seed, no verdict"


def judged(verdict, role="core", on="letters"):
    values = {"holds": (3, 3, 3.1), "does not hold": (0, 0, 0.1), "undecided": (0, 2, 1)}[verdict]
    says = dataclasses.replace(SAYS, role=role, on=on)
    return judge(says, table(values, [1, 1, 1.05]))


def test_controls_do_not_count():
    assert overall([judged("holds"), judged("does not hold", "control")]) == "holds"
    assert overall([judged("holds", "control"), judged("does not hold")]) == "does not hold here"
    assert overall([judged("holds", "control")]) == "no data"


def test_what_is_read_aloud_follows_from_the_core_statements():
    found = [
        judged("does not hold", on="digits"),
        judged("holds", on="trees"),
        judged("holds", on="digits"),
        judged("holds", on="faces"),
        judged("undecided", on="voices"),
        judged("does not hold", "control", on="trees"),
    ]
    said = "holds for trees and faces; it holds in part for digits; it stays undecided for voices."
    assert sentence(ALOUD, found) == f"“{ALOUD}” {said}"
    assert sentence(ALOUD, [judge(SAYS, table([3], [1]))]) == f"“{ALOUD}”: one seed, no verdict."


def test_a_table_that_is_missing_leaves_the_whole_open():
    missing = judge(SAYS, {})
    assert missing.verdict == "not measured"
    assert overall([judged("holds"), missing]) == "not measured in full"
    said = "holds for trees; it is not measured yet for letters."
    assert sentence(ALOUD, [judged("holds", on="trees"), missing]) == f"“{ALOUD}” {said}"
