"""Small convex problems with known structure, shared by the tests of solved heads."""

import torch

from modular_cls.criteria import log_share
from modular_cls.features.solve import Term

ADDITIVE = torch.tensor([[1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1]]).double()


def features(counts, width=6, seed=0, distance=2.0):
    """Features (N, F) of four joint classes, the first two axes telling one attribute each; their classes (N,)."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    x = torch.randn(len(target), width, generator=generator, dtype=torch.double)
    x[:, 0] += distance * (target // 2)
    x[:, 1] += distance * (target % 2)
    return x, target


def term(target, structure=None, classes=4, prior=True, weight=None):
    """Cross-entropy over the joint classes that have images; flat unless a structure is given."""
    counts = torch.bincount(target[target >= 0], minlength=classes)
    offset = log_share(counts).double()
    offset = offset if prior else torch.where(counts > 0, 0.0, -torch.inf).double()
    structure = torch.eye(classes).double() if structure is None else structure
    each = torch.ones(len(target)) if weight is None else weight
    return Term(target, structure, offset, each.double())


def objective(rows, terms, ridge, weight, biases):
    """What `solve` minimises, written out slowly with plain cross-entropies."""
    total = ridge * weight.square().sum()
    for t, bias in zip(terms, biases, strict=True):
        known = t.target >= 0
        scores = (rows @ weight.T @ t.structure.T + bias + t.offset)[known][:, t.seen]
        place = t.seen.cumsum(0) - 1
        each = torch.nn.functional.cross_entropy(scores, place[t.target[known]], reduction="none")
        total = total + (each * t.weight[known]).sum() / t.weight[known].sum() / len(terms)
    return total
