"""The flat classifier: backbone -> joint classes, the baseline on identical terms."""

import math
from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

from modular_cls.errors import UndefinedError, require
from modular_cls.models.heads import AttributeHead, Cosine
from modular_cls.models.joint_classifier import JointClassifier, LinearScores, Stem
from modular_cls.schema import Attribute, Composite, Schema


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
        backbone: Stem,
        *,
        cosine_scale: float | None = None,
        auxiliaries: bool = False,
    ) -> None:
        if cosine_scale is not None:
            where = "model (FlatClassifier): cosine_scale"
            require(0 < cosine_scale < math.inf, where, cosine_scale, "above 0, or null")
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

    def linear(self, output: Composite) -> LinearScores:
        """A row a class."""
        heads: dict[str, nn.Module] = dict(
            zip(_names(self.schema.joints), self.joint_heads, strict=True)
        )
        heads |= zip(_names(self.schema.attributes), self.attribute_heads, strict=False)
        head = heads[output.name]
        if not isinstance(head, nn.Linear) or head.bias is None:
            raise UndefinedError(f"{type(head).__name__} heads are not linear in frozen features")
        return LinearScores([head], torch.eye(output.size).double(), head.bias)

    def linear_heads(self) -> list[nn.Linear]:
        """The linear layer of each joint space, to be refitted; empty if they are not linear."""
        heads = list(self.joint_heads)
        return cast(list[nn.Linear], heads) if all(type(h) is nn.Linear for h in heads) else []

    def reachable(self, joint: Composite, seen: Tensor) -> Tensor:
        """The seen classes: nothing is composed."""
        return seen.clone()


def _names(parts: Iterable[Attribute | Composite]) -> list[str]:
    return [part.name for part in parts]
