"""Images that know some attributes only: what each group of them may be, and with which prior.

Images are grouped by *which* attributes are known. Within a group a joint class has the prior
`p(known values) p(unknown values | known values)`: the first from counts; the second is not
observed.
"""

import itertools

import torch
from torch import Tensor, nn

from modular_cls.criteria.criterion import over_processes
from modular_cls.schema import Composite

_RULED_OUT = 1e-6  # a share below this
_HORIZON = 0.99  # what an update's images still count for after the next


class LabelGroups(nn.Module):
    """The groups that the training images of a joint space fall into, and their priors.

    Args:
        joint: The joint space, of m attributes.
        observed: Number of training images by the value of each attribute, the last place of each
            axis standing for unknown, shape (values of the first + 1, values of the second + 1,
            ...).
        unknown: Where `p(unknown | known)` comes from: `em` estimates it while training, from the
            model's own guesses (expectation maximisation, started uniform); `independent` takes the
            shares of the attributes over all images that know them; `labelled` takes those of the
            fully labelled images.
        smoothing: Images added to every joint class of a group by `em`.
    """

    cells: Tensor
    known: Tensor
    counts: Tensor
    part: Tensor
    shares: Tensor

    def __init__(self, joint: Composite, observed: Tensor, unknown: str, smoothing: float) -> None:
        super().__init__()
        self.joint, self.smoothing, self.estimates = joint, smoothing, unknown == "em"
        cells, (known, counts) = torch.tensor(joint.cells), _groups_of(joint, observed)
        self.register_buffer("cells", cells, persistent=False)  # (classes, m)
        self.register_buffer("known", known, persistent=False)  # (groups, m)
        self.register_buffer("counts", counts, persistent=False)  # (groups, classes)
        self.register_buffer("part", _parts(joint, known), persistent=False)  # (groups, classes)
        self.register_buffer("shares", self._shares(observed, unknown))  # (groups, classes)

    @staticmethod
    def needed(observed: Tensor) -> bool:
        """Whether some images know some attributes of the space but not all."""
        whole = observed[(slice(-1),) * observed.ndim].sum()
        nothing = observed[(-1,) * observed.ndim]
        return bool(observed.sum() - whole - nothing > 0)

    def forward(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The group of each row of labels, and the classes it may be.

        Labels (B, m), -1 where unknown -> groups (B,) and possible classes (B, classes).

        A row whose group has no training images gets the number of groups; its prior is flat.
        """
        fits = ((labels >= 0)[:, None] == self.known).all(-1)
        group = torch.where(fits.any(1), fits.int().argmax(1), len(self.known))
        possible = torch.ones(len(labels), len(self.cells), dtype=torch.bool, device=labels.device)
        for value, column in zip(labels.T[:, :, None], self.cells.T, strict=True):
            possible &= (value == column) | (value < 0)
        return group, possible

    def log_prior(self) -> Tensor:
        """Log of `p(known) p(unknown | known)` of each class, shape (groups + 1, classes).

        The last is flat.
        """
        alike = self._over_part(torch.ones_like(self.counts))
        images = (self.counts / alike).sum(1, keepdim=True)
        prior = self.counts / images * self._within(self.shares)
        return torch.cat([prior.log(), torch.zeros_like(prior[:1])])

    def learn(self, group: Tensor, guesses: Tensor) -> None:
        """Count the model's guesses (B, classes) at the class of each row.

        The EM step of one update.
        """
        if self.estimates:
            counted = torch.zeros(
                len(self.known) + 1, guesses.shape[1], dtype=torch.float32, device=guesses.device
            )
            counted = over_processes(counted.index_add(0, group, guesses.detach().float()))
            self.shares.mul_(_HORIZON).add_(counted[:-1])

    def taught(self) -> Tensor:
        """Classes that partly labelled images may be of, shape (classes,).

        Some of these images know each of their values.
        """
        partly = ~self.known.all(1)
        there = (self.counts > 0) & partly[:, None]
        each_value = torch.ones(len(self.cells), dtype=torch.bool, device=there.device)
        for known in self.known.T:
            each_value &= (there & known[:, None]).any(0)
        possible = self._within(self.shares) > _RULED_OUT
        return each_value & (there & possible).any(0)

    def estimate(self) -> dict[str, float]:
        """Share of each class among the partly labelled images of its group that may be of it."""
        within = self._within(self.shares)
        named: dict[str, float] = {}
        for g, known in enumerate(self.known.tolist()):
            if all(known):
                continue
            group = "+".join(a.name for a, k in zip(self.joint.attributes, known, strict=True) if k)
            pairs = zip(self.joint.class_names, within[g].tolist(), strict=True)
            named |= {f"{group}/{name}": round(share, 4) for name, share in pairs}
        return named

    def _within(self, shares: Tensor) -> Tensor:
        """`p(unknown | known)` from what each class was counted, shape (groups, classes)."""
        # Without EM, just above 0: where no class of the known values has a share, no 0 / 0.
        smoothed = shares + (self.smoothing if self.estimates else 1e-9)
        return smoothed / self._over_part(smoothed)

    def _over_part(self, values: Tensor) -> Tensor:
        """Sum over the classes that share the group's known values, shape (groups, classes)."""
        totals = torch.zeros_like(values).scatter_add(1, self.part, values)
        return totals.gather(1, self.part)

    def _shares(self, observed: Tensor, unknown: str) -> Tensor:
        if unknown == "em":
            return torch.zeros_like(self.counts)
        if unknown == "labelled":
            return observed[tuple(self.cells.T)].float().expand_as(self.counts).clone()
        shares = torch.ones(len(self.cells))
        for i in range(observed.ndim):
            others = [d for d in range(observed.ndim) if d != i]
            each = (observed.sum(others) if others else observed)[:-1].float()
            shares = shares * (each / each.sum())[self.cells[:, i]]
        return shares.expand_as(self.counts).clone()


def _groups_of(joint: Composite, observed: Tensor) -> tuple[Tensor, Tensor]:
    """Which attributes each group knows (groups, m), and its images at each class it may be.

    Images that know nothing are in no group.
    """
    cells, known, counts = torch.tensor(joint.cells), [], []
    for pattern in itertools.product((False, True), repeat=len(joint.attributes)):
        mask = torch.tensor(pattern)
        images = observed[tuple(torch.where(mask, cells, -1).T)]
        if mask.any() and images.any():
            known.append(mask)
            counts.append(images)
    return torch.stack(known), torch.stack(counts).float()


def _parts(joint: Composite, known: Tensor) -> Tensor:
    """A number for each class of a group, the same where known values are: (groups, classes)."""
    cells, sizes = (
        torch.tensor(joint.cells),
        torch.tensor([len(a.values) for a in joint.attributes]),
    )
    above = sizes.flip(0).cumprod(0).flip(0)  # combinations of this attribute and those after it
    steps = above // sizes  # of those after it alone, as digits of a number have them
    return torch.where(known[:, None], cells * steps, 0).sum(-1)
