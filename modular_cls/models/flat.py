"""The flat classifier: backbone -> joint classes, the baseline on identical terms."""

from typing import cast

from torch import Tensor, nn

from modular_cls.config import Backbone
from modular_cls.models.heads import AttributeHead, Cosine
from modular_cls.models.joint import JointClassifier
from modular_cls.schema import Composite, Schema


class FlatClassifier(JointClassifier):
    """One linear layer scores the joint classes; attributes come out by marginalising.

    Args:
        schema: Attributes and composites.
        backbone: The shared network.
        cosine_scale: Score by `scale * cos(w_z, h)` instead of `w_z h + b_z` (for margins).
        auxiliaries: Also have an attribute head each, for a criterion to train; predictions ignore
            them.
    """

    def __init__(
        self,
        schema: Schema,
        backbone: Backbone,
        cosine_scale: float | None = None,
        auxiliaries: bool = False,
    ) -> None:
        super().__init__(schema, backbone)
        self.joint_heads = nn.ModuleList(
            nn.Linear(self.width, joint.size)
            if cosine_scale is None
            else Cosine(self.width, joint.size, cosine_scale)
            for joint in schema.joints
        )
        helped = schema.attributes if auxiliaries else ()
        self.attribute_heads = nn.ModuleList(
            AttributeHead(self.width, len(a.values)) for a in helped
        )

    def score(self, features: Tensor) -> dict[str, Tensor]:
        """Features `(B, F)` -> `{joint space: (B, classes)}`; attribute scores of auxiliaries."""
        pairs = zip(self.schema.joints, self.joint_heads, strict=True)
        joint = {joint.name: head(features) for joint, head in pairs}
        # No heads without auxiliaries.
        basic = zip(self.schema.attributes, self.attribute_heads, strict=False)
        return {a.name: head(features) for a, head in basic} | joint

    def linear_heads(self) -> list[nn.Linear]:
        """The linear layer of each joint space, to be refitted; empty if they are not linear."""
        heads = list(self.joint_heads)
        return cast(list[nn.Linear], heads) if all(type(h) is nn.Linear for h in heads) else []

    def reachable(self, joint: Composite, seen: Tensor) -> Tensor:
        """The seen classes: nothing is composed."""
        return seen.clone()
