"""A few rows for a first look: how many, of which split, and that nothing that has rows is lost."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.data.limit import limit_rows
from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "attributes": {"a": ["x", "y"], "b": ["u", "v", "w"], "c": ["0", "1"]},
        "composites": {"ab": {"attributes": ["a", "b"]}},
    }
)


def table(labels, splits):
    labels = np.array(labels, dtype=np.int16).reshape(-1, 3)
    paths = np.array([f"{i}.png" for i in range(len(labels))], dtype=object)
    rows = np.arange(2, len(labels) + 2)
    return Manifest(
        schema=SCHEMA, root=Path(), paths=paths, splits=np.array(splits, dtype=np.int8),
        labels=labels, rows=rows, extra={}, contained=True,
    )  # fmt: skip


@st.composite
def tables(draw):
    seed, rows = draw(st.integers(0, 1000)), draw(st.integers(1, 200))
    rng = np.random.default_rng(seed)
    common = rng.dirichlet([0.3] * 3)  # some values are rare
    labels = np.stack([rng.integers(-1, 2, rows), rng.choice(3, rows, p=common), rng.integers(-1, 2, rows)], 1)  # fmt: skip
    return table(labels, rng.choice(3, rows, p=rng.dirichlet([1] * 3))), seed


@given(tables(), st.integers(10, 60))
def test_as_many_as_asked_for_and_every_class_as_far_as_it_goes(drawn, most):
    whole, seed = drawn
    few = limit_rows(whole, most, seed)
    assert len(few) == min(most, len(whole))
    assert set(few.rows) <= set(whole.rows)
    assert list(few.rows) == sorted(few.rows)
    assert list(limit_rows(whole, most, seed).rows) == list(few.rows)
    for name in SPLITS:
        part, kept = whole.split(name), few.split(name)
        if not len(part):
            continue
        for output in SCHEMA.outputs:
            had, has = (m.targets(output) for m in (part, kept))
            there = set(had[had >= 0])
            if len(kept) >= 6 + 3 + 2 + 2:  # a row for each class of each output
                assert there == set(has[has >= 0])
    if all(len(whole.split(name)) >= most for name in SPLITS):
        assert abs(len(few.split("train")) - most / 2) <= 1


def test_the_rare_are_not_drowned():
    """3 of a joint class among 10,000 rows are all kept, beside as many of each other."""
    rng = np.random.default_rng(0)
    labels = np.stack([rng.integers(0, 2, 10_000), rng.integers(0, 2, 10_000), rng.integers(0, 2, 10_000)], 1)  # fmt: skip
    labels[:3, 1] = 2
    few = limit_rows(table(labels, np.zeros(10_000)), 100, 0)
    assert set(few.rows) >= {2, 3, 4}
    counts = np.bincount(few.targets(SCHEMA.composites[0]), minlength=6)
    assert min(counts[[0, 1, 3, 4]]) >= 20
