"""The direct head beside a composed one: how far it is believed."""

import pytest
import torch

from modular_cls.errors import ConfigError
from modular_cls.models import ModularClassifier
from modular_cls.models.heads import DirectHead
from modular_cls.schema import Schema

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
