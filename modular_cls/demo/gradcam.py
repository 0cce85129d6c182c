"""Where in a picture the evidence for a class lies: Grad-CAM (Selvaraju et al., ICCV 2017)."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from modular_cls.models.joint import JointClassifier

# The last layers of networks for small pictures have 2 x 2 places: too few to point at anything.
_STRIDE = 8
_NEVER = -1e4  # log prior of classes out of reach: as good as never, and its gradient is a number


@dataclass(frozen=True)
class Glance:
    """One look of a network at a picture.

    Attributes:
        features: Shape (1, F), a function of `places` where there are any.
        places: What the layer that maps are made of gave out, shape (1, C, h, w); None without one.
    """

    features: Tensor
    places: Tensor | None


def grad_cam(
    model: JointClassifier, image: Tensor, classes: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Where an image supports a class, for several outputs at once: `glance`, then `map_places`."""
    return map_places(model, glance(model, image), classes)


def glance(model: JointClassifier, image: Tensor) -> Glance:
    """Look at one prepared image, shape (1, 3, H, W); the model is in evaluation mode.

    Several threads may look at a time.
    """
    layer, kept, mine = find_layer(model.backbone), [], threading.get_ident()

    def keep(module: nn.Module, given: Any, out: Tensor) -> Tensor | None:
        if threading.get_ident() != mine:
            return None
        kept.append(out.detach().requires_grad_())
        return kept[0].clone()  # what follows may change it in place

    handle = layer.register_forward_hook(keep) if layer is not None else None
    try:
        with torch.enable_grad():
            features = model.extract(image)
    finally:
        if handle is not None:
            handle.remove()
    return Glance(features, kept[0] if kept and kept[0].ndim == 4 else None)


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
        all 0 where nothing raises them. Empty where the network has no layer of stride 8 or less
        with a height and a width, as vision transformers have not.
    """
    if seen.places is None:
        return {}
    with torch.enable_grad():
        odds = log_odds(model, seen.features, classes)
        gradients = [
            torch.autograd.grad(o, seen.places, retain_graph=True)[0] for o in odds.values()
        ]
    maps = [(g.mean((2, 3), keepdim=True) * seen.places).sum(1)[0].relu() for g in gradients]
    return {
        name: (m / m.max().clamp(min=1e-12)).detach().cpu().numpy()
        for name, m in zip(odds, maps, strict=True)
    }


def find_layer(backbone: nn.Module) -> nn.Module | None:
    """The last layer of stride 8 or less, as timm describes the network; None if there is none."""
    described: Any = getattr(backbone, "feature_info", [])
    names = [info["module"] for info in described if info["reduction"] <= _STRIDE]
    return backbone.get_submodule(names[-1]) if names else None


def log_odds(
    model: JointClassifier, features: Tensor, classes: Mapping[str, int]
) -> dict[str, Tensor]:
    """Features (1, F) -> log-odds of a class against all others, by output, each a scalar."""
    priors = {name: prior.clamp(min=_NEVER) for name, prior in model.log_priors.items()}
    logs = model.log_probabilities(model.score(features), priors)
    others = {
        name: [z for z in range(logs[name].shape[1]) if z != wanted]
        for name, wanted in classes.items()
    }
    return {
        name: logs[name][0, wanted] - logs[name][0, others[name]].logsumexp(0)
        for name, wanted in classes.items()
    }
