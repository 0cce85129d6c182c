"""Heads solved on features from anywhere, as a scikit-learn estimator."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from modular_cls import criteria, models
from modular_cls.config import Heads, Part, Prediction
from modular_cls.config.bases import read_yaml, with_bases
from modular_cls.config.shipped import method_config
from modular_cls.data.labels import Labels, check_together, is_blank
from modular_cls.errors import ConfigError, shortened, unknown
from modular_cls.finish import Features
from modular_cls.finish.step import Counts
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.parts import build_part
from modular_cls.schema import Schema
from modular_cls.training.ending import build_ending, finish_model, taught_classes
from modular_cls.training.evaluate import log_probabilities
from modular_cls.training.metrics import summarise
from modular_cls.training.settings import read_heads, read_weights
from modular_cls.training.solved import check_solvable, solve_heads
from modular_cls.training.targets import Answers

_PARTS = ("model", "criterion", "finish")


class ComposedClassifier(ClassifierMixin, BaseEstimator):
    """Recognise joint classes, those with few or no examples too, from features.

    The heads of a method are solved on the features, with a ridge chosen by cross-validation, then
    finished: what `modular-cls train` does with `backbone.frozen`, after the pictures have passed
    the network. Nothing is drawn but the folds.

    Args:
        schema: Attributes and composites, as in a configuration file; None takes the columns of y
            as attributes, their values in sorted order, and one composite of them all.
        method: The name of a configuration (`modular`, `flat`, ...) or its parts, as a mapping with
            `model`, `criterion` and, if there are any, `finish`.
        ridges: Ridges to choose from; None for 1e-8 to 1e-2 by half decades.
        folds: Folds of the cross-validation.
        prior: Share of each joint class expected where the model is used: `uniform`, `training`, or
            a mapping from class names to shares.
        unreachable: Predict also joint classes that have no examples and that the method cannot
            compose.
        seed: Draws the folds.

    Attributes:
        schema_: The schema.
        classes_: The values of each attribute, a list of arrays; of a y with one column, an array.
        model_: The fitted model.
        ridges_: By problem: the ridge chosen, its cross-validated log-loss, and whether it lies at
            the edge of the grid.
        notes_: What the finish steps tell, as the effective sample size of an extrapolated bias.
        n_features_in_: F, the width of the features.

    Example:
        >>> from modular_cls import ComposedClassifier
        >>> X = [[0, 0], [0, 1], [1, 0], [0, 0.2], [0.1, 1], [0.9, 0]]
        >>> Y = {"hair": ["short", "short", "long"] * 2, "gender": ["female", "male", "female"] * 2}
        >>> schema = {"attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        ...           "composites": {"both": {"attributes": ["hair", "gender"]}}}
        >>> model = ComposedClassifier(schema, folds=2).fit(X, Y)
        >>> model.predict_composite("both", [[1, 1]])  # not one of these was ever seen
        array(['long_male'], dtype=object)
    """

    def __init__(
        self,
        schema: Mapping[str, Any] | Schema | None = None,
        method: str | Mapping[str, Any] = "modular",
        ridges: Sequence[float] | None = None,
        folds: int = 5,
        prior: str | Mapping[str, float] = "uniform",
        unreachable: bool = False,
        seed: int = 0,
    ) -> None:
        self.schema = schema
        self.method = method
        self.ridges = ridges
        self.folds = folds
        self.prior = prior
        self.unreachable = unreachable
        self.seed = seed

    def fit(self, X: Any, y: Any, identity: Sequence[str] | None = None) -> Self:  # noqa: N803
        """Solve the heads.

        Args:
            X: Features, shape (N, F).
            y: Attributes: a data frame or a mapping from names to columns, whose other columns are
                left out; or rows of values in the order of the schema. None, NaN and blank text
                stand for unknown.
            identity: Whom or what each row shows, blank for one of its own; rows of one identity
                stay in one fold.

        Raises:
            ValueError: Naming the argument or the row that does not fit.
            UndefinedError: If the method is no convex problem, or not defined on these numbers of
                examples.
        """
        how = read_heads(self.ridges, self.folds, self.seed)
        method, balanced = read_method(self.method)
        features = self._features(X, reset=True)
        self._answers = self._read(y, len(features), self.schema)
        labels = self._answers.labels
        self.schema_ = labels.schema
        values = self._answers.values
        self.classes_ = values[0] if self._answers.single else values
        train = Features(features, _targets(labels), identity=_names(identity, len(features)))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self._solve(train, method, how, balanced)
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """The most probable value of each attribute, shape (N, attributes).

        Fitted to a y of one column by itself, shape (N,).
        """
        logs = self._logs(X)
        codes = [logs[a.name].argmax(1).numpy() for a in self.schema_.attributes]
        return self._answers.written(codes)

    def predict_composite(self, name: str, X: Any) -> np.ndarray:  # noqa: N803
        """The most probable joint class of a composite, by name, shape (N,)."""
        check_is_fitted(self)
        names = np.array(self.schema_.composite(name).class_names, dtype=object)
        return names[self._logs(X)[name].argmax(1).numpy()]

    def predict_proba(self, X: Any) -> dict[str, np.ndarray] | np.ndarray:  # noqa: N803
        """Probabilities by output, attributes and composites, each of shape (N, classes).

        Fitted to a y of one column by itself, those of its classes alone.
        """
        shares = {name: logs.exp().numpy() for name, logs in self._logs(X).items()}
        return shares[self.schema_.attributes[0].name] if self._answers.single else shares

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:  # noqa: N803
        """Balanced accuracy of the first composite, over the rows where all of it is known.

        Without composites, of the first attribute.

        Args:
            X: Features, shape (N, F).
            y: As for `fit`.
            sample_weight: What each row counts, shape (N,); None for all alike.
        """
        logs = self._logs(X)
        composite = self.schema_.first
        answers = self._read(y, len(logs[composite.name]), self.schema_)
        target = torch.from_numpy(answers.labels.targets(composite))
        known, size = target >= 0, composite.size
        if not known.any():
            raise ConfigError(f"y: no row has all labels of {composite.name}; nothing to score")
        pairs = target[known] * size + logs[composite.name].argmax(1)[known]
        weight = read_weights(sample_weight, len(target), known)
        confusion = torch.bincount(pairs, weight[known], size * size).view(size, size)
        return float(summarise(confusion, composite)["balanced_accuracy"])

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()  # type: ignore[no-untyped-call]
        tags.target_tags.multi_output = True
        return tags

    def _solve(
        self, train: Features, method: Mapping[str, Any], how: Heads, balanced: bool
    ) -> None:
        labels, schema = self._answers.labels, self.schema_
        counts = {j.name: torch.from_numpy(labels.counts(j)) for j in schema.joints}
        build = build_part(method["model"], models, JointClassifier, "model")
        model = build(schema=schema, backbone=train.features.shape[1]).double()
        built = build_part(method["criterion"], criteria, criteria.Criterion, "criterion")
        grids = {j.name: torch.from_numpy(labels.observed(j)) for j in schema.joints}
        observed = None if balanced else grids  # one joint class counts as another, parts as none
        criterion = built(schema=model.learned, counts=counts, observed=observed)
        criterion.check(model)
        check_together(labels, schema, "y")
        check_solvable(model, criterion, counts)
        taught = taught_classes(criterion, counts)
        _tell(model, labels, taught, criterion.partly_labelled, self.unreachable)
        prior = dict(self.prior) if isinstance(self.prior, Mapping) else self.prior
        asked = Prediction(prior, self.unreachable)  # type: ignore[arg-type]  # checked there
        ending = build_ending(model, {"train": counts}, taught, method["finish"], asked)
        solved = solve_heads(model, criterion, train, how, self.seed, balanced)
        model.set_priors(ending.priors)
        images = train._replace(scores=solved.scores or None)
        self.notes_, _ = finish_model(model, ending, lambda _: images)
        self.ridges_ = solved.ridges
        self.model_ = model.eval().requires_grad_(False)

    def _features(self, X: Any, reset: bool) -> Tensor:  # noqa: N803
        if isinstance(X, Tensor):
            X = X.detach().cpu().double().numpy()  # noqa: N806
        rows = validate_data(self, X, dtype=np.float64, ensure_all_finite=False, reset=reset)
        wrong = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        if len(wrong):
            more = f" ({len(wrong):,} such rows)" if len(wrong) > 1 else ""
            raise ConfigError(f"X, row {wrong[0]} (from 0): NaN or inf among its features{more}")
        return torch.tensor(rows)

    def _read(self, table: Any, rows: int, schema: Mapping[str, Any] | Schema | None) -> Answers:
        if table is None:
            name = type(self).__name__
            raise ConfigError(f"{name} requires y to be passed, but the target y is None")
        answers = Answers.read(table, schema)
        if len(answers.labels) != rows:
            raise ConfigError(f"X has {rows:,} rows and y {len(answers.labels):,}; give as many")
        return answers

    def _logs(self, X: Any) -> dict[str, Tensor]:  # noqa: N803
        check_is_fitted(self)
        return log_probabilities(self.model_, self._features(X, reset=False))


def read_method(method: str | Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """The parts of a method, and whether its joint classes count alike.

    Args:
        method: The name or file of a configuration, or a mapping of parts.

    Raises:
        ConfigError: If there is no such configuration or part, with the nearest; or a part lacks.
    """
    parts: dict[str, Any]
    if isinstance(method, Mapping):
        parts, balanced = dict(method), False
        for key in parts:
            if key not in _PARTS:
                raise ConfigError(unknown("key", key, _PARTS, "in method"))
    else:
        parts, drawn = {}, None
        for file in with_bases(method_config(str(method))):
            content = read_yaml(file)
            parts |= content
            drawn = (content.get("data") or {}).get("sampling", drawn)
        balanced = drawn == "balanced"
    if missing := [key for key in _PARTS[:2] if key not in parts]:
        raise ConfigError(f"method has no {missing[0]}; it needs model and criterion")
    if not isinstance(parts.get("finish") or [], list):
        raise ConfigError(f"finish is {parts['finish']!r}; it must be a list of steps")
    finish: list[Part] = list(parts.get("finish") or [])
    return {"model": parts["model"], "criterion": parts["criterion"], "finish": finish}, balanced


def _targets(labels: Labels) -> dict[str, Tensor]:
    outputs = (*labels.schema.outputs, *labels.schema.joints)
    return {o.name: torch.from_numpy(labels.targets(o)) for o in outputs}


def _names(identity: Sequence[str] | None, rows: int) -> list[str] | None:
    if identity is None:
        return None
    names = ["" if is_blank(name) else str(name) for name in identity]
    if len(names) != rows:
        raise ConfigError(f"X has {rows:,} rows and identity {len(names):,}; give as many")
    return names


def _tell(
    model: JointClassifier, labels: Labels, taught: Counts, partly: str, unreachable: bool
) -> None:
    """Warn of what is left out or never predicted."""
    missing = int((labels.codes < 0).any(axis=1).sum())
    if missing and "left out" in partly:
        warnings.warn(f"{missing:,} rows of y lack some label: {partly}", stacklevel=4)
    for joint in model.schema.joints:
        reach = model.reachable(joint, taught[joint.name])
        lost = [n for n, r in zip(joint.class_names, reach, strict=True) if not r]
        if lost and not unreachable:
            fate = "without examples, out of this method's reach, never predicted"
            warnings.warn(f"{fate}: {shortened(lost)}", stacklevel=4)
