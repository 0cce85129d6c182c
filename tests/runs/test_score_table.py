"""A score is the mean recall that training measures, over the classes that the table says."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.runs.score_table import SCORES, TABLE
from modular_cls.schema import Attribute, Composite
from modular_cls.training.metrics import summarise

OUTPUT = Composite("c", (Attribute("a", ("x", "y", "z", "w")),))
COUNTS = st.lists(st.lists(st.integers(0, 5), min_size=4, max_size=4), min_size=4, max_size=4)


@pytest.mark.parametrize("score", SCORES)
@given(confusion=COUNTS, rare=st.sets(st.integers(0, 3)))
def test_training_measures_what_the_table_says(score, confusion, rare):
    measured = summarise(torch.tensor(confusion), OUTPUT, sorted(rare))
    recalls = {name: recall for name, recall in measured["recall"].items() if recall is not None}
    names = {OUTPUT.class_names[z] for z in rare}
    classes = TABLE[score].classes(recalls, names) if recalls else ()
    mean = sum(recalls[name] for name in classes) / len(classes) if classes else None
    assert measured[score] == (None if mean is None else pytest.approx(mean))
