"""Missed pictures to be opened one by one: what runs say of each, and where they look."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import get_num_threads

from modular_cls.config import expand
from modular_cls.data.images import read_file
from modular_cls.demo.shown import Shown
from modular_cls.errors import ModularClsError
from modular_cls.report.comparison import Comparison, kept
from modular_cls.report.misses import MissedImage, gather_predictions, most_missed
from modular_cls.report.results import FinishedRun


@dataclass(frozen=True)
class Sheet:
    """The rare pictures of one composite that are missed most often.

    Attributes:
        composite: Its name.
        title: What is shown, in words.
        classes: Names of the classes, by output.
        cards: One a picture: `path`, `share` of runs that missed it, `mistaken_for`, `true`, and
            `answers` of the runs, as the demo's page gets them.
        why: Why runs say nothing of them; blank where they do.
    """

    composite: str
    title: str
    classes: dict[str, list[str]]
    cards: list[dict[str, Any]]
    why: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As the page reads it."""
        return asdict(self)


def make_sheet(comparison: Comparison) -> Sheet | None:
    """The sheet of the reference where least is kept; None where nothing is missed there.

    Beside its first run stands that of the best flat method, where there is one.
    """
    keep, method = comparison.keeps[0] if comparison.keeps else "", comparison.reference or ""
    runs = comparison.cell(method, keep)
    predictions = gather_predictions(runs, comparison.composite)
    missed = most_missed(predictions)
    if not missed:
        return None
    title = f"Missed most often by {method} at {kept(keep)} ({len(predictions)} runs)"
    flat = comparison.best(comparison.flats, keep)
    asked = [runs[0], *(comparison.cell(flat, keep)[:1] if flat else [])]
    true = {p.path: p.true for run in predictions for p in run}
    classes = {o.name: list(o.class_names) for o in runs[0].schema.outputs}
    try:
        shown = [Shown.of(run.folder) for run in asked]
        cards = [_card(image, true[image.path], shown, runs[0]) for image in missed]
    except (ModularClsError, OSError) as error:
        return Sheet(comparison.composite, title, classes, [], " ".join(str(error).split()))
    return Sheet(comparison.composite, title, classes, cards)


def _card(
    image: MissedImage, true: str, shown: Sequence[Shown], run: FinishedRun
) -> dict[str, Any]:
    data, threads = _content(image, run), get_num_threads()
    answers = [each.answer(data, {}, threads) for each in shown]
    return {**asdict(image), "true": true, "answers": answers}


def _content(image: MissedImage, run: FinishedRun) -> bytes:
    """The bytes of a picture of a run's manifest."""
    data = run.config.data
    manifest = expand(data.manifest, data.about)
    root = expand(data.root, data.about) if data.root else manifest.parent
    return read_file(Path(root) / image.path, image.path)
