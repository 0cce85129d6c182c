"""What a layer knows, in numbers.

Linear probes, neighbours, scatter, pairs followed, and what excites a unit.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors
from torch import Tensor, nn

from modular_cls.lecture.kit.learning import outputs

STRENGTHS = (1.0, 10.0, 100.0)  # inverse strengths of the penalty, for features of unit spread
_STEPS = 200  # of L-BFGS


@dataclass(frozen=True)
class Examples:
    """Features of shape (examples, numbers) and their labels of shape (examples,)."""

    features: np.ndarray
    labels: np.ndarray


def hidden_stages(net: nn.Sequential) -> list[nn.Module]:
    """The stages whose outputs are the hidden layers.

    All but the last linear layer, flattening not counted.
    """
    return [stage for stage in list(net)[:-1] if not isinstance(stage, nn.Flatten)]


def through(net: nn.Sequential, inputs: Tensor) -> Iterator[Tensor]:
    """The inputs, then what each hidden layer makes of them.

    One layer at a time, for they are large.

    Args:
        net: One of `modular_cls.lecture.kit.nets`.
        inputs: Shape (examples, channels, side, side).
    """
    yield inputs
    inputs = inputs if isinstance(net[0], nn.Sequential) else inputs.flatten(1)
    for stage in hidden_stages(net):
        inputs = outputs(stage, inputs)
        yield inputs


def spanned(train: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Features centred and of unit spread, in no more dimensions than there are training examples.

    A linear classifier with a squared penalty looks at the span of its training examples only (the
    representer theorem; Schölkopf, Herbrich, Smola 2001), so nothing is lost to it.

    Args:
        train: Shape (examples, numbers); their mean becomes 0, their mean squared length 1.
        others: Further features, treated alike.
    """
    mean = train.mean(0)
    spread = float(np.sqrt(np.square(train - mean).sum(1).mean())) or 1.0
    centred = [(x - mean) / spread for x in (train, *others)]
    if train.shape[1] <= len(train):
        return centred
    lengths, axes = np.linalg.eigh(centred[0] @ centred[0].T)
    kept = lengths > lengths[-1] * 1e-6
    basis = centred[0].T @ (axes[:, kept] / np.sqrt(lengths[kept]))
    return [x @ basis for x in centred]


def linear(train: Examples, strength: float) -> LogisticRegression:
    """Logistic regression on features of unit spread (see `spanned`).

    Args:
        train: What it learns from.
        strength: Inverse strength of its squared penalty.
    """
    with warnings.catch_warnings():
        # So near that the accuracy no longer moves.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=strength, max_iter=_STEPS, tol=1e-3).fit(
            train.features, train.labels
        )


def probe(train: Examples, validation: Examples, test: Examples) -> float:
    """Test accuracy of a linear probe (Alain and Bengio 2016).

    Its penalty is chosen on validation examples.

    Args:
        train: Features of unit spread (see `spanned`), as of the other two.
        validation: Decides between `STRENGTHS`.
        test: Never decides anything.
    """
    fitted = [linear(train, strength) for strength in STRENGTHS]
    best = max(fitted, key=lambda f: f.score(validation.features, validation.labels))
    return float(best.score(test.features, test.labels))


def purity(examples: Examples) -> float:
    """Share of examples whose nearest neighbour among the others has the same label."""
    nearest = (
        NearestNeighbors(n_neighbors=1)
        .fit(examples.features)
        .kneighbors(return_distance=False)[:, 0]
    )
    return float((examples.labels[nearest] == examples.labels).mean())


def fisher(examples: Examples) -> float:
    """Scatter of the class means over scatter within classes (Fisher 1936), both as traces."""
    x, between, within = examples.features, 0.0, 0.0
    for label in np.unique(examples.labels):
        members = x[examples.labels == label]
        between += len(members) * float(np.square(members.mean(0) - x.mean(0)).sum())
        within += float(np.square(members - members.mean(0)).sum())
    return between / within if within else float("inf")


@dataclass(frozen=True)
class Pairs:
    """For each example the nearest one of another class, and the farthest one of its own.

    Shape (examples,).
    """

    unlike: np.ndarray
    alike: np.ndarray


def extreme_pairs(inputs: Examples) -> Pairs:
    """The pairs that a net must take apart, or bring together, against what the inputs say."""
    distances = pairwise_distances(inputs.features)
    same = inputs.labels[:, None] == inputs.labels
    return Pairs(
        np.where(same, np.inf, distances).argmin(1), np.where(same, distances, -1.0).argmax(1)
    )


def apart(features: np.ndarray, pairs: Pairs) -> float:
    """Mean distance of the unlike pairs over that of the alike ones, at one layer.

    No unit of length.
    """
    unlike, alike = (
        float(np.linalg.norm(features - features[p], axis=1).mean())
        for p in (pairs.unlike, pairs.alike)
    )
    return unlike / alike if alike else float("inf")


def excitation(layer: Tensor) -> Tensor:
    """How strongly each example excites each unit, shape (examples, units).

    Maps by their strongest place.
    """
    return layer.flatten(2).amax(2) if layer.dim() == 4 else layer


def alike_at_top(layer: Tensor, labels: Tensor, top: int) -> float:
    """Of the `top` examples that most excite a unit, the share of their commonest label.

    Mean over live units.
    """
    strength = excitation(layer)
    chosen = labels[strength[:, strength.amax(0) > strength.amin(0)].topk(top, 0).indices]
    return (
        float(F.one_hot(chosen).sum(0).amax(1).float().div(top).mean()) if chosen.numel() else 0.0
    )


def field(stages: Sequence[nn.Module], place: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the picture that one place of a map sees.

    They may reach over its borders.

    Args:
        stages: Convolutions and poolings from the picture to the map, nested or not.
        place: Row and column in the map.
    """
    layers = [
        m for stage in stages for m in stage.modules() if isinstance(m, nn.Conv2d | nn.MaxPool2d)
    ]
    low, high = list(place), list(place)
    for layer in reversed(layers):
        for axis in range(2):
            size, stride, padding = (
                _side(v, axis) for v in (layer.kernel_size, layer.stride, layer.padding)
            )
            low[axis] = low[axis] * stride - padding
            high[axis] = high[axis] * stride - padding + size - 1
    return slice(low[0], high[0] + 1), slice(low[1], high[1] + 1)


def crop(picture: Tensor, where: tuple[slice, slice], fill: float = 0.5) -> Tensor:
    """A part of a picture of shape (channels, height, width).

    What lies over its borders is `fill`.
    """
    (top, bottom), (left, right) = ((s.start, s.stop) for s in where)
    rows, columns = picture.shape[1:]
    inside = picture[:, max(top, 0) : bottom, max(left, 0) : right]
    return F.pad(
        inside,
        (max(-left, 0), max(right - columns, 0), max(-top, 0), max(bottom - rows, 0)),
        value=fill,
    )


def _side(value: object, axis: int) -> int:
    return int(value[axis]) if isinstance(value, tuple) else int(value)  # type: ignore[call-overload]
