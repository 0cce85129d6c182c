"""Images that know some attributes only, against loops."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.criteria import JointAndAttributes, JointLikelihood
from modular_cls.criteria.groups import LabelGroups
from modular_cls.errors import ConfigError
from modular_cls.schema import Schema
from tests.criteria.partly_labelled import JOINT, PAIR, SCHEMA, built, manifest, targets


def slow(scores, labels, rows, tau, within):
    """The formula, class by class: within(known values, class) is p(unknown | known)."""
    losses = []
    for s, row in zip(scores.double(), rows, strict=True):
        known = [i for i, v in enumerate(row) if v >= 0]
        if not known:
            continue
        group = [r for r in labels if [i for i, v in enumerate(r) if v >= 0] == known]
        weight = []
        for cell in JOINT.cells:
            share = sum(all(r[i] == cell[i] for i in known) for r in group) / len(group)
            weight.append(
                (share * within(known, cell)) ** tau * math.exp(s[JOINT.cells.index(cell)])
            )
        mine = sum(
            w
            for w, cell in zip(weight, JOINT.cells, strict=True)
            if all(row[i] == cell[i] for i in known)
        )
        losses.append(math.log(sum(weight)) - math.log(mine))
    return sum(losses) / max(len(losses), 1)


LABELS = st.lists(
    st.tuples(st.integers(-1, 2), st.integers(-1, 1), st.integers(-1, 1)), min_size=2, max_size=25
).filter(lambda rows: any(-1 in r and max(r) >= 0 for r in rows) and any(-1 not in r for r in rows))


@given(LABELS, st.sampled_from([0.0, 1.0]), st.integers(0, 1000))
def test_marginal_likelihood_against_loops(labels, tau, seed):
    scores = torch.randn(len(labels), JOINT.size, generator=torch.Generator().manual_seed(seed))

    def flat(known, cell):
        return 1 / math.prod(
            len(a.values) for i, a in enumerate(JOINT.attributes) if i not in known
        )

    def independent(known, cell):
        share = 1.0
        for i in set(range(3)) - set(known):
            known_rows = [r for r in labels if r[i] >= 0]
            share *= sum(r[i] == cell[i] for r in known_rows) / len(known_rows)
        return share

    loss = built(labels, tau=tau).eval()({"all": scores}, targets(labels))  # em starts flat
    assert float(loss) == pytest.approx(slow(scores, labels, labels, tau, flat), rel=1e-4, abs=1e-5)
    if all(any(r[i] >= 0 for r in labels) for i in range(3)) and tau:
        loss = built(labels, unknown="independent").eval()({"all": scores}, targets(labels))
        assert float(loss) == pytest.approx(
            slow(scores, labels, labels, tau, independent), rel=1e-4, abs=1e-4
        )


def test_shares_of_the_labelled_part():
    rows = [(1, 1)] * 0 + [(0, 0)] * 6 + [(0, 1)] * 2 + [(1, 0)] * 4 + [(0, -1)] * 8 + [(-1, 1)] * 5
    groups = built(rows, PAIR, unknown="labelled").groups["0"]
    prior = groups.log_prior().exp()
    named = [tuple(k) for k in groups.known.tolist()]
    hair, gender = prior[named.index((True, False))], prior[named.index((False, True))]
    assert hair.tolist() == pytest.approx(
        [0.75, 0.25, 0, 0], abs=1e-6
    )  # of short-haired 6 to 2; no long-haired row
    assert gender.tolist() == pytest.approx(
        [0, 1, 0, 0], abs=1e-6
    )  # all men of the labelled part are short-haired


def test_without_partly_labelled_images_nothing_changes():
    rows = list(itertools.product(range(3), range(2), range(2)))
    whole = built(rows)
    assert not whole.groups
    scores = torch.randn(12, 12)
    counts = {"all": torch.ones(12, dtype=torch.long)}
    torch.testing.assert_close(
        whole({"all": scores}, targets(rows)),
        JointLikelihood(SCHEMA, counts)({"all": scores}, targets(rows)),
    )
    assert whole.notes() == {}


def test_a_group_with_one_value_has_nothing_to_say():
    rows = [(0, 0), (0, 1), (1, 0)] + [(-1, 1)] * 5
    scores = torch.randn(8, 4, requires_grad=True)
    built(rows, PAIR)({"both": scores}, targets(rows, PAIR)).backward()
    assert scores.grad[3:].abs().max() < 1e-7
    assert scores.grad[:3].abs().max() > 0.01


def test_unseen_classes_learn_from_partly_labelled_images():
    rows = [(0, 0), (0, 1), (1, 0), (-1, 1), (-1, 0), (1, -1), (0, -1)]
    scores = torch.zeros(7, 4, requires_grad=True)
    built(rows, PAIR)({"both": scores}, targets(rows, PAIR)).backward()
    assert scores.grad[:3, 3].abs().max() == 0
    assert (scores.grad[[3, 5], 3] < 0).all()
    assert (scores.grad[[4, 6], 3] > 0).all()


def test_em_finds_the_shares_that_made_the_images():
    """With the true scores given, the estimate converges to the shares of the unknown values."""
    torch.manual_seed(0)
    rare, share = (
        3,
        torch.tensor([0.7, 0.3]),
    )  # of the long-haired 30 % are men, whom nobody labelled
    gender = torch.multinomial(share, 4000, replacement=True)
    x = torch.randn(4000) + 2 * gender  # p(x | gender) is normal around 0 or 2
    scores = torch.zeros(4000, 4)
    scores[:, 2], scores[:, rare] = -(x**2) / 2, -((x - 2) ** 2) / 2
    scores[:, :2] = -20.0
    labels = [(0, 0), (0, 1), (1, 0)] * 10 + [(1, -1)] * 4000 + [(0, -1)]
    criterion = built(labels, PAIR).train()
    rows = targets([(1, -1)] * 4000, PAIR)
    for i in range(300):
        part = slice(100 * (i % 40), 100 * (i % 40) + 100)
        criterion({"both": scores[part]}, {k: v[part] for k, v in rows.items()})
    notes = criterion.notes()
    assert notes["share/hair/long_male"] == pytest.approx(0.3, abs=0.03)
    assert notes["share/hair/long_male"] + notes["share/hair/long_female"] == pytest.approx(
        1, abs=1e-3
    )


def test_em_forgets_what_it_thought_at_first():
    """A model that takes them all for women, as long again for men: in the end they are men."""
    criterion = built([(0, 0), (0, 1), (1, 0), (1, -1), (0, -1)], PAIR).train()
    rows = targets([(1, -1)] * 20, PAIR)
    for gender in (2, 3):
        for _ in range(400):
            scores = torch.zeros(20, 4)
            scores[:, gender] = 20.0
            criterion({"both": scores}, rows)
    assert criterion.notes()["share/hair/long_male"] > 0.9


def test_evaluation_does_not_move_the_estimate():
    rows = [(0, 0), (0, 1), (1, 0), (1, -1), (0, -1)]
    criterion = built(rows, PAIR).eval()
    before = criterion.notes()
    criterion({"both": torch.randn(5, 4)}, targets(rows, PAIR))
    assert criterion.notes() == before
    criterion.train()({"both": 5 * torch.randn(5, 4)}, targets(rows, PAIR))
    assert criterion.notes() != before


def test_rows_of_a_group_that_training_lacks_count_with_a_flat_prior():
    rows = [(0, 0), (0, 1), (1, 0), (1, -1), (0, -1)]
    scores = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    loss = built(rows, PAIR).eval()({"both": scores}, targets([(-1, 1)], PAIR))
    expected = scores[0].logsumexp(0) - scores[0, [1, 3]].logsumexp(0)
    torch.testing.assert_close(loss, expected)


def test_what_is_saved_is_what_was_learned():
    groups = built([(0, 0), (0, 1), (1, 0), (1, -1)], PAIR).label_groups("both")
    assert set(groups.state_dict()) == {"shares"}


def test_groups_are_told_by_the_joint_space_that_has_them():
    criterion = built([(0, 0), (0, 1), (1, 0), (1, -1)], PAIR)
    assert criterion.label_groups("both") is criterion.groups["0"]
    assert criterion.label_groups("hair") is None
    assert built([(0, 0), (0, 1), (1, 0)], PAIR).label_groups("both") is None


def test_an_unknown_rule_is_refused():
    with pytest.raises(ConfigError, match="unknown is 'uniform'.* em, independent, labelled"):
        built([(0, 0), (1, -1)], PAIR, unknown="uniform")


def test_joint_and_attributes_learns_from_partly_labelled_images_too():
    rows = [(0, 0), (0, 1), (1, 0), (1, -1), (0, -1)]
    data = manifest(rows, PAIR)
    counts, observed = (
        torch.from_numpy(data.counts(PAIR.joints[0])),
        torch.from_numpy(data.observed(PAIR.joints[0])),
    )
    criterion = JointAndAttributes(PAIR, {"both": counts}, {"both": observed}, weight=0.0)
    scores = torch.zeros(5, 4, requires_grad=True)
    criterion(
        {"both": scores, "hair": torch.zeros(5, 2), "gender": torch.zeros(5, 2)},
        targets(rows, PAIR),
    ).backward()
    assert (scores.grad[3, 2:] < 0).all()


def test_grid_of_observations_counts_every_row():
    rows = [(0, 0, 1), (0, -1, 1), (-1, -1, -1), (2, 1, 0), (0, -1, 1)]
    grid = manifest(rows).observed(JOINT)
    assert grid.shape == (4, 3, 3)
    assert grid.sum() == 5
    assert (grid[0, 0, 1], grid[0, -1, 1], grid[-1, -1, -1], grid[2, 1, 0]) == (1, 2, 1, 1)
    assert not LabelGroups.needed(torch.from_numpy(manifest(rows[2:4]).observed(JOINT)))


def test_classes_taught_by_parts():
    whole = [(0, 0), (0, 1), (1, 0)]
    assert built(whole, PAIR).taught_by_parts("both") is None
    both = built([*whole, (1, -1), (-1, 1), (-1, 0), (0, -1)], PAIR)
    assert both.taught_by_parts("both").all()
    only_men = built([*whole, (1, -1), (0, -1), (-1, 1)], PAIR).taught_by_parts("both")
    assert only_men.tolist() == [False, True, False, True]
    only_hair = built([*whole, (1, -1), (0, -1)], PAIR)
    assert not only_hair.taught_by_parts("both").any()
    ruled_out = built([*whole, (1, -1), (-1, 1), (-1, 0), (0, -1)], PAIR, unknown="labelled")
    assert ruled_out.taught_by_parts("both").tolist() == [True, True, True, False]


@pytest.mark.parametrize("smoothing", [0, -1, math.nan])
def test_smoothing_that_would_divide_by_nothing_is_refused(smoothing):
    with pytest.raises(ConfigError, match="smoothing is .*; it must be above 0"):
        built([(0, 0), (1, -1)], PAIR, smoothing=smoothing)


@pytest.mark.parametrize("unknown", ["em", "independent", "labelled"])
def test_half_precision_changes_little_whatever_the_counts(unknown):
    """Class counts past what half precision can hold, scores and everything around in bfloat16."""
    rows = [(0, 0), (0, 1), (1, 0), (1, -1), (0, -1), (-1, 1), (-1, 0)]
    data = manifest(rows, PAIR)
    counts = {"both": torch.from_numpy(data.counts(PAIR.joints[0])) * 100_000}
    observed = {"both": torch.from_numpy(data.observed(PAIR.joints[0])) * 100_000}
    scores = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))
    criterion = JointLikelihood(PAIR, counts, observed, unknown=unknown)
    exact = criterion({"both": scores}, targets(rows, PAIR))
    with torch.autocast("cpu", torch.bfloat16):
        half = criterion({"both": scores.bfloat16()}, targets(rows, PAIR))
    torch.testing.assert_close(half, exact, rtol=0.02, atol=0.02)


def test_memory_grows_with_the_classes_not_with_their_square():
    """Ten attributes, a thousand classes, a hundred groups: each class beside each would be 100 million."""
    names = [f"a{i}" for i in range(10)]
    schema = Schema.from_dict(
        {
            "attributes": {name: ["n", "y"] for name in names},
            "composites": {"all": {"attributes": names}},
        }
    )
    joint, rng = schema.joints[0], np.random.default_rng(0)
    labels = rng.integers(-1, 2, (100, 10))
    labels[0] = 1
    data = manifest(labels.tolist(), schema)
    groups = LabelGroups(joint, torch.from_numpy(data.observed(joint)), "em", 1.0)
    assert max(t.numel() for t in groups.buffers()) <= len(groups.known) * joint.size
    group, possible = groups(torch.from_numpy(labels))
    assert possible.sum(1).equal(2 ** torch.from_numpy((labels < 0).sum(1)))
    prior = groups.log_prior()[group].exp()
    assert (prior * possible).sum(1).gt(0).all()
