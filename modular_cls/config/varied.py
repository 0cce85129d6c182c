"""What a study varies beside seeds: how scarce a joint class is, and the one knob of a method."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modular_cls.errors import ConfigError

if TYPE_CHECKING:
    Labels = dict[str, str]
else:
    Labels = dict[str, str | int | float | bool]  # what YAML may hold; `as_labels` makes it text
PLACES = ("model", "criterion", "finish")  # of a configuration, where a knob may be


def as_labels(joint_class: Mapping[Any, Any], where: str) -> dict[str, str]:
    """A joint class as {attribute: value}, its values as the table has them: text.

    Raises:
        ConfigError: If one is no text or number; YAML 1.1 reads a bare yes as true.
    """
    for name, value in joint_class.items():
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            advice = "it must be one value; in quotes, if it is a word such as yes or no"
            raise ConfigError(f"{where}.{name} is {value!r}; {advice}")
    return {str(name): str(value) for name, value in joint_class.items()}


@dataclass(frozen=True)
class Scarcity:
    """Make one joint class scarce in training.

    Args:
        joint_class: The class, as {attribute: value}.
        keep: Training images kept, none in validation; null keeps all, and only names the class.
        validation: Whether its validation images stay; default only where keep is null.
    """

    joint_class: Labels
    keep: int | None
    validation: bool | None = None

    def __post_init__(self) -> None:
        labels = as_labels(self.joint_class, "data.scarcity.joint_class")
        object.__setattr__(self, "joint_class", labels)


@dataclass(frozen=True)
class Knob:
    """The one setting of a method that a study may choose, beside its learning rate.

    Args:
        key: Where it stands, as criterion.tau, model.composite.hidden or finish.FitBias.kappa.
        values: What is tried, ascending, the method's own value among them; null stands for what
            the method does by itself.
        frozen: Whether it means anything to heads that are solved on frozen features.
    """

    key: str
    values: list[int | float | None]
    frozen: bool = True

    def __post_init__(self) -> None:
        if self.key.split(".")[0] not in PLACES or "." not in self.key:
            form = f"it begins with {', '.join(PLACES)}, as criterion.tau or finish.FitBias.kappa"
            raise ConfigError(f"knob.key is {self.key!r}; {form}")
        numbers = [v for v in self.values if v is not None]
        if len(set(self.values)) < max(2, len(self.values)) or numbers != sorted(numbers):
            form = "it holds two or more different ones, ascending"
            raise ConfigError(f"knob.values is {self.values}; {form}")
