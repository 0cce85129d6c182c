"""What a run answered on each test image, from its `predictions.csv`."""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modular_cls.errors import ConfigError, nearest
from modular_cls.report.results import FinishedRun
from modular_cls.runs.folder import MARKER
from modular_cls.runs.weights import changed

_PREDICTIONS = "predictions.csv"


@dataclass(frozen=True)
class Answers:
    """Answers about one composite.

    Attributes:
        images: Digest of the list of test images and their classes.
        true: Place of the joint class of each image, shape (images,).
        right: Whether it was predicted, shape (images,).
    """

    images: str
    true: np.ndarray
    right: np.ndarray

    def part(self, weights: np.ndarray) -> np.ndarray:
        """What each image adds to a weighted sum of recalls, shape (images,).

        Args:
            weights: Of each joint class, shape (classes,).
        """
        return weights[self.true] * self.right


def read_predictions(
    run: FinishedRun, columns: Sequence[str], newer: Sequence[str] = ()
) -> list[list[str]] | None:
    """Columns of a run's table of predictions, a list of cells each; None if it wrote none.

    Args:
        run: The run.
        columns: Names of columns that it must have.
        newer: Names of columns that runs of an earlier version have not; left out then.

    Raises:
        ConfigError: If the table lacks a column, or is not what the run wrote.
    """
    file = run.folder / _PREDICTIONS
    known = run.metrics.get("sha256") or {}
    if _PREDICTIONS in known and (wrong := changed(run.folder, _PREDICTIONS, known, MARKER)):
        raise ConfigError(f"{run.folder}: {wrong}")
    if not file.is_file():
        return None
    with file.open(encoding="utf-8", newline="") as opened:
        header, *rows = csv.reader(opened)
    if lacking := [c for c in columns if c not in header]:
        raise ConfigError(f"{file}: no column {lacking[0]!r}{nearest(lacking[0], header)}")
    places = [header.index(c) for c in (*columns, *newer) if c in header]
    cells = list(zip(*rows, strict=True)) or [()] * len(header)
    return [list(cells[place]) for place in places]


def read_answers(run: FinishedRun, composite: str) -> Answers | None:
    """A run's answers about the test images whose class is known; None if it kept none."""
    columns = read_predictions(run, ("path", composite, f"{composite}:predicted"))
    if columns is None:
        return None
    paths, true, predicted = columns
    classes = {name: z for z, name in enumerate(run.schema.output(composite).class_names)}
    known = [i for i, name in enumerate(true) if name]
    listed = "\n".join(f"{paths[i]}\t{true[i]}" for i in known)
    return Answers(
        hashlib.blake2b(listed.encode(), digest_size=8).hexdigest(),
        np.array([classes[true[i]] for i in known], dtype=np.int64),
        np.array([true[i] == predicted[i] for i in known]),
    )
