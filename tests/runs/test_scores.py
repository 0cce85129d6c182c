"""What is kept of training images for joint classes to come: drawn evenly, written and read back whole."""

from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modular_cls import Schema
from modular_cls.errors import ConfigError
from modular_cls.runs.scores import FILE, AttributeScores

SCHEMA = Schema.from_dict({
    "attributes": {"hair": ["short", "long"], "gender": ["female", "male"], "hat": ["no", "cap", "crown"]},
    "composites": {"all": {"attributes": ["hair", "gender", "hat"]}, "two": {"attributes": ["hat", "hair"]}},
})  # fmt: skip
ROWS = st.lists(
    st.tuples(st.integers(-1, 1), st.integers(-1, 1), st.integers(-1, 2)), min_size=1, max_size=60
)


def drawn(rows, most, seed=0):
    labels = torch.tensor(rows)
    targets = {a.name: labels[:, i] for i, a in enumerate(SCHEMA.attributes)}
    scores = {
        a.name: torch.arange(len(rows))[:, None] * torch.ones(len(a.values))
        for a in SCHEMA.attributes
    }
    return AttributeScores.draw(SCHEMA, scores, targets, seed, most)


@given(ROWS, st.integers(0, 40), st.integers(0, 3))
def test_every_kind_is_kept_evenly_up_to_the_cap(rows, most, seed):
    kept = drawn(rows, most, seed)
    known = [r for r in rows if any(v >= 0 for v in r)]
    assert len(kept.labels) == min(most, len(known))
    positions = kept.scores["hair"][:, 0].long().tolist()
    assert [list(rows[p]) for p in positions] == kept.labels.tolist()
    assert len(set(positions)) == len(positions)
    number = {kind: kept.labels.tolist().count(list(kind)) for kind in set(known)}
    for a, b in product(
        number, repeat=2
    ):  # one kind has more than another only where the other has no more
        assert number[a] <= number[b] + 1 or number[b] == known.count(b)


@given(ROWS, st.integers(0, 40))
def test_counts_are_those_of_all_images(rows, most):
    kept = drawn(rows, most)
    for composite in SCHEMA.composites:
        at = [SCHEMA.attributes.index(a) for a in composite.attributes]
        expected = [sum(tuple(r[i] for i in at) == cell for r in rows) for cell in composite.cells]
        assert kept.count(composite).tolist() == expected
        assert kept.together(composite.attributes) == sum(expected)


@given(ROWS)
def test_images_of_a_joint_space_are_those_that_know_it(rows):
    two = SCHEMA.composite("two")
    scores, target = drawn(rows, 100).of(two)
    known = [(i, r) for i, r in enumerate(rows) if r[2] >= 0 and r[0] >= 0]
    assert [s.shape[1] for s in scores] == [3, 2]
    assert scores[0][:, 0].tolist() == [i for i, _ in known]
    assert [two.cells[z] for z in target.tolist()] == [(r[2], r[0]) for _, r in known]


def test_they_come_back_as_they_were_written(tmp_path):
    kept = drawn([(0, 1, -1), (1, 1, 2), (-1, 0, 0)], 3)
    kept.write(tmp_path)
    again = AttributeScores.read(tmp_path)
    assert again.attributes == kept.attributes
    for name in ("labels", "kinds", "counts"):
        assert torch.equal(getattr(again, name), getattr(kept, name))
    assert all(torch.equal(again.scores[n], kept.scores[n]) for n in kept.attributes)


def test_scores_of_two_sets_stand_together():
    fewer = Schema.from_dict({
        "attributes": {"hair": ["short", "long"]}, "composites": {"hair_": {"attributes": ["hair"]}},
    })  # fmt: skip
    old = AttributeScores.draw(fewer, {"hair": torch.ones(2, 2)}, {"hair": torch.tensor([0, 1])}, 0)
    both = old + drawn([(1, 0, 2)], 9)
    assert both.labels.tolist() == [[0, -1, -1], [1, -1, -1], [1, 0, 2]]
    assert both.scores["hat"].isnan().all(1).tolist() == [True, True, False]
    assert both.together(SCHEMA.attributes[:1]) == 3
    assert both.together(SCHEMA.attributes) == 1


@pytest.mark.parametrize("content", [b"", b"no tensors", b"\x02\0\0\0\0\0\0\0{}"])
def test_broken_scores_are_told(tmp_path, content):
    with pytest.raises(ConfigError, match="holds no scores.safetensors"):
        AttributeScores.read(tmp_path)
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ConfigError, match="is corrupt"):
        AttributeScores.read(tmp_path)
