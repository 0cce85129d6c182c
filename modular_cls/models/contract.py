"""What every network must do: pictures (B, 3, H, W) -> features (B, F), in training and in use."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from modular_cls.config import Backbone
from modular_cls.errors import ConfigError
from modular_cls.models.backbone import create_backbone, culprit, told_size


def check_contract(config: Backbone, network: nn.Module, width: int, size: tuple[int, int]) -> None:
    """Let blank pictures pass, so that a network which cannot take them says so early.

    Args:
        config: What the network was created from.
        network: `(B, 3, H, W) -> (B, F)`; stays as it is.
        width: F.
        size: (height, width) of the pictures.

    Raises:
        ConfigError: With the network's own words, and what to change: the argument that breaks the
            contract, or the sizes that fit.
    """
    with _left_alone(network):
        problem = _problem(network, width, size, not config.frozen)
        patch = _patch(network)
        unseen = [side % patch for side in size]
        cut = any(unseen) and (problem or _misses(network, size, max(unseen)))
    if not problem and not cut:
        return
    at = f"backbone {config.name} with args {config.args}"
    pictures = f"data.image_size {size[0]} x {size[1]} (height x width)"
    if cut:
        fitting = " x ".join(_multiples(side, patch) for side in size)
        raise ConfigError(
            f"{at} looks at patches of {patch} x {patch}; of pictures of {pictures} the last "
            f"{max(unseen)} pixels would never be seen. Sizes that fit: {fitting}"
        )
    problem = " ".join(problem.split())

    def keeps(other: Backbone) -> bool:
        return not _problem(*create_backbone(told_size(other, size)), size, True)

    if wrong := culprit(config, keeps):
        raise ConfigError(
            f"backbone.args.{wrong} is {config.args[wrong]!r}: with it {config.name} does not make "
            f"features (B, F) of pictures (B, 3, H, W): {problem}; leave it out"
        )
    known: Any = network.pretrained_cfg  # timm keeps it
    made_for = known["input_size"]
    raise ConfigError(
        f"{at} cannot take pictures of {pictures}: {problem}; give another data.image_size (it "
        f"was made for {made_for[1]} x {made_for[2]})"
    )


@contextmanager
def _left_alone(network: nn.Module) -> Iterator[None]:
    """Within, a network may be run in any mode; statistics, mode and random numbers come back."""
    was_training, before = network.training, {n: b.clone() for n, b in network.named_buffers()}
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        network.train(was_training)
        for name, buffer in network.named_buffers():
            if name in before and before[name].shape == buffer.shape:
                buffer.copy_(before[name])


def _problem(network: nn.Module, width: int, size: tuple[int, int], trained: bool) -> str:
    """What is wrong with the features of blank pictures, in words; blank for nothing."""
    for training in (False, True) if trained else (False,):
        # Two: batch norms in training refuse one picture where one place is left of it.
        blank = torch.zeros(2, 3, *size, device=next(network.parameters()).device)
        network.train(training)
        try:
            with torch.no_grad():  # a gradient hook or inference mode would leave traces
                features: Any = network(blank)
        except Exception as error:  # networks raise whatever they like
            return str(error) or type(error).__name__
        if not isinstance(features, Tensor):
            return f"it gives a {type(features).__name__}" + (" in training" if training else "")
        if tuple(features.shape) != (2, width):
            return f"its output is of shape {tuple(features.shape)}, not (2, {width})"
        if not training and not features.isfinite().all():
            return "its features are not finite numbers"
    return ""


def _patch(network: nn.Module) -> int:
    """Side of the patches that pictures are cut into first; 1 where they are not."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            sides = {*module.kernel_size, *module.stride}
            return sides.pop() if len(sides) == 1 and not any(_padding(module)) else 1
    return 1


def _padding(layer: nn.Conv2d) -> tuple[int, ...]:
    return (0,) if isinstance(layer.padding, str) else layer.padding


def _misses(network: nn.Module, size: tuple[int, int], unseen: int) -> bool:
    """Whether the features do not depend on the last pixels of a picture."""
    device = next(network.parameters()).device
    picture = torch.rand(1, 3, *size, device=device, requires_grad=True)
    features = network.eval()(picture)
    # Weighed at random: the plain sum of features after a layer norm is the same for any picture.
    (change,) = torch.autograd.grad((features * torch.randn_like(features)).sum(), picture)
    last_rows, last_columns = change[..., -unseen:, :], change[..., -unseen:]
    return not last_rows.any() or not last_columns.any()


def _multiples(side: int, patch: int) -> str:
    below = side // patch * patch
    return f"{below} or {below + patch}" if below else str(patch)
