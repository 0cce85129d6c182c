"""The flat classifier: backbone -> joint classes, the baseline on identical terms."""

from torch import Tensor, nn

from modular_cls.config import Backbone
from modular_cls.models.joint import JointClassifier
from modular_cls.schema import Composite, Schema


class FlatClassifier(JointClassifier):
    """One linear layer scores the joint classes; attributes come out by marginalising.

    Args:
        schema: Attributes and composites.
        backbone: The shared network.
    """

    def __init__(self, schema: Schema, backbone: Backbone) -> None:
        super().__init__(schema, backbone)
        self.joint_heads = nn.ModuleList(nn.Linear(self.width, joint.size) for joint in schema.joints)

    def score(self, features: Tensor) -> dict[str, Tensor]:
        """Features `(B, F)` -> `{joint space: (B, classes)}`."""
        pairs = zip(self.schema.joints, self.joint_heads, strict=True)
        return {joint.name: head(features) for joint, head in pairs}

    def reachable(self, joint: Composite, seen: Tensor) -> Tensor:
        """The seen classes: nothing is composed."""
        return seen.clone()
