"""What every finish step is: it takes the model and features of its images, and finishes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor

from modular_cls.models.joint_classifier import JointClassifier

Counts = Mapping[str, Tensor]  # images of each joint class, by joint space, shape (classes,)


class Features(NamedTuple):
    """Backbone outputs of some images, in evaluation mode and unaugmented.

    Attributes:
        features: Shape (N, F).
        targets: By attribute, composite and joint space, shape (N,); -1 where unknown.
        scores: Scores by heads that were fitted without the image (out of fold), by attribute,
            shape (N, values), and by joint space where it has a direct head, shape (N, classes);
            None where the only heads are those that were fitted to all of these images.
        identity: Whom or what each image shows; blank for one of its own, None for all.
    """

    features: Tensor
    targets: dict[str, Tensor]
    scores: Mapping[str, Tensor] | None = None
    identity: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class FinishStep:
    """A step `(model, images) -> notes`; changes the model, returns what is worth reporting."""

    uses: ClassVar[tuple[str, ...]] = ("train",)  # the images it learns from: train, held_out
    fills: ClassVar[str] = ""  # the heads that it gives new weights, as an attribute of the model

    def check(self, model: JointClassifier, counts: Mapping[str, Counts]) -> None:
        """Before training, refuse what the step does not fit.

        Args:
            model: The model, untrained.
            counts: Images of each joint class, by kind of images (train, held_out), then by joint
                space.

        Raises:
            ConfigError: If the step does not fit the model.
            UndefinedError: If the step has no meaning with these numbers of images.
        """

    def __call__(self, model: JointClassifier, images: Mapping[str, Features]) -> dict[str, float]:
        """Finish the model, with the features of the images that it uses."""
        raise NotImplementedError
