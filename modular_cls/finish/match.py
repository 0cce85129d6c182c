"""What confusion between seen joint classes says of the bias of one that was not seen."""

from collections.abc import Sequence

import torch
from torch import Tensor

from modular_cls.schema import Composite


def matched_biases(
    energies: Tensor, target: Tensor, bias: Tensor, joint: Composite, empty: Sequence[int]
) -> dict[int, float]:
    """The biases with which classes take from their neighbours what such classes take from others.

    Neighbours differ in one attribute. Seen classes that differ in an attribute lose some share of
    their images to each other; the bias of z is where the neighbours of z lose as much to z, summed
    over them. Needs no image of z.

    Args:
        energies: Of images of seen classes, by heads that were fitted without them, shape (N,
            classes).
        target: Their joint class, shape (N,).
        bias: Of the seen classes, shape (classes,).
        joint: The joint space.
        empty: The classes, none of them seen.

    Returns:
        The bias by class; without those of which no neighbour is seen, or of whose kind no pair
        shows how much is lost.
    """
    energies, target, bias = energies.cpu(), target.cpu(), bias.cpu()
    counts = torch.bincount(target, minlength=joint.size)
    seen = (counts > 0).nonzero()[:, 0]
    best, predicted = (energies[:, seen] - bias[seen]).max(1)
    among = torch.full((joint.size,), -1).index_copy(0, seen, torch.arange(len(seen)))
    lost = _confusion(predicted, among[target], len(seen))
    beside = _Beside(joint, seen, lost)
    each = 1 / counts[target].to(best)
    biases: dict[int, float] = {}
    for z in empty:
        neighbours, expected = beside(z)
        if neighbours:
            rows = torch.isin(target, torch.tensor(neighbours))
            margins = energies[rows, z] - best[rows]  # z takes the image where its bias is below
            biases[z] = _upper_quantile(margins, each[rows], expected)
    return biases


def _confusion(predicted: Tensor, target: Tensor, size: int) -> Tensor:
    """Share of the images of each class (row) that go to each other class."""
    table = torch.zeros(size, size, dtype=torch.double, device=target.device)
    table.index_put_((target, predicted), torch.ones_like(target).double(), accumulate=True)
    return table / table.sum(1, keepdim=True).clamp(min=1)


class _Beside:
    """Seen neighbours of a class, and the share they should lose to it, summed.

    Args:
        joint: The joint space.
        seen: The seen classes, shape (n,).
        lost: Share of the images of each seen class that go to each other, shape (n, n).
    """

    def __init__(self, joint: Composite, seen: Tensor, lost: Tensor) -> None:
        cells = torch.tensor(joint.cells)
        sizes = torch.tensor([len(a.values) for a in joint.attributes])
        steps = torch.cat([sizes.flip(0).cumprod(0).flip(0)[1:], torch.ones(1, dtype=torch.long)])
        # The same for classes that differ in one attribute at most, by attribute: (m, classes).
        self.others = (cells * steps).sum(1) - (cells * steps).T
        self.seen = seen
        self.lost: list[float | None] = []
        for others in self.others[:, seen]:
            pairs = (others[:, None] == others[None]).fill_diagonal_(False)
            self.lost.append(float(lost[pairs].mean()) if pairs.any() else None)

    def __call__(self, z: int) -> tuple[list[int], float]:
        neighbours, expected = [], 0.0
        for others, lost in zip(self.others, self.lost, strict=True):
            mine = self.seen[others[self.seen] == others[z]].tolist()
            if lost is not None:
                neighbours += mine
                expected += len(mine) * lost
        return neighbours, expected


def _upper_quantile(values: Tensor, weights: Tensor, mass: float) -> float:
    """The value above which lies that much weight, between two values linearly."""
    ordered, order = values.sort(descending=True)
    above = weights[order].cumsum(0) - weights[order] / 2
    place = int(torch.searchsorted(above, torch.tensor(mass, dtype=above.dtype)))
    if place == 0 or place == len(ordered):
        return float(ordered[min(place, len(ordered) - 1)])
    share = (mass - float(above[place - 1])) / float(above[place] - above[place - 1])
    return float(torch.lerp(ordered[place - 1], ordered[place], share))
