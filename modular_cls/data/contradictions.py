"""Labels that a random change of pictures makes wrong: mirrored, what was left is right."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modular_cls.config import Augment, Data
from modular_cls.schema import Schema

# fmt: off
_SIDES = (
    "left", "right", "leftward", "leftwards", "rightward", "rightwards", "lefthand",
    "righthand", "lefthanded", "righthanded", "eastbound", "westbound", "clockwise",
    "counterclockwise", "anticlockwise", "links", "rechts", "gauche", "droite", "izquierda",
    "izquierdo", "derecha", "derecho", "sinistra", "sinistro", "destra", "destro", "esquerda",
    "esquerdo", "direita", "direito", "starboard",
)
_HEIGHTS = (
    "up", "down", "upward", "upwards", "downward", "downwards", "upper", "lower", "top",
    "bottom", "upside",
)
_SLANTS = (
    "tilt", "tilted", "slant", "slanted", "slanting", "rotated", "rotation", "crooked",
)
_COLOURS = (
    "red", "orange", "yellow", "green", "blue", "purple", "violet", "pink", "brown", "cyan",
    "magenta", "turquoise",
)
# fmt: on
_DEGREES = 5.0  # a rotation by less imitates no slant


@dataclass(frozen=True)
class _Change:
    """What a change does, which transforms do it, and how values are named that it makes wrong."""

    does: str
    transforms: tuple[str, ...]
    words: Sequence[str]
    pairs: Sequence[set[str]] = ()


_TURNING = ("D4", "SquareSymmetry", "RandomRotate90", "Transpose")
_CHANGES = (
    _Change(
        "mirrors pictures left and right",
        ("HorizontalFlip", "D4", "SquareSymmetry", "Transpose"),
        _SIDES,
        ({"l", "r"}, {"east", "west"}, {"cw", "ccw"}, {"b", "d"}, {"p", "q"}),
    ),
    _Change("turns pictures upside down", ("VerticalFlip", *_TURNING), _HEIGHTS, ({"b", "p"},)),
    _Change(
        "rotates pictures",
        ("Rotate", "SafeRotate", "Affine", "ShiftScaleRotate", *_TURNING),
        _SLANTS,
    ),
    _Change(
        "makes pictures darker and brighter",
        ("RandomBrightnessContrast", "ColorJitter", "RandomGamma", "RandomToneCurve"),
        (),
        ({"dark", "bright"}, {"dark", "light"}, {"underexposed", "overexposed"}),
    ),
    _Change(
        "changes colours",
        ("HueSaturationValue", "ColorJitter", "ToGray", "ToSepia", "ChannelShuffle", "RGBShift"),
        _COLOURS,
    ),
)


@dataclass(frozen=True)
class Contradiction:
    """A random change that makes labels wrong.

    Attributes:
        change: What does what.
        labels: The labels, in words, each with the names that say so.
        cure: How to turn it off.
    """

    change: str
    labels: list[str]
    cure: str

    def __str__(self) -> str:
        labels = "; ".join(self.labels)
        return f"{self.change}, which makes labels wrong: {labels} ({self.cure})"


def find_contradictions(schema: Schema, data: Data) -> Iterator[Contradiction]:
    """Which changes of training images contradict how attributes and values are named."""
    done = _done(data)
    for change in _CHANGES:
        by = [(name, cure) for name, cure in done.items() if name in change.transforms]
        labels = list(_labels(schema, change))
        if by and labels:
            key = "data.augmentation" if data.augmentation is not None else "data.augment"
            yield Contradiction(f"{key} {change.does}", labels, by[0][1])


def transform_names(content: Any) -> Iterator[str]:
    """The transforms of a pipeline that may happen, as `A.save` wrote it, by their short names."""
    if isinstance(content, Mapping):
        if content.get("p", 1) and "__class_fullname__" in content:
            yield str(content["__class_fullname__"]).rpartition(".")[2]
        if content.get("p", 1):
            for inner in content.values():
                yield from transform_names(inner)
    elif isinstance(content, list):
        for inner in content:
            yield from transform_names(inner)


def _done(data: Data) -> dict[str, str]:
    """What is done to training images, by the name of albumentations, and how to turn it off."""
    if data.augmentation is not None:
        return {
            name: f"take {name} out of data.augmentation"
            for name in transform_names(data.augmentation)
        }
    augment: Augment = data.augment
    ours = {
        "HorizontalFlip": ("flip", augment.flip > 0),
        "Rotate": ("rotate", augment.rotate > _DEGREES),
        "RandomBrightnessContrast": ("brightness", augment.brightness > 0),
    }
    return {name: f"data.augment: {{{key}: 0}}" for name, (key, is_on) in ours.items() if is_on}


def _labels(schema: Schema, change: _Change) -> Iterator[str]:
    """What is named in a way that a change makes wrong."""
    for attribute in schema.attributes:
        if named := _telling([attribute.name], change):
            yield f"attribute {attribute.name} ({named})"
        elif named := _telling(attribute.values, change):
            yield f"attribute {attribute.name} has {named}"
    for name, composite in schema.to_dict()["composites"].items():
        if named := _telling(list(composite.get("names", {})), change):
            yield f"composite {name} has {named}"


def _telling(names: Sequence[str], change: _Change) -> str:
    """Those of some names that hold a telling word, or the two of a pair."""
    words = {name: set(_words(name)) for name in names}
    every = set().union(*words.values())
    telling = set(change.words).union(*(pair for pair in change.pairs if pair <= every))
    if "wrong" in every:  # right, as opposed to wrong
        telling -= {"right"}
    return ", ".join(name for name in names if words[name] & telling)


def _words(name: str) -> list[str]:
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    return [word.casefold() for word in re.findall(r"[^\W\d_]+", apart)]
