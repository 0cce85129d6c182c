"""The heads of a model, solved on features: what its criterion minimises, minimised."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from rich.progress import track
from torch import Tensor, nn

from modular_cls.config import Heads
from modular_cls.criteria import Criterion, Objective, log_share
from modular_cls.errors import ConfigError
from modular_cls.features.basis import Basis
from modular_cls.features.crossfit import out_of_fold_scores
from modular_cls.features.folds import stratified_folds
from modular_cls.features.ridge import GRID, Choice, choose_ridge
from modular_cls.features.sharing import choose_sharing
from modular_cls.features.solve import Term
from modular_cls.finish import Features
from modular_cls.models.joint_classifier import DIRECT, JointClassifier, LinearScores
from modular_cls.models.modular import ModularClassifier
from modular_cls.models.reachable import one_hot
from modular_cls.schema import Composite, Schema
from modular_cls.training.partly import learn_from_parts

_MANY = 10  # problems from which on progress is shown
_FAR = 1e4  # a log share that no image has


@dataclass(frozen=True)
class HeadProblem:
    """Cross-entropies whose heads share weights: one problem with one ridge.

    Attributes:
        name: Of its outputs.
        objectives: What is minimised.
        linear: How each objective's scores are made of rows of weights.
        heads: The heads that the rows are of, in order.
    """

    name: str
    objectives: list[Objective]
    linear: list[LinearScores]
    heads: list[nn.Linear]


@dataclass
class Solved:
    """What came out of solving a model's heads.

    Attributes:
        scores: Out-of-fold scores; see `Features.scores`.
        ridges: By problem: the ridge chosen, its loss, and whether it lies at the edge of the grid;
            of direct heads also the multiple of it on the interaction, None where they only add.
    """

    scores: dict[str, Tensor] = field(default_factory=dict)
    ridges: dict[str, dict[str, Any]] = field(default_factory=dict)

    def note(self, name: str, choice: Choice, more: Mapping[str, Any] | None = None) -> None:
        """Note what was chosen for a problem."""
        loss = _finite(choice.loss)
        facts = {"ridge": choice.ridge, "loss": loss, "at_edge": choice.at_edge}
        self.ridges[name] = facts | dict(more or {})


def head_problems(model: JointClassifier, criterion: Criterion) -> list[HeadProblem]:
    """The separate problems that a model's heads are found by.

    Raises:
        UndefinedError: If the criterion is no convex objective of frozen features, or the scores of
            the model are not linear in them.
    """
    problems: list[HeadProblem] = []
    for objective in criterion.objectives():
        linear = model.linear(objective.output)
        mine = HeadProblem(objective.output.name, [objective], [linear], linear.heads)
        sharing = [p for p in problems if not set(p.heads).isdisjoint(linear.heads)]
        for other in sharing:
            problems.remove(other)
            mine = _joined(other, mine)
        problems.append(mine)
    return problems


def check_solvable(
    model: JointClassifier, criterion: Criterion, counts: Mapping[str, Tensor]
) -> None:
    """Refuse, before anything slow, what cannot be solved.

    Args:
        model: The model.
        criterion: What is to be minimised.
        counts: Training images of each joint class, by joint space, shape (classes,).

    Raises:
        ConfigError: If no joint space has images of two classes.
        UndefinedError: As `head_problems`.
    """
    head_problems(model, criterion)
    if criterion.only_trained:
        raise ConfigError(f"criterion does not go with backbone.frozen: {criterion.only_trained}")
    if all((count > 0).sum() < 2 for count in counts.values()):
        first = model.schema.joints[0]
        only = first.class_names[int(counts[first.name].argmax())]
        raise ConfigError(
            f"the training images are of one class only ({only}); there must be two at least"
        )


@torch.no_grad()
def solve_heads(
    model: JointClassifier,
    criterion: Criterion,
    train: Features,
    how: Heads,
    seed: int,
    balanced: bool = False,
) -> Solved:
    """Solve every head of a model, in place.

    Args:
        model: The model; its heads are filled.
        criterion: What is minimised.
        train: The training images.
        how: Ridges to choose from, and folds.
        seed: Draws the folds.
        balanced: Let each joint class count alike: the expectation of drawing them equally often.

    Returns:
        Out-of-fold scores, and the ridges.
    """
    basis, solved = Basis.of(train.features), Solved()
    fold_of = {
        space.name: stratified_folds(train.targets[space.name], how.folds, seed, train.identity)
        for space in model.schema.joints
    }
    problems = head_problems(model, criterion)
    for problem in track(problems, "Heads solved", disable=len(problems) < _MANY):
        fold = fold_of[_space(model.schema, problem).name]
        terms = _terms(problem, train, balanced)
        choice = _choose(basis, terms, fold, how, solved, problem.name)
        groups = [criterion.label_groups(o.output.name) for o in problem.objectives]
        if any(group is not None for group in groups):
            terms, choice = learn_from_parts(
                basis, terms, problem.objectives, groups, train, fold, how.folds, choice
            )
        rows = out_of_fold_scores(basis, terms, fold, choice)
        _fill(problem, basis, choice, train.targets)
        biases = _class_biases(problem, choice, train.targets)
        solved.scores |= _out_of_fold(model, problem, rows, biases)
    direct = model.direct if isinstance(model, ModularClassifier) else {}
    for space in (j for j in model.learned.joints if j.name in direct):
        head = direct[space.name]
        _solve_direct(head, space, basis, train, fold_of[space.name], how, solved)
    return solved


def _solve_direct(
    head: nn.Linear,
    space: Composite,
    basis: Basis,
    train: Features,
    fold: Tensor,
    how: Heads,
    solved: Solved,
) -> None:
    """Solve a direct head, its classes sharing as much as cross-validation asks for."""
    linear = LinearScores([head], torch.eye(space.size).double(), head.bias)
    problem = HeadProblem(space.name, [Objective(space, tau=1.0)], [linear], [head])
    (term,) = _terms(problem, train, balanced=False)
    sharing = choose_sharing(basis, term, one_hot(space), fold, how.folds, _grid(how))
    choice, structure = sharing.choice, sharing.term.structure
    solved.note(space.name + DIRECT, choice, {"multiple": _finite(sharing.multiple)})
    rows = out_of_fold_scores(basis, [sharing.term], fold, choice)
    bias = choice.solution.biases[0][-1]
    solved.scores[space.name] = (rows @ structure.T + bias).float()
    weight, intercept = basis.unfold(structure @ choice.solution.weight[-1])
    head.weight.copy_(weight)
    head.bias.copy_(intercept + bias)


def _joined(one: HeadProblem, other: HeadProblem) -> HeadProblem:
    heads = [*one.heads, *(h for h in other.heads if h not in one.heads)]
    objectives, linear = one.objectives + other.objectives, one.linear + other.linear
    return HeadProblem(f"{one.name}, {other.name}", objectives, linear, heads)


def _space(schema: Schema, problem: HeadProblem) -> Composite:
    """The joint space that a problem is about: its folds are stratified by those classes."""
    asked = set(problem.objectives[0].output.attributes)
    return next(j for j in schema.joints if asked <= set(j.attributes))


def _terms(problem: HeadProblem, train: Features, balanced: bool) -> list[Term]:
    place = dict(_rows(problem.heads))
    rows = sum(h.out_features for h in problem.heads)
    terms = []
    for objective, linear in zip(problem.objectives, problem.linear, strict=True):
        target = train.targets[objective.output.name].cpu()
        structure = torch.zeros(objective.output.size, rows, dtype=torch.double)
        taken = 0
        for head in linear.heads:
            structure[:, place[head]] = linear.structure[:, taken : taken + head.out_features]
            taken += head.out_features
        counts = torch.bincount(target[target >= 0], minlength=objective.output.size)
        weights = objective.weights if not balanced else 1 / counts.double()
        # Images whose class is unknown count nothing, whatever weight they find here.
        each = torch.ones(len(target)) if weights is None else weights.cpu()[target.clamp(min=0)]
        terms.append(Term(target, structure, log_share(counts).double(), each.double()))
    return terms


def _choose(
    basis: Basis, terms: Sequence[Term], fold: Tensor, how: Heads, solved: Solved, name: str
) -> Choice:
    choice = choose_ridge(basis, terms, fold, how.folds, _grid(how))
    solved.note(name, choice)
    return choice


def _grid(how: Heads) -> tuple[float, ...]:
    return tuple(sorted(set(how.ridges))) if how.ridges else GRID


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None  # JSON knows no infinity


def _fill(
    problem: HeadProblem, basis: Basis, choice: Choice, targets: Mapping[str, Tensor]
) -> None:
    """Write the solution into the heads: rows of weights, and the bias of each class."""
    weight, intercept = basis.unfold(choice.solution.weight[-1])
    for head, rows in _rows(problem.heads):
        head.weight.copy_(weight[rows])
        head.bias.copy_(intercept[rows])
    biases = _class_biases(problem, choice, targets)
    for linear, bias in zip(problem.linear, biases, strict=True):
        within = linear.bias if _is_own(linear) else torch.zeros(())
        linear.bias.copy_(linear.sign * bias + within)


def _class_biases(
    problem: HeadProblem, choice: Choice, targets: Mapping[str, Tensor]
) -> list[Tensor]:
    """The bias of each class, by objective.

    Solved with the log prior beside the scores; what tau leaves of it belongs into them.
    """
    biases = []
    for t, objective in enumerate(problem.objectives):
        target = targets[objective.output.name].cpu()
        counts = torch.bincount(target[target >= 0], minlength=objective.output.size)
        # With tau 1 a class without images has 0 times -inf.
        within = ((1 - objective.tau) * log_share(counts).double()).clamp(min=-_FAR).nan_to_num()
        biases.append(choice.solution.biases[t][-1] + torch.where(counts > 0, within, 0))
    return biases


def _out_of_fold(
    model: JointClassifier, problem: HeadProblem, rows: Tensor, biases: Sequence[Tensor]
) -> dict[str, Tensor]:
    """Out-of-fold scores by attribute, with the bias of a value where its head has one."""
    if not isinstance(model, ModularClassifier):
        return {}
    own = {linear.heads[0]: bias for linear, bias in zip(problem.linear, biases, strict=True)
           if _is_own(linear)}  # fmt: skip
    names = dict(
        zip(model.attribute_heads, (a.name for a in model.learned.attributes), strict=True)
    )
    return {names[h]: (rows[:, at] + own.get(h, 0)).float() for h, at in _rows(problem.heads)}


def _is_own(linear: LinearScores) -> bool:
    """Whether the bias of the classes is that of their head, which also holds the centring."""
    return any(linear.bias is head.bias for head in linear.heads)


def _rows(heads: Sequence[nn.Linear]) -> Iterator[tuple[nn.Linear, slice]]:
    """Each head with its rows among those of all."""
    start = 0
    for head in heads:
        yield head, slice(start, start + head.out_features)
        start += head.out_features
