"""Where in a picture the evidence for a class lies: Grad-CAM (Selvaraju et al., ICCV 2017)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from modular_cls.models.joint import JointClassifier

# The last layers of networks for small pictures have 2 x 2 places: too few to point at anything.
_STRIDE = 8
_NEVER = -1e4  # log prior of classes out of reach: as good as never, and its gradient is a number


def grad_cam(
    model: JointClassifier, image: Tensor, classes: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Where an image supports a class, for several outputs at once.

    Args:
        model: The classifier, in evaluation mode.
        image: One prepared image, shape (1, 3, H, W).
        classes: The class asked about, by output (attributes and composites).

    Returns:
        By output, a map of shape (h, w), from 0 to 1 where the log-odds of the class rise the most;
        all 0 where nothing raises them. Empty where the network has no layer of stride 8 or less
        with a height and a width, as vision transformers have not.
    """
    layer = find_layer(model.backbone)
    if layer is None:
        return {}
    with torch.enable_grad():
        seen, odds = _scored(model, layer, image, classes)
        if seen.ndim != 4:
            return {}
        gradients = [torch.autograd.grad(o, seen, retain_graph=True)[0] for o in odds.values()]
    maps = [(g.mean((2, 3), keepdim=True) * seen).sum(1)[0].relu().detach() for g in gradients]
    return {
        name: (m / m.max().clamp(min=1e-12)).cpu().numpy()
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


def _scored(
    model: JointClassifier, layer: nn.Module, image: Tensor, classes: Mapping[str, int]
) -> tuple[Tensor, dict[str, Tensor]]:
    """What the layer gave out, shape (1, C, h, w), and the log-odds as functions of it."""
    kept: list[Tensor] = []

    def keep(module: nn.Module, given: Any, out: Tensor) -> Tensor:
        kept.append(out.detach().requires_grad_())
        return kept[0].clone()  # what follows may change it in place

    handle = layer.register_forward_hook(keep)
    try:
        odds = log_odds(model, model.extract(image), classes)
    finally:
        handle.remove()
    return kept[0], odds
