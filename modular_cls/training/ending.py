"""What a method does after the fit, for trained networks and solved heads alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from modular_cls import finish
from modular_cls.config import Part, Prediction
from modular_cls.criteria import Criterion
from modular_cls.finish import Features, FinishStep
from modular_cls.finish.outputs import FitOutputs
from modular_cls.finish.step import Counts
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.models.prior import target_priors
from modular_cls.parts import build_part


@dataclass(frozen=True)
class Ending:
    """What a run does after the fit: finish steps, and the target prior of each joint space."""

    steps: list[FinishStep]
    priors: Mapping[str, Tensor]


def build_ending(
    model: JointClassifier,
    counts: Mapping[str, Counts],
    taught: Counts,
    parts: Sequence[Part | str],
    prediction: Prediction,
) -> Ending:
    """Build and check how a fit ends.

    Args:
        model: The model, unfitted.
        counts: Images of each joint class, by kind of images, then by joint space.
        taught: Mask of the joint classes that training images teach, by joint space.
        parts: The finish steps.
        prediction: The target prior.

    Raises:
        ConfigError: If a finish step does not fit the model, or the prior not the schema.
        UndefinedError: If a finish step has no meaning with these numbers of images.
    """
    steps: list[FinishStep] = [build_part(p, finish, FinishStep, "finish")() for p in parts]
    if model.learned is not model.schema:
        steps.append(FitOutputs())
    for step in steps:
        step.check(model, counts)
    return Ending(steps, target_priors(model, counts["train"], taught, prediction))


def taught_classes(criterion: Criterion, counts: Counts) -> dict[str, Tensor]:
    """Mask of the joint classes that training images teach, fully labelled or not."""
    taught = {}
    for joint, count in counts.items():
        seen, parts = count > 0, criterion.taught_by_parts(joint)
        taught[joint] = seen if parts is None else seen | parts
    return taught


def finish_model(
    model: JointClassifier, ending: Ending, images: Callable[[str], Features]
) -> tuple[dict[str, float], dict[str, Features]]:
    """Run the finish steps on the features of the images that they use.

    Returns:
        Their notes, and the features by kind of images.
    """
    notes: dict[str, float] = {}
    cached: dict[str, Features] = {}
    for step in ending.steps:
        for kind in set(step.uses) - set(cached):
            cached[kind] = images(kind)
        notes |= step(model, cached)
    return notes, cached
