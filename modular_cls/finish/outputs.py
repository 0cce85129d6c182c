"""Fit what is concluded from attributes: the last step of a model that concludes."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from modular_cls.criteria import log_share
from modular_cls.errors import ConfigError
from modular_cls.features.linear import fit_linear
from modular_cls.finish.step import Counts, Features, FinishStep
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.models.modular import ModularClassifier


@dataclass(frozen=True, kw_only=True)
class FitOutputs(FinishStep):
    """Fit each conclusion head to the probabilities that attributes have in training images.

    After all other steps, for these change the probabilities. They are of heads that were fitted
    without the image, where there are such. The ridge is chosen by cross-validation. Nothing else
    is changed: no label of what is concluded reaches network or attribute heads, so that attributes
    stay what they are called.
    """

    def check(self, model: JointClassifier, counts: Mapping[str, Counts]) -> None:
        """Needs training images of two values of each."""
        for conclusion in model.schema.conclusions:
            name = conclusion.attribute.name
            self.check_one(name, counts["train"][f"{name}*"])

    @staticmethod
    def check_one(name: str, counts: Tensor) -> None:
        """Refuse a conclusion without images of two values; counts of shape (values,)."""
        if (known := int((counts > 0).sum())) < 2:
            raise ConfigError(
                f"schema.outputs.{name}: training images know {known} of its values; at least two "
                "are needed to conclude anything"
            )

    @torch.no_grad()
    def __call__(self, model: JointClassifier, images: Mapping[str, Features]) -> dict[str, float]:
        """Fill the heads; notes the ridges."""
        assert isinstance(model, ModularClassifier)  # only such have any
        notes: dict[str, float] = {}
        for i in range(len(model.schema.conclusions)):
            notes |= self.fit(model, i, images["train"])
        return notes

    @torch.no_grad()
    def fit(self, model: ModularClassifier, i: int, train: Features) -> dict[str, float]:
        """Fill the head of one conclusion of the schema."""
        conclusion, head = model.schema.conclusions[i], model.conclusion_heads[i]
        assert isinstance(head, nn.Linear)
        name = conclusion.attribute.name
        scores = model.compose(train.scores) if train.scores else model.score(train.features)
        known = model.log_probabilities(scores)
        target = train.targets[name].cpu()
        shares = log_share(torch.bincount(target[target >= 0], minlength=head.out_features))
        rows = model.premises(conclusion, known)
        solution = fit_linear(rows, target, shares, identity=train.identity)
        head.weight.copy_(solution.weight)
        head.bias.copy_(solution.bias)
        return {f"ridge/{name}": solution.ridge}
