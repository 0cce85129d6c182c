"""The modular classifier: backbone -> attribute heads -> composite heads."""

from typing import cast

from torch import Tensor, nn

from modular_cls.config import Backbone, Part
from modular_cls.models import heads
from modular_cls.models.heads import AttributeHead
from modular_cls.models.joint import JointClassifier
from modular_cls.parts import build_part
from modular_cls.schema import Composite, Schema


class ModularClassifier(JointClassifier):
    """Basic attribute classifiers on a shared backbone, composed into joint classes.

    Args:
        schema: Attributes and composites.
        backbone: The shared network.
        composite: A composite head of `models/heads.py`: Additive, Product, Linear or MLP.

    Raises:
        ConfigError: If the backbone or the composite head does not exist.
    """

    def __init__(
        self, schema: Schema, backbone: Backbone, composite: Part | str = "Additive"
    ) -> None:
        super().__init__(schema, backbone)
        build = build_part(composite, heads, "model.composite")
        self.attribute_heads = nn.ModuleList(
            AttributeHead(self.width, len(a.values)) for a in schema.attributes
        )
        self.composite_heads = nn.ModuleList(build(joint=joint) for joint in schema.joints)

    def attribute_scores(self, features: Tensor) -> dict[str, Tensor]:
        """Features `(B, F)` -> `{attribute: (B, values)}`."""
        pairs = zip(self.schema.attributes, self.attribute_heads, strict=True)
        return {a.name: head(features) for a, head in pairs}

    def score(self, features: Tensor) -> dict[str, Tensor]:
        """Features `(B, F)` -> scores of each attribute and, composed of them, each joint space."""
        attributes = self.attribute_scores(features)
        pairs = zip(self.schema.joints, self.composite_heads, strict=True)
        joint = {j.name: head([attributes[a.name] for a in j.attributes]) for j, head in pairs}
        return attributes | joint

    def reachable(self, joint: Composite, seen: Tensor) -> Tensor:
        """As the composite head says."""
        head = cast(heads.CompositeHead, self.composite_heads[self.schema.joints.index(joint)])
        return head.reachable(joint, seen)
