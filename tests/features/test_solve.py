"""Heads that are solved, against scikit-learn and autograd."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from modular_cls.features.basis import Basis
from modular_cls.features.solve import solve
from tests.features.problems import ADDITIVE, features, objective, term

TIGHT = 1e-8


def every(n):
    return torch.ones(1, n).double()


def centred(weight):
    return weight - weight.mean(0)


@pytest.mark.parametrize("ridge", [1e-4, 1e-2])
def test_flat_against_scikit_learn(ridge):
    x, target = features([40, 30, 20, 10])
    basis = Basis.of(x)
    found = solve(basis, [term(target, prior=False)], ridge, every(100), tolerance=TIGHT)
    # Theirs is C * sum of losses + |w|^2 / 2, over N: mean loss + |w|^2 / (2 C N).
    slow = LogisticRegression(C=1 / (2 * ridge * 100), tol=1e-10, max_iter=10_000)
    slow.fit(((x - basis.mean) / basis.scale).numpy(), target.numpy())
    np.testing.assert_allclose(found.weight[0] @ basis.axes.T, slow.coef_, atol=1e-4, rtol=1e-4)
    bias = found.biases[0][0]
    np.testing.assert_allclose(centred(bias), centred(torch.tensor(slow.intercept_)), atol=1e-4)


def by_autograd(rows, terms, ridge):
    weight = torch.zeros(terms[0].structure.shape[1], rows.shape[1]).double().requires_grad_()
    biases = [torch.zeros(len(t.offset)).double().requires_grad_() for t in terms]
    optimiser = torch.optim.LBFGS([weight, *biases], max_iter=2000, tolerance_grad=1e-10,
                                  tolerance_change=1e-14, line_search_fn="strong_wolfe")  # fmt: skip

    def closure():
        optimiser.zero_grad()
        total = objective(rows, terms, ridge, weight, biases)
        total.backward()
        return total

    optimiser.step(closure)
    return weight.detach(), [b.detach() for b in biases]


@pytest.mark.parametrize("counts", [[40, 30, 20, 10], [40, 30, 20, 0]])
def test_additive_against_autograd(counts):
    x, target = features(counts)
    basis, terms = Basis.of(x), [term(target, ADDITIVE)]
    found = solve(basis, terms, 1e-3, every(len(x)), tolerance=TIGHT)
    weight, biases = by_autograd(basis.rows, terms, 1e-3)
    torch.testing.assert_close(found.weight[0], weight, atol=1e-5, rtol=1e-4)
    seen = terms[0].seen
    torch.testing.assert_close(
        centred(found.biases[0][0][seen]), centred(biases[0][seen]), atol=1e-5, rtol=1e-4
    )
    assert (found.biases[0][0][~seen] == 0).all()
    # Scores of an attribute's values sum to zero in every direction: the ridge fixes what is free.
    torch.testing.assert_close(found.weight[0][:2].sum(0), torch.zeros(6).double(), atol=1e-6, rtol=0)  # fmt: skip


def test_terms_that_share_rows():
    """Two softmaxes over the same four rows, one weighted image by image, one with unknown classes."""
    x, target = features([40, 30, 20, 10])
    partly = target.clone()
    partly[::3] = -1
    weight = torch.linspace(0.5, 2, 100)
    terms = [term(target, ADDITIVE), term(partly // 2, torch.eye(4)[:2].double(), 2, weight=weight)]
    terms[1].target[partly < 0] = -1
    basis = Basis.of(x)
    found = solve(basis, terms, 1e-3, every(100), tolerance=TIGHT)
    slow, _ = by_autograd(basis.rows, terms, 1e-3)
    torch.testing.assert_close(found.weight[0], slow, atol=1e-5, rtol=1e-4)


def test_shares_of_classes_are_targets_too():
    """An image that is half of one class and half of another counts as half an image of each."""
    x, target = features([20, 20, 20, 20])
    shares = torch.nn.functional.one_hot(target, 4).double()
    shares[0] = torch.tensor([0.5, 0, 0.5, 0])
    soft = term(target, prior=False)
    soft = type(soft)(shares, soft.structure, soft.offset, soft.weight)
    twice = torch.cat([x[:1], x])
    hard = term(torch.cat([torch.tensor([2]), target]), prior=False,
                weight=torch.tensor([0.5, 0.5] + [1.0] * 79))  # fmt: skip
    basis = Basis.of(x)
    double = type(basis)(basis.place(twice), basis.spread, basis.mean, basis.axes, basis.scale)
    one = solve(basis, [soft], 1e-3, every(80), tolerance=TIGHT)
    two = solve(double, [hard], 1e-3, every(81), tolerance=TIGHT)
    torch.testing.assert_close(one.weight, two.weight, atol=1e-6, rtol=1e-5)


def test_the_gradient_is_as_small_as_stated():
    """In the features' own coordinates, by autograd, at the solver's own tolerance."""
    x, target = features([40, 30, 20, 10])
    basis, terms = Basis.of(x), [term(target, ADDITIVE)]
    found = solve(basis, terms, 1e-3, every(100))
    weight = found.weight[0].clone().requires_grad_()
    bias = found.biases[0][0].clone().requires_grad_()
    objective(basis.rows, terms, 1e-3, weight, [bias]).backward()
    unit = (0.1 * basis.spread + 2e-3).rsqrt()
    assert found.gradient <= 1e-4
    assert float((weight.grad * unit).abs().max()) == pytest.approx(found.gradient, abs=1e-4)
    assert weight.grad.norm() < 1e-3
    assert bias.grad.norm() < 1e-3


def test_rotation_shift_and_scale_of_features_change_no_score():
    x, target = features([40, 30, 20, 10])
    turn, _ = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(3)).double())  # fmt: skip
    scores = []
    for given in (x, 50 * x @ turn + 7):
        basis = Basis.of(given)
        found = solve(basis, [term(target, ADDITIVE)], 1e-3, every(100), tolerance=TIGHT)
        scores.append(found.scores(basis.rows, 0))
    torch.testing.assert_close(scores[0], scores[1], atol=1e-5, rtol=0)


def test_several_fits_at_once_equal_single_fits():
    x, target = features([20, 15, 12, 8])
    generator = torch.Generator().manual_seed(0)
    used = (torch.rand(3, len(x), generator=generator) < 0.7).double()
    basis, terms = Basis.of(x), [term(target, ADDITIVE)]
    together = solve(basis, terms, 1e-3, used, tolerance=TIGHT)
    for i in range(3):
        alone = solve(basis, terms, 1e-3, used[i : i + 1], tolerance=TIGHT)
        torch.testing.assert_close(together.weight[i], alone.weight[0], atol=1e-5, rtol=1e-4)
        rows = used[i] > 0
        fewer = solve(type(basis)(basis.rows[rows], basis.spread, basis.mean, basis.axes, basis.scale),
                      [terms[0].of(rows)], 1e-3, every(int(rows.sum())), tolerance=TIGHT)  # fmt: skip
        torch.testing.assert_close(together.weight[i], fewer.weight[0], atol=1e-5, rtol=1e-4)


def test_the_start_decides_nothing():
    x, target = features([40, 30, 20, 10])
    basis, terms = Basis.of(x), [term(target)]
    near = solve(basis, terms, 1e-1, every(100))
    warm = solve(basis, terms, 1e-3, every(100), start=near, tolerance=TIGHT)
    cold = solve(basis, terms, 1e-3, every(100), tolerance=TIGHT)
    torch.testing.assert_close(warm.weight, cold.weight, atol=1e-5, rtol=1e-4)


def test_a_class_can_be_left_out():
    x, target = features([20, 20, 20, 5])
    whole = term(target, ADDITIVE)
    rest = solve(Basis.of(x), [whole.without(3)], 1e-3, every(65), tolerance=TIGHT)
    used = (target != 3).double()[None]
    basis = Basis.of(x)
    other = term(torch.where(target == 3, -1, target), ADDITIVE)
    same = solve(basis, [other], 1e-3, used, tolerance=TIGHT)
    torch.testing.assert_close(rest.weight, same.weight, atol=1e-5, rtol=1e-4)
