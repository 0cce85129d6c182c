"""What modular and flat have in common: joint scores in, probabilities of every output out."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from modular_cls.config import Backbone
from modular_cls.models.backbone import create_backbone
from modular_cls.models.by_space import BySpace
from modular_cls.schema import Composite, Schema

DIRECT = "/direct"  # after a joint space's name: scores of its direct head, in training


@dataclass(frozen=True)
class LinearScores:
    """Scores of the classes of an output that are linear in features.

    `score_z = sum_p A_zp (w_p h + c_p) + sign bias_z`, the rows w_p, c_p stacked from several
    heads.

    Attributes:
        heads: Whose rows they are; several outputs may share some.
        structure: A, shape (classes, rows).
        bias: Of the classes, shape (classes,).
        sign: 1, or -1 where the bias is taken away.
    """

    heads: list[nn.Linear]
    structure: Tensor
    bias: Tensor
    sign: int = 1


class OutsideNetwork(nn.Module):
    """A network that is not timm's, `(B, 3, H, W) -> (B, F)`, for use and not for training.

    Attributes:
        width: F.
        frozen: Whether heads were fitted to its features as they came.
    """

    width: int
    frozen: bool


class JointClassifier(nn.Module):
    """A backbone and something that scores the joint classes of each joint space of a schema.

    Scores carry no prior where the criterion adds that of training (JointLikelihood with tau = 1);
    trained otherwise, they keep training's within. Prediction adds the target prior (`log_priors`).
    Attribute and composite outputs are marginals of the joint probabilities, so a method is scored
    the same way whatever it is made of.

    Args:
        schema: Attributes and composites.
        backbone: The shared network; or the width F of features that come from elsewhere; or
            another classifier, to use its network; or a network that is not timm's.

    Attributes:
        learned: What is scored from features: the schema without what the model concludes.
        frozen: Whether features are taken as they come, and only heads are fitted to them.
        pretrained: Whether the network starts from weights that know pictures already.
    """

    attribute_heads: nn.ModuleList

    def __init__(self, schema: Schema, backbone: "Stem") -> None:
        super().__init__()
        self.schema, self.learned, self.pretrained = schema, schema, True
        self.backbone: nn.Module
        if isinstance(backbone, int):
            self.backbone, self.width, self.frozen = nn.Identity(), backbone, True
        elif isinstance(backbone, OutsideNetwork):
            self.backbone, self.width, self.frozen = backbone, backbone.width, backbone.frozen
        elif isinstance(backbone, JointClassifier):
            other = backbone
            self.backbone, self.width, self.frozen = other.backbone, other.width, other.frozen
        else:
            self.backbone, self.width = create_backbone(backbone)
            self.frozen, self.pretrained = backbone.frozen, backbone.pretrained
        none_yet = {joint.name: torch.zeros(joint.size) for joint in schema.joints}
        self._log_priors = BySpace(self, "_log_prior", none_yet)

    def train(self, mode: bool = True) -> "JointClassifier":
        """As always, but a pretrained network keeps the statistics of its batch norms.

        A few updates' batches would replace those of a million pictures.
        """
        super().train(mode)
        if self.pretrained:
            for part in self.backbone.modules():
                # What 1d, 2d, 3d and synchronised ones have in common has no public name.
                if isinstance(part, nn.modules.batchnorm._BatchNorm):
                    part.eval()
        return self

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Images `(B, 3, H, W)` -> prior-free scores by name; see `score`."""
        return self.score(self.extract(image))

    def extract(self, image: Tensor) -> Tensor:
        """Images `(B, 3, H, W)` -> features `(B, F)`.

        Those of a frozen backbone are rounded to half precision, as they are kept on disk: heads
        then see the same numbers whether a picture was met before or not. Features from elsewhere
        stay as they are.
        """
        if isinstance(self.backbone, nn.Identity):
            return image
        features: Tensor = self.backbone(image.contiguous(memory_format=torch.channels_last))
        return features.half().to(features.dtype) if self.frozen else features

    def score(self, features: Tensor) -> dict[str, Tensor]:
        """Features `(B, F)` -> `{joint space: (B, classes)}`.

        A model with attribute heads adds their raw scores, `{attribute: (B, values)}`; they are no
        probabilities, those come from `log_probabilities`.
        """
        raise NotImplementedError

    def reachable(self, joint: Composite, seen: Tensor) -> Tensor:
        """Joint classes that can be predicted when those of the mask `seen` were trained on."""
        raise NotImplementedError

    def linear(self, output: Composite) -> LinearScores:
        """How an output's scores are linear in features, for a solver to fill in.

        Raises:
            UndefinedError: If they are not.
        """
        raise NotImplementedError

    def backbone_weights(self) -> dict[str, Tensor]:
        """The backbone's weights, by name."""
        return {n: t for n, t in self.state_dict().items() if n.startswith("backbone.")}

    def head_weights(self) -> dict[str, Tensor]:
        """All weights but the backbone's, by name."""
        return {n: t for n, t in self.state_dict().items() if not n.startswith("backbone.")}

    @property
    def log_priors(self) -> dict[str, Tensor]:
        """Log of the target prior of each joint space, shape (classes,).

        -inf is never predicted.
        """
        return dict(self._log_priors)

    def set_priors(self, priors: Mapping[str, Tensor]) -> None:
        """Set the target prior of each joint space; saved with the weights.

        Args:
            priors: Shares by joint space, shape (classes,); need not sum to 1.
        """
        for name, buffer in self.log_priors.items():
            buffer.copy_(priors[name].log())

    def log_probabilities(
        self,
        scores: Mapping[str, Tensor],
        log_priors: Mapping[str, Tensor] | None = None,
        evidence: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Scores -> `{output: (B, classes)}`.

        Log probabilities under a prior and what else is known.

        Every attribute and composite is the marginal of the joint space that it is part of; of
        several the average of their log marginals.

        Args:
            scores: What `score` returns.
            log_priors: Log prior by joint space, shape (classes,); default the model's target
                prior.
            evidence: By attribute, what is added to the log probability of each value, shape
                (values,): 0 for one value and -inf for all others sets the attribute by hand.
        """
        log_priors = self.log_priors if log_priors is None else log_priors
        added = {
            space.name: log_priors[space.name].cpu() + self.of_classes(space, evidence)
            if evidence
            else log_priors[space.name]
            for space in self.schema.joints
        }
        joint = {
            space.name: _normalised(scores[space.name], added[space.name])
            for space in self.learned.joints
        }
        answers = {output.name: self._answer(joint, output) for output in self.learned.outputs}
        for name, concluded in self.conclude(answers).items():
            answers[name] = _normalised(concluded, added[f"{name}*"])
        return {output.name: answers[output.name] for output in self.schema.outputs}

    def conclude(self, known: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Log probabilities of what is learned -> scores of what is concluded, both by output."""
        return {}

    @staticmethod
    def of_classes(space: Composite, evidence: Mapping[str, Tensor]) -> Tensor:
        """The evidence for each joint class of a space, shape (classes,)."""
        total = torch.zeros(space.size)
        for i, attribute in enumerate(space.attributes):
            if attribute.name in evidence:
                total = total + evidence[attribute.name].cpu()[torch.tensor(space.cells)[:, i]]
        return total

    def _answer(self, joint: Mapping[str, Tensor], output: Composite) -> Tensor:
        spaces = self.learned.answering(output)
        each = [_marginal(joint[space.name], space, output) for space in spaces]
        return each[0] if len(each) == 1 else _average(torch.stack(each))


def _normalised(scores: Tensor, added: Tensor) -> Tensor:
    return (scores + added.to(scores.device)).log_softmax(1)


def _marginal(logs: Tensor, space: Composite, output: Composite) -> Tensor:
    """Log probabilities of a joint space (B, classes) -> of an output's classes."""
    if space.attributes == output.attributes:
        return logs
    axes = [1 + space.attributes.index(a) for a in output.attributes]
    others = [i for i in range(1, 1 + len(space.attributes)) if i not in axes]
    grid = logs.unflatten(1, [len(a.values) for a in space.attributes])
    kept = sorted(axes)  # the axes that are left, in the order of the space
    summed = grid.logsumexp(others) if others else grid
    return summed.permute(0, *(1 + kept.index(axis) for axis in axes)).flatten(1)


def _average(each: Tensor) -> Tensor:
    """Log probabilities by several spaces (S, B, classes) -> their average, normalised.

    What one space never predicts is left to those that do.
    """
    possible = each > -torch.inf
    number = possible.sum(0)
    mean = torch.where(possible, each, 0).sum(0) / number.clamp(min=1)
    return mean.masked_fill(number == 0, -torch.inf).log_softmax(1)


Stem = Backbone | int | OutsideNetwork | JointClassifier  # what features come from
