"""Features turned, and weights turned back."""

import pytest
import torch

from modular_cls.errors import ConfigError
from modular_cls.features.basis import Basis


def drawn(n, f, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, f, generator=generator) @ torch.randn(f, f, generator=generator) + 5


@pytest.mark.parametrize(("n", "f"), [(7, 30), (30, 7), (10, 10)])
def test_rows_are_the_features_turned(n, f):
    x = drawn(n, f)
    basis = Basis.of(x)
    rank = min(n - 1, f)  # centring takes one direction away
    assert basis.rows.shape == (n, rank)
    centred = (x - x.mean(0)).double()
    assert float(basis.rows.square().sum(1).mean()) == pytest.approx(1)
    # Turned and divided by one scale: all inner products stay.
    torch.testing.assert_close(
        basis.rows @ basis.rows.T * basis.scale**2, centred @ centred.T, atol=1e-4, rtol=1e-5
    )
    torch.testing.assert_close(basis.axes.T @ basis.axes, torch.eye(rank).double())
    torch.testing.assert_close(basis.spread, basis.rows.square().mean(0))
    torch.testing.assert_close(basis.place(x), basis.rows)


@pytest.mark.parametrize(("n", "f"), [(7, 30), (30, 7)])
def test_weights_unfold_to_raw_features(n, f):
    basis, others = Basis.of(drawn(n, f)), drawn(20, f, seed=1)
    weight = torch.randn(3, basis.rows.shape[1], dtype=torch.double)
    raw, intercept = basis.unfold(weight)
    torch.testing.assert_close(others.double() @ raw.T + intercept, basis.place(others) @ weight.T)


def test_repeated_and_constant_features_add_no_axis():
    x = drawn(40, 4)
    wide = torch.cat([x, x, torch.full((40, 3), 2.0)], dim=1)
    assert Basis.of(wide).rows.shape == (40, 4)


def test_features_that_are_all_the_same():
    with pytest.raises(ConfigError, match="all 5 training images are the same"):
        Basis.of(torch.ones(5, 3))
