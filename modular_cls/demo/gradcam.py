"""Where in a picture the evidence for a class lies: Grad-CAM (Selvaraju et al., ICCV 2017)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from modular_cls.demo.places import NoPlacesError, Places, find_places, look
from modular_cls.models.joint_classifier import JointClassifier

_NEVER = -1e4  # log prior of classes out of reach: as good as never, and its gradient is a number


@dataclass(frozen=True)
class Glance:
    """One look of a network at a picture.

    Attributes:
        features: Shape (1, F), a function of `out` where there are places.
        places: The layer that maps are made of; None without one.
        out: What that layer put out, in its own layout.
    """

    features: Tensor
    places: Places | None = None
    out: Tensor | None = None


def grad_cam(
    model: JointClassifier, image: Tensor, classes: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Where an image supports a class: `find_places`, `glance` and `map_places`, for one image.

    Empty where the network has no places; `find_places` says why.
    """
    try:
        places = find_places(model.backbone, (image.shape[2], image.shape[3]))
    except NoPlacesError:
        return {}
    return map_places(model, glance(model, image, places), classes)


def glance(model: JointClassifier, image: Tensor, places: Places | None) -> Glance:
    """Look at one prepared image, shape (1, 3, H, W); the model is in evaluation mode.

    Several threads may look at a time.
    """
    if places is None:
        with torch.no_grad():
            return Glance(model.extract(image))
    features, out = look(model.extract, image, places)
    return Glance(features, places, out)


def map_places(
    model: JointClassifier, seen: Glance, classes: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Where an image supports a class, for several outputs at once.

    Args:
        model: The classifier.
        seen: How it looked at the image.
        classes: The class asked about, by output (attributes and composites).

    Returns:
        By output, a map of shape (h, w), from 0 to 1 where the log-odds of the class rise the most;
        all 0 where nothing raises them. Empty where the network has no places.
    """
    if seen.places is None or seen.out is None:
        return {}
    laid = seen.places.layout(seen.out.detach())
    maps = {}
    with torch.enable_grad():
        for name, odds in log_odds(model, seen.features, classes).items():
            (change,) = torch.autograd.grad(odds, seen.out, retain_graph=True)
            weights = seen.places.layout(change).mean((2, 3), keepdim=True)
            m = (weights * laid).sum(1)[0].relu()
            # A map of zeros alone stays one; 1e-12 is far below any that is not.
            maps[name] = (m / m.max().clamp(min=1e-12)).cpu().numpy()
    return maps


def log_odds(
    model: JointClassifier, features: Tensor, classes: Mapping[str, int]
) -> dict[str, Tensor]:
    """Features (1, F) -> log-odds of a class against all others, by output, each a scalar."""
    priors = {name: prior.clamp(min=_NEVER) for name, prior in model.log_priors.items()}
    logs = model.log_probabilities(model.score(features), priors)
    return {name: _log_odds(logs[name][0], wanted) for name, wanted in classes.items()}


def _log_odds(logs: Tensor, wanted: int) -> Tensor:
    # Not log p - log(1 - p): where the class is all but certain, 1 - p is 0 in float32.
    others = [z for z in range(len(logs)) if z != wanted]
    return logs[wanted] - logs[others].logsumexp(0)
