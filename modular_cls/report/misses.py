"""Which rare test images are missed, and by what kind of error, from `predictions.csv`."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from modular_cls.config import expand
from modular_cls.data.images import read_image
from modular_cls.errors import ConfigError, ImageError, nearest
from modular_cls.report.results import FinishedRun
from modular_cls.runs.weights import changed

_PREDICTIONS = "predictions.csv"
_SHOWN = 24


@dataclass(frozen=True)
class Prediction:
    """What a run said of one rare test image.

    Attributes:
        path: The image, as in the manifest.
        true: Its joint class.
        predicted: The joint class predicted.
        attributes_right: Whether every attribute of the composite was predicted right by itself.
    """

    path: str
    true: str
    predicted: str
    attributes_right: bool

    @property
    def missed(self) -> bool:
        """Whether another joint class was predicted."""
        return self.predicted != self.true


@dataclass(frozen=True)
class MissedImage:
    """A rare test image, the share of runs that missed it, the wrong class named most."""

    path: str
    share: float
    mistaken_for: str


@dataclass(frozen=True)
class MissShares:
    """Share of rare images missed, and of the misses those with a wrong attribute.

    None of no misses.
    """

    images: int
    missed: float
    attribute_errors: float | None


def rare_predictions(run: FinishedRun, composite: str) -> list[Prediction] | None:
    """Predictions of a run on the rare test images; None if it wrote none.

    Raises:
        ConfigError: If the table lacks a column, or is not what the run wrote.
    """
    file = run.folder / _PREDICTIONS
    known = (run.metrics.get("sha256") or {}).get(_PREDICTIONS)
    if known and (wrong := changed(file, known)):
        raise ConfigError(f"{run.folder}: {wrong}")
    if not file.is_file():
        return None
    joint = run.schema.output(composite)
    names = [a.name for a in joint.attributes]
    scarce = (run.schema.scarce_values(s.joint_class) for s in run.config.data.scarcities)
    rare = {joint.class_names[z] for values in scarce for z in joint.contains(values)}
    with file.open(encoding="utf-8", newline="") as opened:
        rows = csv.DictReader(opened)
        wanted = [
            "path",
            *(column for n in (composite, *names) for column in (n, f"{n}:predicted")),
        ]
        if lacking := [c for c in wanted if c not in (rows.fieldnames or [])]:
            raise ConfigError(
                f"{file}: no column {lacking[0]!r}{nearest(lacking[0], rows.fieldnames or [])}"
            )
        return [
            Prediction(row["path"], row[composite], row[f"{composite}:predicted"],
                       all(row[n] == row[f"{n}:predicted"] for n in names))
            for row in rows if row[composite] in rare
        ]  # fmt: skip


def gather_predictions(runs: Iterable[FinishedRun], composite: str) -> list[list[Prediction]]:
    """Predictions on rare test images, of each run that wrote them."""
    return [found for run in runs if (found := rare_predictions(run, composite)) is not None]


def miss_shares(predictions: Iterable[Sequence[Prediction]]) -> MissShares | None:
    """Shares over all runs given; None if there are no rare images."""
    seen = [p for run in predictions for p in run]
    missed = [p for p in seen if p.missed]
    if not seen:
        return None
    wrong = sum(not p.attributes_right for p in missed)
    return MissShares(len(seen), len(missed) / len(seen), wrong / len(missed) if missed else None)


def most_missed(predictions: Iterable[Sequence[Prediction]]) -> list[MissedImage]:
    """The rare images that most runs missed, at most 24, none that all runs found."""
    runs: Counter[str] = Counter()
    mistakes: dict[str, Counter[str]] = defaultdict(Counter)
    for p in (p for run in predictions for p in run):
        runs[p.path] += 1
        if p.missed:
            mistakes[p.path][p.predicted] += 1
    shares = {path: wrong.total() / runs[path] for path, wrong in mistakes.items()}
    chosen = sorted(shares, key=lambda path: (-shares[path], path))[:_SHOWN]
    return [MissedImage(path, shares[path], mistakes[path].most_common(1)[0][0]) for path in chosen]


def read_pictures(run: FinishedRun, images: Sequence[MissedImage]) -> list[np.ndarray] | str:
    """The images themselves, of shape (height, width, 3), or why they cannot be shown."""
    data = run.config.data
    try:
        root = (
            expand(data.root, data.about) if data.root else expand(data.manifest, data.about).parent
        )
        return [read_image(root / i.path, i.path, depth=data.range) for i in images]
    except (ConfigError, ImageError) as error:
        return str(error)
