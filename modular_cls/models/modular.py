"""The modular classifier: backbone -> attribute heads -> composite heads."""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from modular_cls.config import Part
from modular_cls.errors import ConfigError, UndefinedError
from modular_cls.models import heads
from modular_cls.models.heads import AttributeHead, ConclusionHead, DirectHead
from modular_cls.models.joint_classifier import DIRECT, JointClassifier, LinearScores, Stem
from modular_cls.models.reachable import one_hot
from modular_cls.parts import build_part
from modular_cls.schema import Composite, Conclusion, Schema


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

    Example:
        >>> import torch
        >>> from modular_cls import ModularClassifier, Schema
        >>> schema = Schema.from_dict({
        ...     "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        ...     "composites": {"hair_gender": {"attributes": ["hair", "gender"]}},
        ... })
        >>> model = ModularClassifier(schema, 8)  # on 8 features that come from elsewhere
        >>> scores = model.score(torch.randn(3, 8))
        >>> {name: tuple(score.shape) for name, score in scores.items()}
        {'hair': (3, 2), 'gender': (3, 2), 'hair_gender': (3, 4)}
        >>> added = scores["hair"][:, :, None] + scores["gender"][:, None]  # biases are still 0
        >>> torch.allclose(scores["hair_gender"], added.flatten(1))
        True
        >>> joint, seen = schema.joints[0], torch.tensor([True, True, True, False])
        >>> model.reachable(joint, seen).tolist()  # a long-haired man, from the three others
        [True, True, True, True]
    """

    def __init__(
        self,
        schema: Schema,
        backbone: Stem,
        *,
        composite: Part | str = "Additive",
        interaction: bool = False,
    ) -> None:
        super().__init__(schema, backbone)
        self.learned = schema.learned
        build = build_part(composite, heads, heads.CompositeHead, "model.composite")
        self.attribute_heads = nn.ModuleList(
            AttributeHead(self.width, len(a.values)) for a in self.learned.attributes
        )
        joints = self.learned.joints
        self.composite_heads = nn.ModuleList(build(joint=joint) for joint in joints)
        # Of one attribute alone, its own head says all that there is to say.
        crossed = [j for j in joints if len(j.attributes) > 1 and interaction]
        self._crossed = [joint.name for joint in crossed]
        self.direct_heads = nn.ModuleList(DirectHead(self.width, joint) for joint in crossed)
        self.conclusion_heads = nn.ModuleList(ConclusionHead(c) for c in schema.conclusions)
        if interaction and not self.adds():
            raise ConfigError("model.interaction needs composite Additive")

    def adds(self) -> bool:
        """Whether all composite heads add attribute scores up."""
        return all(isinstance(head, heads.Additive) for head in self.composite_heads)

    def attribute_scores(self, features: Tensor) -> dict[str, Tensor]:
        """Features `(B, F)` -> `{attribute: (B, values)}`."""
        pairs = zip(self.learned.attributes, self.attribute_heads, strict=True)
        return {a.name: head(features) for a, head in pairs}

    def score(self, features: Tensor) -> dict[str, Tensor]:
        """Features `(B, F)` -> scores of each attribute and, composed of them, each joint space.

        In training, direct heads stand beside what is composed, to be learned: `{joint space
        DIRECT: (B, classes)}`.
        """
        scores = self.attribute_scores(features)
        direct = {name: head(features) for name, head in self.direct.items()}
        if self.training and not self.frozen:
            return self._composed(scores) | {name + DIRECT: d for name, d in direct.items()}
        return self.compose(scores | direct)

    @property
    def direct(self) -> dict[str, DirectHead]:
        """The direct heads by joint space."""
        heads = cast("list[DirectHead]", list(self.direct_heads))
        return dict(zip(self._crossed, heads, strict=True))

    def compose(self, scores: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Scores of attributes, and of joint spaces by direct heads -> those of all."""
        composed = self._composed(scores)
        for name, direct in self.direct.items():
            composed[name] = direct.combine(scores[name], composed[name])
        return composed

    def _composed(self, scores: Mapping[str, Tensor]) -> dict[str, Tensor]:
        composed = dict(scores)
        for joint, head in zip(self.learned.joints, self.composite_heads, strict=True):
            composed[joint.name] = head([scores[a.name] for a in joint.attributes])
        return composed

    def conclude(self, known: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What probabilities of attributes speak for."""
        heads = cast("list[ConclusionHead]", list(self.conclusion_heads))
        pairs = zip(self.schema.conclusions, heads, strict=True)
        return {
            c.attribute.name: head(self.premises(c, known).to(head.weight.dtype))
            for c, head in pairs
        }

    @staticmethod
    def premises(conclusion: Conclusion, known: Mapping[str, Tensor]) -> Tensor:
        """Log probabilities by output -> probabilities of the sources' values, (B, width)."""
        return torch.cat([known[a.name] for a in conclusion.sources], dim=1).exp()

    def linear(self, output: Composite) -> LinearScores:
        """An attribute: its head. A joint space: the rows of its attributes' heads, added up."""
        names = [a.name for a in self.learned.attributes]
        basic = cast("list[AttributeHead]", list(self.attribute_heads))
        by_name = dict(zip(names, basic, strict=True))
        if output.name in by_name and output not in self.learned.joints:
            head = by_name[output.name]
            return LinearScores([head], torch.eye(output.size).double(), head.bias)
        composite = self.composite_heads[self.learned.joints.index(output)]
        if not isinstance(composite, heads.Additive):
            raise UndefinedError(
                f"{type(composite).__name__} heads fitted through to frozen features are no convex "
                "problem"
            )
        rows = [by_name[a.name] for a in output.attributes]
        return LinearScores(list(rows), one_hot(output), composite.bias, sign=-1)

    def reachable(self, joint: Composite, seen: Tensor) -> Tensor:
        """As the composite head says; of what is concluded the seen values."""
        if joint not in self.learned.joints:
            return seen.clone()
        head = cast(heads.CompositeHead, self.composite_heads[self.learned.joints.index(joint)])
        return head.reachable(joint, seen)
