"""Random changes of a user's own: a pipeline of albumentations, as `A.save` writes it.

It is built from the names of that library's transforms alone, and tried before any training.
"""

import os
import random
import warnings
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # its import would ask a server for news

import albumentations as A
import numpy as np
from albumentations.core.serialization import SERIALIZABLE_REGISTRY, shorten_class_name

from modular_cls.errors import ConfigError, unknown

_KEY, _CLASS = "data.augmentation", "__class_fullname__"
_TRIES = 16  # what is done by chance may not be done in one
_WITH_FILES = ("TextImage",)  # draws with a font that would have to be there later


def build_pipeline(content: object) -> A.Compose:
    """Build a pipeline.

    Args:
        content: What `A.save` writes, or what stands in it under `transform`.

    Raises:
        ConfigError: If it is no pipeline, or holds what albumentations does not know.
    """
    described = content.get("transform", content) if isinstance(content, Mapping) else None
    if not isinstance(described, Mapping) or _CLASS not in described:
        raise ConfigError(
            f"{_KEY} is no pipeline of albumentations: it must hold what "
            f'A.save(pipeline, "file.yaml", data_format="yaml") writes (a mapping with transform '
            f"and, in it, {_CLASS})"
        )
    _check_known(described)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            built = A.from_dict({"transform": dict(described)})
        except Exception as error:  # what pydantic and the transforms say of their arguments
            raise ConfigError(f"{_KEY}: {error}") from None
    # Arguments that there are not are only warned of there, and left out.
    if wrong := [str(w.message) for w in caught if "valid" in str(w.message)]:
        raise ConfigError(f"{_KEY}: {'; '.join(wrong)}")
    single: Any = built
    return built if isinstance(built, A.Compose) else A.Compose([single])


def check_pipeline(content: object, size: tuple[int, int]) -> None:
    """Try a pipeline, as it is and with all that it may leave out done.

    Args:
        content: As for `build_pipeline`.
        size: (height, width) of the pictures that it has to keep.

    Raises:
        ConfigError: If it cannot be built, needs more than the picture, changes its shape or type,
            or does not depend on its random generators alone.
    """
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    for described in (content, _always(content)):
        pipeline = build_pipeline(described)
        for key in range(_TRIES):
            first, second = (_tried(pipeline, noise.copy(), key) for _ in range(2))
            refuse_other(first, noise)
            if not np.array_equal(first, second):
                raise ConfigError(
                    f"{_KEY}: the pipeline gives other pictures though its random generators are "
                    "the same, so no training could be repeated; leave out what draws elsewhere"
                )


def refuse_other(image: Any, before: np.ndarray, where: str = "") -> None:
    """Raise ConfigError for what is no longer a picture of the shape and type that it was."""
    if not isinstance(image, np.ndarray):
        raise ConfigError(
            f"{_KEY}{where}: it makes a {type(image).__name__} of the picture; leave out ToTensorV2"
        )
    if image.shape != before.shape or image.dtype != np.uint8:
        raise ConfigError(
            f"{_KEY}{where}: it makes {image.dtype} of shape {image.shape} of a picture of uint8 "
            f"and shape {before.shape}; its last step must bring pictures back to data.image_size "
            "(as RandomResizedCrop or Resize do), and Normalize has no place in it (data.mean, "
            "data.std)"
        )


def _tried(pipeline: A.Compose, image: np.ndarray, key: int) -> Any:
    pipeline.set_random_state(np.random.default_rng(key), random.Random(key))
    try:
        return pipeline(image=image)["image"]
    except Exception as error:  # transforms raise whatever they like
        raise ConfigError(
            f"{_KEY}: it cannot be applied to a picture of {image.shape[0]} x {image.shape[1]} "
            f"alone: {error or type(error).__name__}"
        ) from None


def _check_known(described: Any) -> None:
    """Raise ConfigError for the first transform that is unknown, or needs a file."""
    if isinstance(described, list):
        for inner in described:
            _check_known(inner)
    if not isinstance(described, Mapping):
        return
    if _CLASS in described:
        name = shorten_class_name(str(described[_CLASS]))
        if name not in SERIALIZABLE_REGISTRY:
            known = [n for n in SERIALIZABLE_REGISTRY if "." not in n]
            raise ConfigError(unknown("transform", name, known, f"in {_KEY}"))
        if name in _WITH_FILES:
            raise ConfigError(f"{_KEY}: {name} needs a file, which a run cannot keep; leave it out")
    for inner in described.values():
        _check_known(inner)


def _always(content: Any) -> Any:
    """The same, but what may happen always does."""
    if isinstance(content, list):
        return [_always(inner) for inner in content]
    if not isinstance(content, Mapping):
        return content
    always = {key: _always(inner) for key, inner in content.items()}
    return always | {"p": 1.0} if always.get("p") else always
