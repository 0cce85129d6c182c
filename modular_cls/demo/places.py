"""Where a network keeps the places of a picture: found by looking, not taken on faith.

timm hands out the maps that a network makes, all in one layout (`forward_intermediates`),
but aside: the score is no function of them. So the layer is looked for whose own output is that
map, in whatever order it has its numbers, and that the features depend on.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

# Places on the shorter side: fewer point at nothing. Of layers with as many as ImageNet networks
# have in the end, or with places as small as _STRIDE pixels, the deepest says most.
_LEAST, _ENOUGH, _STRIDE = 4, 7, 8


class NoPlacesError(Exception):
    """A network has no layer that a map can be made of; the message says why."""


@dataclass(frozen=True)
class Layout:
    """How the numbers of a layer's output lie.

    Attributes:
        channels: The axis that they are on: 1; or the last, of (1, h, w, C) or of tokens (1, N, C).
        skipped: Tokens that are no places and stand before those that are.
        grid: (h, w), the places of tokens; None where the output has both axes itself.
    """

    channels: int
    skipped: int = 0
    grid: tuple[int, int] | None = None

    def __call__(self, out: Tensor) -> Tensor:
        """A layer's output, or its gradient, as (1, C, h, w)."""
        laid = out[:, self.skipped :].unflatten(1, self.grid) if self.grid else out
        return laid.movedim(self.channels, 1)


@dataclass(frozen=True)
class Places:
    """The layer that maps are made of.

    Attributes:
        name: Of the layer, within the network.
        layer: The layer.
        grid: (h, w), its places, in the order of the picture's.
        layout: How its output lies.
    """

    name: str
    layer: nn.Module
    grid: tuple[int, int]
    layout: Layout


def find_places(network: nn.Module, size: tuple[int, int]) -> Places:
    """Find the deepest layer of enough places that the features depend on.

    Args:
        network: `(B, 3, H, W) -> (B, F)`, of timm, in evaluation mode.
        size: (height, width) of the pictures.

    Raises:
        NoPlacesError: If there is none.
    """
    first = next(network.parameters())
    noise = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)) - 0.5
    image = noise.to(first.device, first.dtype)
    maps = [m for m in _maps(network, image) if _has_aspect(m, size)]
    if not maps:
        raise NoPlacesError("it keeps no map of the picture")
    most = max(maps, key=_side)
    if _side(most) < _LEAST:
        h, w = _grid(most)
        raise NoPlacesError(f"it sees a picture of {size[0]} x {size[1]} as {h} x {w} places only")
    largest = [m for m in maps if _side(m) == _side(most)]
    fine = [m for m in maps if _is_fine(m, size)] or largest
    # Two: a class token takes nothing from what its own last layer makes of the places.
    for places in _whose_output(network, image, fine[:-3:-1]):
        features, out = look(network, image, places)
        if _depends(features, out, places):
            return places
    raise NoPlacesError("no layer's output is a map that its features are made of")


def look(see: Callable[[Tensor], Tensor], image: Tensor, places: Places) -> tuple[Tensor, Tensor]:
    """Look at one image, shape (1, 3, H, W), in this thread; others may look at the same time.

    Returns:
        Features, shape (1, F), and the output of the layer, which they are a function of.
    """
    kept: list[Tensor] = []
    mine = threading.get_ident()

    def keep(module: nn.Module, inputs: Any, out: Tensor) -> Tensor | None:
        if threading.get_ident() != mine:
            return None
        kept.append(out.detach().requires_grad_())
        return kept[0].clone()  # what follows may change it in place

    handle = places.layer.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            return see(image), kept[0]
    finally:
        handle.remove()


@torch.no_grad()
def _maps(network: nn.Module, image: Tensor) -> list[Tensor]:
    """The maps that timm says a network makes, the deepest last, each (1, C, h, w)."""
    hand_out: Any = getattr(network, "forward_intermediates", None)
    if hand_out is None:
        raise NoPlacesError("timm hands out none of its maps")
    try:
        maps = hand_out(image, output_fmt="NCHW", intermediates_only=True)
    except Exception as error:  # networks raise whatever they like
        raise NoPlacesError(f"timm cannot hand out its maps: {error}") from None
    return [m for m in maps if isinstance(m, Tensor) and m.ndim == 4]


def _side(map_: Tensor) -> int:
    return min(map_.shape[2:])


def _is_fine(map_: Tensor, size: tuple[int, int]) -> bool:
    small = size[0] <= _STRIDE * map_.shape[2]
    return _side(map_) >= _ENOUGH or (small and _side(map_) >= _LEAST)


def _has_aspect(map_: Tensor, size: tuple[int, int]) -> bool:
    """Whether places divide both sides of the picture alike, but for one that does not fit."""
    (h, w), (height, width) = map_.shape[2:], size
    return abs(h * width - w * height) <= max(height, width)


@torch.no_grad()
def _whose_output(network: nn.Module, image: Tensor, maps: Sequence[Tensor]) -> list[Places]:
    """For each map the first layer whose output it is; none for a map that no layer puts out.

    What comes after the first may be one branch of several that the map takes.
    """
    names = {layer: name for name, layer in network.named_modules() if name}
    calls = dict.fromkeys(names, 0)
    matches: list[list[Places]] = [[] for _ in maps]
    mine = threading.get_ident()

    def compare(layer: nn.Module, inputs: Any, out: Any) -> None:
        if threading.get_ident() != mine:
            return
        calls[layer] += 1
        for map_, whose in zip(maps, matches, strict=True):
            whose += [Places(names[layer], layer, _grid(map_), x) for x in _layouts(out, map_)]

    handles = [layer.register_forward_hook(compare) for layer in names]
    try:
        network(image)
    finally:
        for handle in handles:
            handle.remove()
    # A layer called twice has two outputs; a hook could not tell which of them is the map.
    firsts: list[Places] = []
    for whose in matches:
        firsts += [p for p in whose if calls[p.layer] == 1][:1]
    return firsts


def _layouts(out: Any, map_: Tensor) -> Iterator[Layout]:
    """The layouts in which an output is the map."""
    if not isinstance(out, Tensor) or out.numel() < map_.numel():
        return
    possible = [Layout(1), Layout(-1)] if out.ndim == 4 else []
    skipped = out.shape[1] - map_.shape[2] * map_.shape[3] if out.ndim == 3 else -1
    if skipped >= 0:
        possible = [Layout(-1, skipped, _grid(map_))]
    for layout in possible:
        laid = layout(out)
        if laid.shape == map_.shape and torch.equal(laid, map_):
            yield layout


def _grid(map_: Tensor) -> tuple[int, int]:
    return map_.shape[2], map_.shape[3]


def _depends(features: Tensor, out: Tensor, places: Places) -> bool:
    """Whether features depend on what a layer put out at its places."""
    (change,) = torch.autograd.grad(features.square().sum(), out, allow_unused=True)
    return change is not None and bool(places.layout(change).any())
