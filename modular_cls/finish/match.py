"""What confusion between seen joint classes says of the bias of one that was not seen."""

import torch
from torch import Tensor

from modular_cls.schema import Composite


def matched_bias(
    energies: Tensor, target: Tensor, bias: Tensor, joint: Composite, z: int
) -> float | None:
    """The bias with which a class takes from its neighbours what such classes take from another.

    Neighbours differ in one attribute. Seen classes that differ in an attribute lose some share of
    their images to each other; the bias of z is where the neighbours of z lose as much to z, summed
    over them. Needs no image of z.

    Args:
        energies: Of images of seen classes, by heads that were fitted without them, shape (N,
            classes).
        target: Their joint class, shape (N,).
        bias: Of the seen classes, shape (classes,).
        joint: The joint space.
        z: The class.

    Returns:
        The bias; None where no neighbour of z is seen, or no pair shows how much is lost.
    """
    counts = torch.bincount(target, minlength=joint.size)
    seen = counts > 0
    scores = (energies - bias).masked_fill(~seen, -torch.inf)
    lost = _confusion(scores.argmax(1), target, joint.size)
    neighbours, expected = _expected_losses(lost, seen, joint, z)
    if not neighbours:
        return None
    rows = torch.isin(target, torch.tensor(neighbours, device=target.device))
    scores[:, z] = -torch.inf
    margins = energies[rows, z] - scores[rows].amax(1)  # z takes the image where its bias is below
    return _upper_quantile(margins, 1 / counts[target[rows]].to(margins), expected)


def _confusion(predicted: Tensor, target: Tensor, size: int) -> Tensor:
    """Share of the images of each class (row) that go to each other class."""
    table = torch.zeros(size, size, dtype=torch.double, device=target.device)
    table.index_put_((target, predicted), torch.ones_like(target).double(), accumulate=True)
    return table / table.sum(1, keepdim=True).clamp(min=1)


def _expected_losses(
    lost: Tensor, seen: Tensor, joint: Composite, z: int
) -> tuple[list[int], float]:
    """Seen neighbours of z, and the share they should lose to it, summed."""
    cells = torch.tensor(joint.cells)
    apart = cells[:, None] != cells[None]  # (classes, classes, attributes)
    single = apart.sum(2) == 1
    both = seen.cpu()[:, None] & seen.cpu()[None]
    neighbours, expected = [], 0.0
    for i in range(cells.shape[1]):
        pairs = apart[:, :, i] & single
        mine = (pairs[z] & seen.cpu()).nonzero()[:, 0].tolist()
        known = lost.cpu()[pairs & both]
        if mine and len(known):
            neighbours += mine
            expected += len(mine) * float(known.mean())
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
