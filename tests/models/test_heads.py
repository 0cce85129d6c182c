"""Composite and direct heads: what they score, learn and reach."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modular_cls.errors import ConfigError
from modular_cls.models import ModularClassifier
from modular_cls.models.heads import MLP, Additive, DirectHead, Linear, Product
from modular_cls.schema import Attribute, Composite, Schema


def composite(*sizes):
    return Composite(
        "z",
        tuple(Attribute(f"a{i}", tuple(f"v{i}{j}" for j in range(n))) for i, n in enumerate(sizes)),
    )


@st.composite
def joint_and_seen(draw, min_attributes=1, max_attributes=4):
    """A joint space and some classes of it: about as many as can decide, so that neither answer is rare."""
    joint = composite(
        *draw(st.lists(st.integers(2, 4), min_size=min_attributes, max_size=max_attributes))
    )
    unknowns = sum(len(a.values) for a in joint.attributes)
    chosen = draw(
        st.sets(st.integers(0, joint.size - 1), min_size=1, max_size=min(joint.size, unknowns + 4))
    )
    seen = torch.zeros(joint.size, dtype=torch.bool)
    seen[list(chosen)] = True
    return joint, seen


@given(joint_and_seen())
def test_what_more_heads_can_reach(case):
    """Products reach every combination of seen values; addition no more than that, and all that was seen."""
    joint, seen = case
    values = [
        {cell[i] for cell, s in zip(joint.cells, seen, strict=True) if s}
        for i in range(len(joint.attributes))
    ]
    additive, product = (head.reachable(joint, seen) for head in (Additive, Product))
    assert product.tolist() == [
        all(v in known for v, known in zip(cell, values, strict=True)) for cell in joint.cells
    ]
    assert (seen <= additive).all()
    assert (additive <= product).all()


@settings(max_examples=25)
@given(st.lists(st.integers(2, 4), min_size=1, max_size=3), st.integers(0, 10_000))
def test_additive_and_product_against_loops(sizes, seed):
    torch.manual_seed(seed)
    joint = composite(*sizes)
    scores = [torch.randn(3, n) for n in sizes]
    additive, product = Additive(joint), Product(joint)
    torch.nn.init.normal_(additive.bias)
    for z, cell in enumerate(joint.cells):
        energy = sum(s[:, v] for s, v in zip(scores, cell, strict=True))
        chance = torch.stack([s.softmax(1)[:, v] for s, v in zip(scores, cell, strict=True)]).prod(
            0
        )
        torch.testing.assert_close(additive(scores)[:, z], energy - additive.bias[z])
        torch.testing.assert_close(product(scores)[:, z].exp(), chance)


@pytest.mark.parametrize("head", [Linear, MLP])
def test_learned_heads_reach_only_what_they_saw(head):
    joint = composite(2, 3)
    seen = torch.tensor([True, True, False, True, False, False])
    assert head.reachable(joint, seen).equal(seen)
    assert head(joint)([torch.randn(5, 2), torch.randn(5, 3)]).shape == (5, 6)


def test_product_reaches_combinations_of_seen_values():
    joint = composite(2, 2)
    assert Product.reachable(joint, torch.tensor([True, False, False, True])).all()
    assert Product.reachable(joint, torch.tensor([True, True, False, False])).tolist() == [
        True,
        True,
        False,
        False,
    ]


SCHEMA = Schema.from_dict(
    {
        "attributes": {"hair": ["short", "medium", "long"], "gender": ["female", "male"]},
        "composites": {"both": {"attributes": ["hair", "gender"]}},
    }
)
JOINT = SCHEMA.joints[0]


def head_and_inputs(trust):
    torch.manual_seed(0)
    head = DirectHead(5, JOINT).requires_grad_(False)
    head.trust.copy_(torch.tensor(trust))
    return head, torch.randn(7, 5), 3 * torch.randn(7, 6)


def test_without_trust_all_is_composed():
    head, features, composed = head_and_inputs([0.0] * 6)
    assert torch.equal(head.combine(head(features), composed), composed)


def test_with_full_trust_all_is_direct():
    head, features, composed = head_and_inputs([1.0] * 6)
    difference = head.combine(head(features), composed) - head(features)
    torch.testing.assert_close(difference, difference[:, :1].expand(7, 6))
    torch.testing.assert_close(
        head.combine(head(features), composed).logsumexp(1), composed.logsumexp(1)
    )


def test_classes_without_images_are_compared_as_composed():
    """Whatever the direct head says of the seen classes, together they stand to the unseen as composed."""
    trust = [1.0, 1.0, 0.0, 1.0, 1.0, 0.0]
    head, features, composed = head_and_inputs(trust)
    seen = torch.tensor(trust) > 0
    combined = head.combine(head(features), composed)
    assert torch.equal(combined[:, ~seen], composed[:, ~seen])
    torch.testing.assert_close(combined[:, seen].logsumexp(1), composed[:, seen].logsumexp(1))
    share = combined.softmax(1)
    torch.testing.assert_close(share[:, ~seen], composed.softmax(1)[:, ~seen])
    torch.testing.assert_close(
        share[:, seen] / share[:, seen].sum(1, keepdim=True), head(features)[:, seen].softmax(1)
    )


def test_trust_is_the_way_from_one_to_the_other():
    full, features, composed = head_and_inputs([1.0] * 6)
    half, _, _ = head_and_inputs([0.5] * 6)
    middle = (full.combine(full(features), composed) + composed) / 2
    torch.testing.assert_close(half.combine(half(features), composed), middle)


def test_gradients_stay_finite_where_classes_are_unseen():
    head, features, composed = head_and_inputs([1.0, 0.5, 0.0, 1.0, 1.0, 0.0])
    composed.requires_grad_()
    head.combine(head(features), composed).softmax(1)[:, 2].sum().backward()
    assert composed.grad.isfinite().all()


def test_an_attribute_alone_has_no_direct_head():
    """Its own head scores its values from features already."""
    spec = SCHEMA.to_dict()
    spec["attributes"] |= {"hat": ["no", "yes"]}
    model = ModularClassifier(Schema.from_dict(spec), 5, interaction=True)
    assert list(model.direct) == ["both"]
    assert model(torch.randn(4, 5))["hat*"].shape == (4, 2)


def test_in_a_model_on_features_from_elsewhere():
    model = ModularClassifier(SCHEMA, 5, interaction=True)
    assert model.frozen
    assert len(model.direct_heads) == 1
    features = torch.randn(4, 5)
    assert model(features)["both"].shape == (4, 6)
    plain = ModularClassifier(SCHEMA, 5)
    plain.load_state_dict(model.state_dict(), strict=False)
    torch.testing.assert_close(model.score(features)["both"], plain.score(features)["both"])
    with pytest.raises(ConfigError, match="interaction needs composite Additive"):
        ModularClassifier(SCHEMA, 5, composite="Product", interaction=True)
