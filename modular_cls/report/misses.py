"""Which rare test images are missed, and by what kind of error, from `predictions.csv`."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from modular_cls.config import expand
from modular_cls.data.images import read_image
from modular_cls.errors import ConfigError, ImageError
from modular_cls.report.answers import read_predictions
from modular_cls.report.results import FinishedRun
from modular_cls.runs.folder import column_given

_SHOWN = 24


@dataclass(frozen=True)
class Prediction:
    """What a run said of one rare test image.

    Attributes:
        path: The image, as in the manifest.
        true: Its joint class.
        predicted: The joint class predicted.
        mended_by: The attributes each of which, set to the truth, would make the prediction right;
            None where the run did not write that.
    """

    path: str
    true: str
    predicted: str
    mended_by: frozenset[str] | None

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
    """Share of rare images missed; of the misses, those that setting an attribute would mend.

    Attributes:
        images: Number of images, over all runs.
        missed: Share of them missed.
        mended: By attribute, share of the misses; empty without misses, or where it is not known.
        composition: Share of the misses that no attribute mends; None likewise.
    """

    images: int
    missed: float
    mended: dict[str, float]
    composition: float | None


def rare_predictions(run: FinishedRun, composite: str) -> list[Prediction] | None:
    """Predictions of a run on the rare test images; None if it wrote none.

    Raises:
        ConfigError: If the table lacks a column, or is not what the run wrote.
    """
    joint, rare = run.schema.output(composite), run.rare_classes(composite)
    names = [a.name for a in joint.attributes]
    wanted = ("path", composite, f"{composite}:predicted")
    columns = read_predictions(run, wanted, [column_given(joint, a) for a in joint.attributes])
    if columns is None:
        return None
    (paths, true, predicted), with_set = columns[:3], columns[3:]

    def mended_by(i: int) -> frozenset[str] | None:
        if len(with_set) < len(names):
            return None
        return frozenset(n for n, c in zip(names, with_set, strict=True) if c[i] == true[i])

    rows = (i for i, name in enumerate(true) if name in rare)
    return [Prediction(paths[i], true[i], predicted[i], mended_by(i)) for i in rows]


def gather_predictions(runs: Iterable[FinishedRun], composite: str) -> list[list[Prediction]]:
    """Predictions on rare test images, of each run that wrote them."""
    each = (rare_predictions(run, composite) for run in runs)
    return [predictions for predictions in each if predictions is not None]


def miss_shares(predictions: Iterable[Sequence[Prediction]]) -> MissShares | None:
    """Shares over all runs given; None if there are no rare images."""
    seen = list(chain.from_iterable(predictions))
    missed = [p for p in seen if p.missed]
    if not seen:
        return None
    mending = [p.mended_by for p in missed if p.mended_by is not None]

    counts = Counter(chain.from_iterable(mending))
    mended = {name: counts[name] / len(mending) for name in sorted(counts)}
    composition = sum(not each for each in mending) / len(mending) if mending else None
    return MissShares(len(seen), len(missed) / len(seen), mended, composition)


def most_missed(predictions: Iterable[Sequence[Prediction]]) -> list[MissedImage]:
    """The rare images that most runs missed, at most 24, none that all runs found."""
    runs: Counter[str] = Counter()
    mistakes: dict[str, Counter[str]] = defaultdict(Counter)
    for p in chain.from_iterable(predictions):
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
