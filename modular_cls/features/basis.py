"""Features as the solver takes them: centred, on one common scale, turned to uncorrelated axes."""

import hashlib
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from modular_cls.errors import ConfigError

_NEGLIGIBLE = 1e-12  # of the largest variance; an axis below it is rounding


@dataclass(frozen=True)
class Basis:
    """The features of some images, and how to bring others to the same axes.

    One common scale (mean squared norm 1) makes ridges comparable between sets and leaves the
    features' own proportions; a scale for each feature was worse on three sets of photographs.
    Turning changes no fit, and N images span at most N axes, so a problem is never wider than there
    are images.

    Attributes:
        rows: The images, shape (N, r), double.
        spread: Mean square of the rows along each axis, shape (r,).
        mean: Of the features, shape (F,).
        axes: Orthonormal directions in feature space, shape (F, r).
        scale: What centred features are divided by.

    Example:
        >>> features = torch.tensor([[1.0, 1.0], [1.0, 3.0], [1.0, 5.0]])
        >>> basis = Basis.of(features)
        >>> tuple(basis.rows.shape)  # three images that differ in one direction
        (3, 1)
        >>> bool(torch.allclose(basis.place(features), basis.rows))
        True
    """

    rows: Tensor
    spread: Tensor
    mean: Tensor
    axes: Tensor
    scale: float

    @classmethod
    def of(cls, features: Tensor) -> "Basis":
        """Find the axes of features (N, F); those of the last ones asked for are remembered.

        Raises:
            ConfigError: If the images' features are all the same: nothing can be learned from them.
        """
        key = _digest(features)
        if key not in _KNOWN:
            _KNOWN.clear()
            _KNOWN[key] = cls._found(features.double())
        return _KNOWN[key]

    @classmethod
    def _found(cls, features: Tensor) -> "Basis":
        mean = features.mean(0)
        centred = features - mean
        scale = float(centred.square().sum(1).mean().sqrt())
        if not scale > 0:
            raise ConfigError(
                f"the features of all {len(features):,} training images are the same; there is "
                "nothing to learn from"
            )
        centred = centred / scale
        # Of the two products the smaller one: both have the same eigenvalues but for zeros.
        wide = centred.shape[0] <= centred.shape[1]
        values, vectors = torch.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
        kept = values > values[-1] * _NEGLIGIBLE  # they ascend
        values, vectors = values[kept], vectors[:, kept]
        axes = centred.T @ vectors / values.sqrt() if wide else vectors
        return cls(centred @ axes, values / len(centred), mean, axes, scale)

    def single(self) -> "Basis":
        """The same in single precision, for fits that need only be compared."""
        return replace(self, rows=self.rows.float(), spread=self.spread.float())

    def place(self, features: Tensor) -> Tensor:
        """Features `(n, F)` -> rows `(n, r)` on these axes."""
        return ((features.double() - self.mean) / self.scale) @ self.axes

    def unfold(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Weights on rows, `(P, r)` -> weights on raw features `(P, F)` and intercepts `(P,)`."""
        raw = weight @ self.axes.T / self.scale
        return raw, -raw @ self.mean


_KNOWN: dict[bytes, Basis] = {}  # methods of a study pose their problems on the same images


def _digest(features: Tensor) -> bytes:
    form = f"{features.dtype} {tuple(features.shape)}".encode()
    return hashlib.blake2b(form + features.contiguous().numpy().tobytes()).digest()
