"""The modular classifier: backbone -> attribute heads -> composite heads."""

from typing import cast

import torch
from torch import Tensor, nn

from modular_cls.config import Part
from modular_cls.errors import ConfigError, UndefinedError
from modular_cls.models import heads
from modular_cls.models.heads import AttributeHead, DirectHead
from modular_cls.models.joint import DIRECT, JointClassifier, LinearScores, Stem
from modular_cls.models.reach import one_hot
from modular_cls.parts import build_part
from modular_cls.schema import Composite, Schema


class ModularClassifier(JointClassifier):
    """Basic attribute classifiers on a shared backbone, composed into joint classes.

    Args:
        schema: Attributes and composites.
        backbone: The shared network.
        composite: A composite head of `models/heads.py`: Additive, Product, Linear or MLP.
        interaction: Also score joint classes directly where they have images (see `DirectHead`);
            needs Additive. A network trained from scratch is built without (see `model_part`).

    Raises:
        ConfigError: If the backbone or the composite head does not exist.
    """

    def __init__(
        self,
        schema: Schema,
        backbone: Stem,
        composite: Part | str = "Additive",
        interaction: bool = False,
    ) -> None:
        super().__init__(schema, backbone)
        build = build_part(composite, heads, "model.composite")
        self.attribute_heads = nn.ModuleList(
            AttributeHead(self.width, len(a.values)) for a in schema.attributes
        )
        self.composite_heads = nn.ModuleList(build(joint=joint) for joint in schema.joints)
        self.direct_heads = nn.ModuleList(
            DirectHead(self.width, joint) for joint in schema.joints if interaction
        )
        if interaction and not self.adds():
            raise ConfigError("model.interaction needs composite Additive")

    def adds(self) -> bool:
        """Whether all composite heads add attribute scores up."""
        return all(isinstance(head, heads.Additive) for head in self.composite_heads)

    def attribute_scores(self, features: Tensor) -> dict[str, Tensor]:
        """Features `(B, F)` -> `{attribute: (B, values)}`."""
        pairs = zip(self.schema.attributes, self.attribute_heads, strict=True)
        return {a.name: head(features) for a, head in pairs}

    def score(self, features: Tensor) -> dict[str, Tensor]:
        """Features `(B, F)` -> scores of each attribute and, composed of them, each joint space.

        In training, direct heads stand beside what is composed, to be learned: `{joint space
        DIRECT: (B, classes)}`.
        """
        attributes = self.attribute_scores(features)
        pairs = zip(self.schema.joints, self.composite_heads, strict=True)
        joint = {j.name: head([attributes[a.name] for a in j.attributes]) for j, head in pairs}
        for j, direct in zip(self.schema.joints, self.direct_heads, strict=False):
            if self.training and not self.frozen:
                joint[j.name + DIRECT] = direct(features)
            else:
                joint[j.name] = cast(DirectHead, direct).combine(features, joint[j.name])
        return attributes | joint

    def linear(self, output: Composite) -> LinearScores:
        """An attribute: its head. A joint space: the rows of its attributes' heads, added up."""
        names = [a.name for a in self.schema.attributes]
        basic = cast("list[AttributeHead]", list(self.attribute_heads))
        by_name = dict(zip(names, basic, strict=True))
        if output.name in by_name and output not in self.schema.joints:
            head = by_name[output.name]
            return LinearScores([head], torch.eye(output.size).double(), head.bias)
        composite = self.composite_heads[self.schema.joints.index(output)]
        if not isinstance(composite, heads.Additive):
            raise UndefinedError(
                f"{type(composite).__name__} heads fitted through to frozen features are no convex "
                "problem"
            )
        rows = [by_name[a.name] for a in output.attributes]
        return LinearScores(list(rows), one_hot(output), composite.bias, sign=-1)

    def reachable(self, joint: Composite, seen: Tensor) -> Tensor:
        """As the composite head says."""
        head = cast(heads.CompositeHead, self.composite_heads[self.schema.joints.index(joint)])
        return head.reachable(joint, seen)
