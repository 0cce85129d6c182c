"""Attribute heads, and the composite heads that turn attribute scores into joint scores.

A composite head maps one score tensor `(B, values)` per attribute to joint scores `(B, classes)`
without the training prior, and says which joint classes it can reach from which seen ones.
"""

import torch
from torch import Tensor, nn

from modular_cls.errors import require
from modular_cls.models.reachable import affine_reach
from modular_cls.schema import Composite, Conclusion

__all__ = ["MLP", "Additive", "AttributeHead", "Linear", "Product"]


class AttributeHead(nn.Linear):
    """One basic classifier: `(B, F)` features -> `(B, values)` scores."""


class Cosine(nn.Linear):
    """`scale * cos(w_z, h)`, the normalised linear layer that margins ask for.

    (Cao et al., NeurIPS 2019)

    Args:
        width: F, features.
        classes: Number of scores.
        scale: Largest score.
    """

    def __init__(self, width: int, classes: int, scale: float) -> None:
        super().__init__(width, classes, bias=False)
        self.scale = scale

    def forward(self, features: Tensor) -> Tensor:
        """Features `(B, F)` -> scores `(B, classes)` in [-scale, scale]."""
        return self.scale * nn.functional.linear(
            nn.functional.normalize(features, dim=1), nn.functional.normalize(self.weight, dim=1)
        )


class CompositeHead(nn.Module):
    """Maps one score tensor `(B, values)` per attribute to joint scores `(B, classes)`."""

    @staticmethod
    def reachable(joint: Composite, seen: Tensor) -> Tensor:
        """Classes that can be predicted after training on those of the mask `seen`, (classes,)."""
        return seen.clone()


class Additive(CompositeHead):
    """Attribute scores are added, one bias per joint class is taken away: the default.

    `log p(x | z) = sum_i s_i(x, z_i) - B_z + c(x)`: an additive energy model of each joint class
    (Mahajan et al., Compositional Risk Minimization, ICML 2025). The biases are all its parameters.
    They are learned with the network, then fitted and extrapolated to unseen classes
    (finish/bias.py).

    Args:
        joint: The joint space.
    """

    def __init__(self, joint: Composite) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(joint.size))

    def energies(self, scores: list[Tensor]) -> Tensor:
        """`S(x, z) = sum_i s_i(x, z_i)`, shape (B, classes)."""
        return _added(scores)

    def forward(self, scores: list[Tensor]) -> Tensor:
        """`S(x, z) - B_z`, shape (B, classes)."""
        return self.energies(scores) - self.bias

    @staticmethod
    def reachable(joint: Composite, seen: Tensor) -> Tensor:
        """Classes identified by the seen ones: see `affine_reach`."""
        return affine_reach(joint, seen)


class DirectHead(nn.Linear):
    """Scores joint classes from features directly, to be believed where there are images.

    Attributes that interact break the additive form, and with images of every class a flat head has
    no need of it. So what is said of a class with n images is `w D_z + (1 - w) S_z` with `w = n /
    (n + kappa)`: its own images speak for it as far as there are any, composition for the rest. D
    is first brought to the scale of the composed scores S, the two saying the same of all seen
    classes together, so that a class without images is compared with the seen ones as composition
    compares it.

    Args:
        width: F, features.
        joint: The joint space.
    """

    trust: Tensor

    def __init__(self, width: int, joint: Composite) -> None:
        super().__init__(width, joint.size)
        # w of each class; before it is fitted, all are composed
        self.register_buffer("trust", torch.zeros(joint.size))

    def combine(self, direct: Tensor, composed: Tensor) -> Tensor:
        """Its own scores and composed ones `(B, classes)` -> scores `(B, classes)`."""
        unseen = self.trust == 0
        direct = direct.masked_fill(unseen, _NEVER).log_softmax(1)
        seen_in_all = composed.masked_fill(unseen, _NEVER).logsumexp(1, keepdim=True)
        return torch.where(unseen, composed, torch.lerp(composed, direct + seen_in_all, self.trust))


_NEVER = -1e4  # a score that no softmax sees; finite, so that gradients stay finite


class ConclusionHead(nn.Linear):
    """Scores the values of an attribute that is concluded from others.

    Linear in the probabilities of their values, so additive in attributes: what each value of each
    attribute speaks for, weighed by how probable it is (a sequential concept bottleneck, Koh et
    al., ICML 2020). An attribute set by hand speaks with its whole weight.

    Args:
        conclusion: What is concluded, from what.
    """

    def __init__(self, conclusion: Conclusion) -> None:
        super().__init__(conclusion.width, len(conclusion.attribute.values))
        nn.init.zeros_(self.weight)  # until it is fitted, nothing is concluded
        nn.init.zeros_(self.bias)


class Product(CompositeHead):
    """Independent classifiers: `log prod_i p(z_i | x)`. Inherits whatever shortcuts they learned.

    Args:
        joint: The joint space.
    """

    cells: Tensor
    correction: Tensor

    def __init__(self, joint: Composite) -> None:
        super().__init__()
        self.register_buffer("cells", torch.tensor(joint.cells), persistent=False)
        self.register_buffer("correction", torch.zeros(joint.size))  # see finish.CorrectPrior

    def forward(self, scores: list[Tensor]) -> Tensor:
        """Sum of log probabilities and the correction, shape (B, classes)."""
        return _added([s.log_softmax(1) for s in scores]) + self.correction

    @staticmethod
    def reachable(joint: Composite, seen: Tensor) -> Tensor:
        """Classes each of whose values occurs in some seen class."""
        cells = torch.tensor(joint.cells)
        each = [torch.isin(cells[:, i], cells[seen][:, i]) for i in range(cells.shape[1])]
        return torch.stack(each).all(0)


class Linear(nn.Sequential, CompositeHead):
    """A linear layer on all attribute scores. Knows only the joint classes it was shown."""

    def __init__(self, joint: Composite) -> None:
        super().__init__(_Concatenate(), nn.Linear(_width(joint), joint.size))


class MLP(nn.Sequential, CompositeHead):
    """One hidden layer on all attribute scores: attributes may interact.

    Args:
        joint: The joint space.
        hidden: Width of the hidden layer.
    """

    def __init__(self, joint: Composite, *, hidden: int = 32) -> None:
        require(hidden >= 1, "model.composite (MLP): hidden", hidden, "at least 1")
        super().__init__(
            _Concatenate(),
            nn.Linear(_width(joint), hidden),
            nn.ReLU(),
            nn.Linear(hidden, joint.size),
        )


def _added(scores: list[Tensor]) -> Tensor:
    """One score `(B, values)` per attribute -> their sum for each joint class.

    The classes are in the order of `Composite.cells`.
    """
    total = scores[0]
    for more in scores[1:]:
        total = (total[:, :, None] + more[:, None]).flatten(1)
    return total


class _Concatenate(nn.Module):
    def forward(self, scores: list[Tensor]) -> Tensor:
        return torch.cat(scores, dim=1)


def _width(joint: Composite) -> int:
    return sum(len(a.values) for a in joint.attributes)
