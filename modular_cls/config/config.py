"""The configuration of a run, as typed dataclasses."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from modular_cls.config.data import Data
from modular_cls.config.training import Training
from modular_cls.config.varied import Knob
from modular_cls.errors import ConfigError, require

Part = dict[str, Any]
SEEDS = 2**32  # as many as NumPy takes


@dataclass(frozen=True)
class Backbone:
    """The shared network: any timm model.

    Args:
        name: A timm name, or local-dir:FOLDER.
        pretrained: Start from timm's weights (needs a hub or a folder) instead of from scratch.
        frozen: Leave those weights as they are: every picture passes the network once, and the
            heads on its features are solved (see `heads`), not trained.
        args: Arguments of that timm model, for example {img_size: 64} for a vision transformer.
        digest: Of frozen weights that an earlier run kept in the cache folder, to take those.
    """

    name: str = "test_resnet"
    pretrained: bool = False
    frozen: bool = False
    args: dict[str, Any] = field(default_factory=dict)
    digest: str | None = None


@dataclass(frozen=True)
class Heads:
    """How heads on the features of a frozen backbone are solved; the same for every method.

    Args:
        ridges: Ridges to choose from by cross-validation; default 1e-8 to 1e-2 by half decades.
        folds: Folds of that cross-validation, which also score each image for what comes after.
    """

    ridges: list[float] | None = None
    folds: int = 5

    def __post_init__(self) -> None:
        if self.ridges == []:
            raise ConfigError("heads.ridges is empty; give at least one, for example [1e-5, 1e-4]")
        if wrong := [r for r in self.ridges or () if not 0 < r < math.inf]:
            raise ConfigError(f"heads.ridges holds {wrong[0]}; a ridge is a finite number above 0")
        if self.folds < 2:
            raise ConfigError(f"heads.folds is {self.folds}; it must be at least 2")


@dataclass(frozen=True)
class Prediction:
    """How joint scores become decisions, after training.

    Args:
        prior: Share of each joint class expected where the model is used: uniform, that of the
            training set, or a mapping from class names to shares (the rest share what is left).
            Means what it says where the criterion adds the training prior; other scores hold it.
        unreachable: Predict also joint classes that have no training images and that composition
            cannot reach. Off: they get probability 0.
    """

    prior: Literal["uniform", "training"] | dict[str, float] = "uniform"
    unreachable: bool = False


@dataclass(frozen=True)
class Config:
    """One run.

    Args:
        schema: Attributes and composites (see the README).
        method: Name of the method in tables.
        model: ModularClassifier or FlatClassifier, with arguments.
        criterion: What is minimised.
        finish: Steps after the fit, in order.
        backbone: The shared network.
        data: The pictures.
        heads: How heads on a frozen backbone are solved.
        training: How long and how fast to learn, where the backbone is not frozen.
        prediction: How joint scores become decisions.
        seed: Decides initial weights, the draw of scarce images, their order and augmentation.
        knob: The one setting that a study may choose (`tune`); none of its own changes a run.

    Example:
        >>> from modular_cls import Config
        >>> config = Config(
        ...     schema={"attributes": {"hair": ["short", "long"]}},
        ...     method="flat",
        ...     model={"name": "FlatClassifier"},
        ...     criterion={"name": "JointLikelihood", "tau": 1.0},
        ...     training=Training(updates=300),
        ... )
        >>> config.training.updates, config.training.learning_rate, config.backbone.frozen
        (300, 0.002, False)
        >>> Training(learning_rate=-1.0)
        Traceback (most recent call last):
        modular_cls.errors.ConfigError: training.learning_rate is -1.0; ...above 0
    """

    schema: dict[str, Any]
    method: str
    model: Part
    criterion: Part
    finish: list[Part] = field(default_factory=list)
    backbone: Backbone = field(default_factory=Backbone)
    data: Data = field(default_factory=Data)
    heads: Heads = field(default_factory=Heads)
    training: Training = field(default_factory=Training)
    prediction: Prediction = field(default_factory=Prediction)
    seed: int = 0
    knob: Knob | None = None

    def __post_init__(self) -> None:
        fits = bool(self.method.strip(". ")) and not set("/\\") & set(self.method)
        fits = fits and not self.method.startswith(".")
        wanted = "a name without slashes, nor a dot in front: folders of runs have it"
        require(fits, "method", self.method, wanted)
        require(self.seed < SEEDS, "seed", self.seed, f"below {SEEDS:,}, as NumPy's are")
        for name, value, least in (
            ("data.batch_size", self.data.batch_size, 2),
            ("data.workers", self.data.workers, 0),
            ("data.per_class", 1 if self.data.per_class is None else self.data.per_class, 1),
            ("data.limit", 10 if self.data.limit is None else self.data.limit, 10),
            ("training.updates", self.training.updates, 1),
            ("training.validate_every", self.training.validate_every, 0),
            ("training.devices", self.training.devices, 1),
            ("data.image_size", min(self.data.height_width), 8),
            ("seed", self.seed, 0),
        ):
            require(value >= least, name, value, f"at least {least}")
        if self.backbone.frozen and not self.backbone.pretrained:
            reason = "frozen from scratch, its features would be random"
            raise ConfigError(f"backbone.frozen needs backbone.pretrained: {reason}")
        if self.backbone.frozen and (on := self.training.only_trained):
            reason = "heads on a frozen backbone are solved, no network is trained; leave it out"
            raise ConfigError(f"training.{on[0]} does not go with backbone.frozen: {reason}")
        if self.backbone.frozen and self.data.augmentation is not None:
            reason = "every picture passes a frozen backbone once, as it is"
            raise ConfigError(f"data.augmentation does not go with backbone.frozen: {reason}")

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, dicts and numbers, as a YAML file holds them."""
        return _plain(asdict(self))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value
