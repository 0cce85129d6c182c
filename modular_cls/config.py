"""The configuration: what a YAML file may say, as typed dataclasses.

No torch here: `--help` is instant. A method is a configuration: a model, a criterion and finish
steps, each a *part*: a class of this package and its arguments (parts.py).
"""

import math
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from modular_cls.errors import ConfigError
from modular_cls.varied import Knob, Scarcity

DATA_VARIABLE = "MODULAR_CLS_DATA"
Part = dict[str, Any]


@dataclass(frozen=True)
class Augment:
    """Random changes of training images; all 0 turns them off.

    Args:
        flip: Probability of mirroring left and right.
        shift: Largest shift, as a share of the side.
        scale: Largest change of size, as a share.
        rotate: Largest rotation in degrees.
        brightness: Largest change of brightness, as a share of the range.
        contrast: Largest change of contrast, as a share.
    """

    flip: float = 0.5
    shift: float = 0.06
    scale: float = 0.1
    rotate: float = 6.0
    brightness: float = 0.2
    contrast: float = 0.2


@dataclass(frozen=True)
class Data:
    """The pictures.

    Args:
        manifest: The table of images (CSV). ${MODULAR_CLS_DATA} stands for that environment
            variable.
        root: Folder of the images; default the manifest's.
        about: What the set is and where to get it; shown when it cannot be found.
        image_size: Side of the pictures in pixels, or [height, width]; pictures are resized to it.
        scarcity: Joint classes to make scarce: null, one entry, or a list of entries.
        per_class: Training images of each joint class at most, drawn by the seed; null for all.
        batch_size: Images per update, over all devices.
        workers: Processes that load and augment.
        cache_gib: Decoded images are kept on disk for later runs when they need no more than this
            (in $MODULAR_CLS_CACHE, by default ~/.cache/modular_cls); 0 decodes them anew each time.
        on_bad_image: A picture that cannot be decoded is an error, or its row is skipped and
            counted (all pictures are then read before anything else).
        max_bad: Largest share of pictures that may be skipped.
        allow_outside: Let paths and symbolic links leave the root.
        mean: Subtracted from pixel values in [0, 1]; default what pretrained weights say of
            themselves, and 0.5 from scratch.
        std: Divided by after that; default likewise.
        range: [black, white] values in pictures of over 8 bits, as [0, 4095]; default: files' own.
        augment: Random changes of training images.
        sampling: Order of training images: shuffled passes, or joint classes drawn equally often.
        hold_out: Share of the rarest joint class's training images that the fit does not see;
            finish steps learn from them, and from up to ten times as many of each other class.
        test: Measure on the test split; off where a training is one of those to choose from.
    """

    manifest: str = "data/faces/manifest.csv"
    root: str | None = None
    about: str | None = None
    image_size: int | tuple[int, int] = 64
    scarcity: Scarcity | list[Scarcity] | None = None
    per_class: int | None = None
    batch_size: int = 64
    workers: int = 1
    cache_gib: float = 20.0
    on_bad_image: Literal["error", "skip"] = "error"
    max_bad: float = 0.01
    allow_outside: bool = False
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    range: tuple[float, float] | None = None
    augment: Augment = field(default_factory=Augment)
    sampling: Literal["shuffled", "balanced"] = "shuffled"
    hold_out: float = 0.0
    test: bool = True

    @property
    def scarcities(self) -> list[Scarcity]:
        """The scarcity entries as a list, whichever way they were written."""
        if self.scarcity is None:
            return []
        return [self.scarcity] if isinstance(self.scarcity, Scarcity) else list(self.scarcity)

    @property
    def scale(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Mean and std of pixels, 0.5 where neither the configuration nor weights say."""
        half = (0.5, 0.5, 0.5)
        return self.mean or half, self.std or half

    @property
    def height_width(self) -> tuple[int, int]:
        """The picture's size as (height, width)."""
        size = self.image_size
        return (size, size) if isinstance(size, int) else size


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
class Training:
    """How long and how fast to learn; the same for every method compared.

    Args:
        updates: Number of optimiser updates. Training always runs to the last one.
        learning_rate: Peak of the schedule (AdamW).
        backbone_rate: That of a pretrained backbone as a share of it: its heads are solved on the
            features as they are first (linear probing, then fine-tuning: Kumar et al., ICLR 2022).
        trials: How many rates and values of the method's knob were tried; only reported.
        edges: Which of those chosen lie at the edge of what was tried; only reported, null where
            that is not known.
        weight_decay: For weight matrices and kernels; never for biases, norms and the class bias.
        schedule: One cycle (warm up, then cosine to zero) or cosine from the start.
        precision: Lightning's precision.
        accelerator: Lightning's accelerator.
        devices: Number of devices.
        strategy: Lightning's strategy.
        threads: CPU threads that compute; default one for each core.
        validate_every: Updates between two looks at the validation split; 0 for none.
        save_every: Updates, or a time such as 30 seconds, between two checkpoints.
    """

    updates: int = 930
    learning_rate: float = 2e-3
    backbone_rate: float = 0.1
    trials: int = 1
    edges: list[str] | None = None
    weight_decay: float = 0.05
    schedule: Literal["one_cycle", "cosine"] = "one_cycle"
    precision: Literal["32-true", "16-mixed", "bf16-mixed", "bf16-true", "64-true"] = "32-true"
    accelerator: str = "auto"
    devices: int = 1
    strategy: str = "auto"
    threads: int | None = None
    validate_every: int = 310
    save_every: int | str = "10 minutes"


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
        for name, value, least in (
            ("data.batch_size", self.data.batch_size, 2),
            ("data.workers", self.data.workers, 0),
            ("data.per_class", 1 if self.data.per_class is None else self.data.per_class, 1),
            ("training.updates", self.training.updates, 1),
            ("training.validate_every", self.training.validate_every, 0),
            ("training.devices", self.training.devices, 1),
            ("data.image_size", min(self.data.height_width), 8),
            ("seed", self.seed, 0),
        ):
            if value < least:
                raise ConfigError(f"{name} is {value}; it must be at least {least}")
        if self.backbone.frozen and not self.backbone.pretrained:
            told = "frozen from scratch, its features would be random"
            raise ConfigError(f"backbone.frozen needs backbone.pretrained: {told}")
        if not (rate := self.training.learning_rate) > 0:
            raise ConfigError(f"training.learning_rate is {rate}; it must be above 0")
        if not 0 <= (share := self.training.backbone_rate) < math.inf:
            raise ConfigError(f"training.backbone_rate is {share}; it must be at least 0")
        if not 0 <= (bad := self.data.max_bad) <= 1:
            raise ConfigError(f"data.max_bad is {bad}; it is a share from 0 to 1")
        if not 0 <= (share := self.data.hold_out) < 1:
            raise ConfigError(f"data.hold_out is {share}; it must be at least 0 and below 1")

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, dicts and numbers, as a YAML file holds them."""
        return _plain(asdict(self))


def expand(path: str, about: str | None = None) -> Path:
    """Replace `${MODULAR_CLS_DATA}` in a path, and ~ at its start by the home folder.

    Raises:
        ConfigError: If the variable is unset, saying what belongs there (`about`).
    """

    def value(match: "re.Match[str]") -> str:
        name = match.group(1)
        if name != DATA_VARIABLE:
            told = f"only ${{{DATA_VARIABLE}}} is replaced in paths, not ${{{name}}}"
            raise ConfigError(f"{path}: {told}")
        if found := os.environ.get(name):
            return found
        told = f"\n{about.strip()}" if about else ""
        unset = f"the environment variable {name} is not set; it names the folder of data sets"
        raise ConfigError(f"{path}: {unset}{told}")

    return Path(re.sub(r"\$\{(\w+)\}", value, path)).expanduser()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value
