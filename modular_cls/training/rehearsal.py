"""A method tried on stand-ins, when its configuration is read: no picture, no network, no table.

Whatever model, criterion and finish steps refuse (arguments, ranges, each other) is refused here,
in milliseconds; what depends on the pictures or the network, `Fit` tries on those.
"""

import torch
from torch import Tensor, nn

from modular_cls import criteria, models
from modular_cls.config import Config
from modular_cls.criteria import Criterion, JointLikelihood
from modular_cls.errors import ConfigError
from modular_cls.finish import FinishStep
from modular_cls.models.build import build_model
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.parts import build_part
from modular_cls.schema import Schema
from modular_cls.training.ending import build_ending, taught_classes

_WIDTH = 8  # features of a stand-in for the network


def rehearse(config: Config) -> None:
    """Build a method on stand-ins and let two images pass, the first and the last joint class.

    Raises:
        ConfigError: If a part does not exist, an argument of it does not fit, or parts do not fit
            each other.
        SchemaError: If the schema does not fit.
    """
    schema = Schema.from_dict(config.schema)
    with torch.random.fork_rng(devices=[]):  # whoever reads a configuration draws nothing
        build_part(config.model, models, JointClassifier, "model")  # as it is written
        model = build_model(config, schema, _WIDTH)
        model.frozen = config.backbone.frozen
        model.pretrained = config.backbone.pretrained or config.backbone.frozen
        ones = {joint.name: torch.ones(joint.size) for joint in schema.joints}
        criterion = build_part(config.criterion, criteria, Criterion, "criterion")(
            schema=model.learned, counts=ones, observed=None
        )
        criterion.check(model)
        _check_direct(model, criterion)
        counts = {"train": ones} | ({"held_out": ones} if config.data.hold_out else {})
        taught = taught_classes(criterion, ones)
        ending = build_ending(model, counts, taught, config.finish, config.prediction)
        _check_taught(model, criterion, ending.steps)


def _check_direct(model: JointClassifier, criterion: Criterion) -> None:
    """Refuse direct heads in a network that is trained by a criterion which does not teach them."""
    teaches = any(isinstance(part, JointLikelihood) for part in criterion.modules())
    if getattr(model, "direct_heads", ()) and not model.frozen and not teaches:
        raise ConfigError(
            "model.interaction: in a network that is trained, direct heads are learned by "
            f"criterion JointLikelihood, not by {type(criterion).__name__}; leave it out"
        )


def _check_taught(model: JointClassifier, criterion: Criterion, steps: list[FinishStep]) -> None:
    """Refuse heads that would stay as they were drawn: no loss reaches them, no step fills them."""
    scores = model.train().score(torch.ones(2, _WIDTH))
    loss: Tensor = criterion.train()(scores, _first_and_last(model.schema))
    loss.backward()
    for place in ("attribute_heads", "composite_heads", "joint_heads"):
        heads = getattr(model, place, nn.ModuleList())
        weights = [weight for weight in heads.parameters() if weight.ndim > 1]
        reached = all(weight.grad is not None for weight in weights)
        if not reached and place not in [step.fills for step in steps]:
            raise ConfigError(
                f"criterion {type(criterion).__name__} does not teach the {place.replace('_', ' ')}"
                f" of model {type(model).__name__}, and no finish step fits them: they would stay "
                "random. Leave them out, or choose another criterion or finish step"
            )


def _first_and_last(schema: Schema) -> dict[str, Tensor]:
    """Targets of two images: the first class of every output and joint space, and the last."""
    outputs = (*schema.outputs, *schema.joints)
    return {output.name: torch.tensor([0, output.size - 1]) for output in outputs}
