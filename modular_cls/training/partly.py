"""Images that know some attributes only, for heads that are solved: EM."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from modular_cls.criteria import LabelGroups, Objective
from modular_cls.features.basis import Basis
from modular_cls.features.folds import fits
from modular_cls.features.ridge import Choice
from modular_cls.features.solve import Solution, Term, solve
from modular_cls.finish import Features

_ROUNDS = 20
_SETTLED = 1e-3  # largest change of a share between two rounds that still counts


def learn_from_parts(
    basis: Basis,
    terms: list[Term],
    objectives: Sequence[Objective],
    groups: Sequence[LabelGroups | None],
    train: Features,
    fold: Tensor,
    folds: int,
    choice: Choice,
) -> tuple[list[Term], Choice]:
    """Go on from the fit to fully labelled images with all that know something.

    Maximises the marginal likelihood of `JointLikelihood`, which is not convex, by expectation
    maximisation: the classes that a partly labelled image may be of are weighed by the model
    itself, and the share of each among them counted anew, every round. The ridge stays.

    Args:
        basis: The images.
        terms: What was minimised.
        objectives: Of which outputs.
        groups: Of each objective: what partly labelled images may be; None where there are none.
        train: The images.
        fold: Fold of each image, shape (N,).
        folds: Number of folds.
        choice: The ridge, and the fits to fully labelled images.

    Returns:
        The terms with shares of classes as targets, and the fits with them.
    """
    used, solution, before = fits(fold, folds), choice.solution, None
    for _ in range(_ROUNDS):
        terms = [
            term if group is None else _expected(term, objective, group, train, basis, solution, t)
            for t, (term, objective, group) in enumerate(
                zip(terms, objectives, groups, strict=True)
            )
        ]
        solution = solve(basis, terms, choice.ridge, used, solution)
        now = torch.cat([t.target.flatten() for t in terms if t.target.ndim == 2])
        if before is not None and float((now - before).abs().max()) < _SETTLED:
            break
        before = now
    return terms, replace(choice, solution=solution)


def _expected(
    term: Term,
    objective: Objective,
    groups: LabelGroups,
    train: Features,
    basis: Basis,
    solution: Solution,
    t: int,
) -> Term:
    """The term with what each image is expected to be, and the prior of its group as offset."""
    labels = torch.stack([train.targets[a.name].cpu() for a in objective.output.attributes], dim=1)
    group, possible = groups(labels)
    whole = len(solution.weight) - 1
    scores = solution.scores(basis.rows, whole) @ term.structure.T + solution.biases[t][whole]
    logits = scores + objective.tau * groups.log_prior()[group].double()
    shares = logits.masked_fill(~possible, -torch.inf).softmax(1)
    labelled = (labels >= 0).any(1)
    groups.shares.zero_()  # counted anew: what the last round believed is in `shares`
    groups.learn(group[labelled], shares[labelled])
    offset = groups.log_prior()[group].double()
    known = torch.where(labelled[:, None], shares, 0)
    return replace(term, target=known, offset=offset, weight=torch.ones(len(labels)).double())
