"""Pictures: a teacher that is hardly better than its pupil.

Here, on MNIST and on the built-in faces, with a tenth of the training pictures and with all: *deep*
has 4 hidden layers of 128 units, *shallow* one hidden layer with as many parameters (within 1 %),
both trained on labels; *mimic* is the shallow net again, trained on the deep net's logits of the
same training pictures. *wide* and *wide mimic* have ten times as many hidden units behind a linear
bottleneck of 64 units, as in the paper. *convolutional* has three convolutions and far fewer
parameters, and *convolutional mimic* is the shallow net once more, taught by it. All get the same
number of updates, and each the best of three learning rates by the error on validation pictures,
with a seed that is not used again. `agrees` is the share of test pictures on which a mimic answers
as its teacher does.

Equal updates are not equal convergence: mimics learn slowly, and with more updates than these might
come nearer. So a mimic that falls short here is not shown to be unable.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor, nn

from modular_cls.lecture.kit import sets
from modular_cls.lecture.kit.lab import Cell, Lab, Measured
from modular_cls.lecture.kit.learning import best_rates, error, fit, outputs, seeded
from modular_cls.lecture.kit.nets import convolutional, fully_connected, parameters, width_for
from modular_cls.lecture.kit.sets import SETS, Pictures
from modular_cls.lecture.kit.statement import Role, Statement
from modular_cls.lecture.mimic.figures import draw_errors

TEACHERS = {
    "deep": None, "shallow": None, "mimic": "deep", "wide": None, "wide_mimic": "deep",
    "convolutional": None, "convolutional_mimic": "convolutional",
}  # fmt: skip
_LABELS = tuple(net for net, teacher in TEACHERS.items() if teacher is None)
_TEACHING = ("deep", "convolutional")
_SHARES = (0.1, 1.0)  # of the training pictures
_RATES = (5e-4, 2e-3, 8e-3)
_DEEP = (128,) * 4
_CONVOLUTIONAL = (6, 12, 24)
_WIDER, _BOTTLENECK = 10, 64
_MARGIN = 0.001  # of error: in the paper the mimic even errs less than the deep net
_TUNING_SEED = 1000  # none of those that are measured with


_WORDS = {"mnist": "handwritten digits", "faces": "drawn faces"}


def _says(of: str, share: float) -> tuple[Statement, ...]:
    where = f"{of}, {'all' if share == 1 else f'{100 * share:g} % of the'} pictures"
    at = {"set": of, "share": share}

    def less(role: Role, one: str, other: str, says: str, by: float = 0.0) -> Statement:
        return Statement(
            f"{where}: {says}",
            "errors",
            "error",
            {"net": other},
            {"net": one},
            by=by,
            at=at,
            role=role,
            on=_WORDS[of],
        )

    return (
        less("control", "deep", "shallow", "the deep net errs less than the shallow net on labels"),
        less("core", "mimic", "shallow", "the mimic errs less than the same net on labels"),
        less(
            "core",
            "mimic",
            "deep",
            f"the mimic errs at most {100 * _MARGIN:g} points more than the deep net",
            -_MARGIN,
        ),
        less("control", "wide_mimic", "mimic", "the wide mimic errs less than the mimic"),
        less(
            "core",
            "convolutional_mimic",
            "shallow",
            "the convolutional net's mimic errs less than the same net on labels",
        ),
        less(
            "control",
            "convolutional",
            "convolutional_mimic",
            "the convolutional net errs less than its mimic",
        ),
    )


STATEMENTS = tuple(statement for of in SETS for share in _SHARES for statement in _says(of, share))
TABLES = ("errors", "rates")
MEASURES = {"parameters": ",.0f", "validation error": "%", "error": "%", "agrees": "%"}


@dataclass(frozen=True)
class _Size:
    updates: int
    seeds: int


_SIZES = {"quick": _Size(200, 1), "full": _Size(1500, 5)}


def needs(data: Path) -> object:
    """Which digits are at hand.

    Raises:
        ConfigError: If there are none.
    """
    return sets.at_hand(data)


def pictures(of: str, share: float, seed: int, data: Path) -> Pictures:
    """Pictures of a set, shifted and scaled by mean and deviation of all its training pictures.

    Args:
        of: `mnist` or `faces`.
        share: How much of the training split is kept, 0 to 1.
        seed: Draws what is kept.
        data: Folder of data sets.
    """
    whole = _standardised(of, data)
    return whole.few(round(share * len(whole.images["train"])), seed)


@cache
def _standardised(of: str, data: Path) -> Pictures:
    return sets.load(of, data).standardised()


def builders(shape: Sequence[int], classes: int) -> dict[str, Callable[[], nn.Module]]:
    """How to build each net.

    Deep, shallow and mimics have as many parameters, the wide ones more hidden units.

    Args:
        shape: Of a picture: channels, height, width.
        classes: Outputs.
    """
    inputs = math.prod(shape)
    budget = parameters(fully_connected(inputs, _DEEP, classes))
    units = width_for(lambda width: fully_connected(inputs, [width], classes), budget)

    def shallow() -> nn.Module:
        return fully_connected(inputs, [units], classes)

    def wide() -> nn.Module:
        narrow = nn.Sequential(nn.Flatten(), nn.Linear(inputs, _BOTTLENECK, bias=False))
        return nn.Sequential(narrow, fully_connected(_BOTTLENECK, [_WIDER * units], classes))

    own = {
        "deep": lambda: fully_connected(inputs, _DEEP, classes),
        "wide": wide,
        "wide_mimic": wide,
        "convolutional": lambda: convolutional(shape[0], _CONVOLUTIONAL, classes),
    }
    return {net: own.get(net, shallow) for net in TEACHERS}


def train(
    name: str, examples: Pictures, rate: float, seed: int, updates: int, teacher: nn.Module | None
) -> nn.Module:
    """Train one net on the training pictures.

    Args:
        name: One of `TEACHERS`.
        examples: Pictures with labels.
        rate: Highest learning rate.
        seed: Of the initial weights and the order of pictures.
        updates: Number of batches.
        teacher: Whose logits are to be met, by squared error (Ba and Caruana, section 2.2); None:
            labels are.
    """
    images, labels = examples.images["train"], examples.labels["train"]["class"]
    net = seeded(builders(images.shape[1:], examples.classes)[name], seed)
    if teacher is None:
        return fit(net, images, labels, updates=updates, rate=rate, seed=seed)
    return fit(
        net, images, lesson(teacher, images), updates=updates, rate=rate, seed=seed, loss=F.mse_loss
    )


def lesson(teacher: nn.Module, images: Tensor) -> Tensor:
    """What a mimic is to answer.

    The teacher's logits, shifted and scaled by the mean and deviation of all of them.

    One shift and one scale for all classes leave the largest where it is. Without it a net must
    first grow its weights to reach logits of 10 or 20, which takes most of few updates.

    Args:
        teacher: A trained net.
        images: Shape (images, ...).

    Returns:
        Shape (images, classes).
    """
    logits = outputs(teacher, images)
    return (logits - logits.mean()) / logits.std()


def try_rate(
    data: Path, *, of: str, share: float, net: str, rate: float, seed: int, updates: int
) -> Measured:
    """Validation error of a net trained on labels."""
    examples = pictures(of, share, seed, data)
    trained = train(net, examples, rate, seed, updates, None)
    return {"validation error": _error(trained, examples, "validation")}


def try_taught(
    data: Path, *, of: str, share: float, teacher: str, teacher_rate: float, seed: int, updates: int
) -> Sequence[Measured]:
    """Validation errors of the nets taught by one net, itself trained on labels."""
    examples = pictures(of, share, seed, data)
    taught_by = train(teacher, examples, teacher_rate, seed, updates, None)
    students = [(net, rate) for net, its in TEACHERS.items() if its == teacher for rate in _RATES]
    nets = [train(net, examples, rate, seed, updates, taught_by) for net, rate in students]
    errors = [_error(net, examples, "validation") for net in nets]
    return [
        {"net": n, "rate": r, "validation error": e}
        for (n, r), e in zip(students, errors, strict=True)
    ]


def measure(
    data: Path, *, of: str, share: float, seed: int, updates: int, **rates: float
) -> Sequence[Measured]:
    """Train each net at its rate, teachers first, and count its errors on test pictures."""
    examples = pictures(of, share, seed, data)
    images = examples.images["test"]
    nets, rows = dict[str, nn.Module](), list[Measured]()
    for name, its in TEACHERS.items():
        teacher = nets[its] if its else None
        net = nets[name] = train(name, examples, rates[name], seed, updates, teacher)
        rows.append(
            {
                "pictures": len(examples.images["train"]),
                "net": name,
                "parameters": parameters(net),
                "rate": rates[name],
                "error": _error(net, examples, "test"),
                "agrees": 1 - error(net, images, outputs(teacher, images).argmax(1))
                if teacher
                else None,
            }
        )
    return rows


def _error(net: nn.Module, examples: Pictures, split: str) -> float:
    return error(net, examples.images[split], examples.labels[split]["class"])


def _chosen_rates(trials: pd.DataFrame, cell: Cell) -> dict[str, float]:
    rates = best_rates(trials, [{**cell, "net": net} for net in TEACHERS])
    return dict(zip(TEACHERS, rates, strict=True))


def compute(lab: Lab) -> dict[str, pd.DataFrame]:
    """Choose a rate for each net on validation pictures, then train all with every seed."""
    size = _SIZES[lab.size]
    each: list[Cell] = [
        {"of": of, "share": share, "updates": size.updates} for of in SETS for share in _SHARES
    ]
    tuned: list[Cell] = [{**e, "seed": _TUNING_SEED} for e in each]
    on_labels = lab.table(
        try_rate, [{**t, "net": n, "rate": r} for t in tuned for n in _LABELS for r in _RATES]
    )
    taught = lab.table(try_taught, [
        {**t, "teacher": net, "teacher_rate": best_rates(on_labels, [{**t, "net": net}])[0]}
        for t in tuned for net in _TEACHING
    ])  # fmt: skip
    trials = pd.concat(
        [on_labels, taught.drop(columns=["teacher", "teacher_rate"])], ignore_index=True
    )
    chosen = [_chosen_rates(trials, cell) for cell in tuned]
    cells = [
        {**e, **rates, "seed": s}
        for e, rates in zip(each, chosen, strict=True)
        for s in range(size.seeds)
    ]
    errors = lab.table(measure, cells).drop(columns=["updates", *TEACHERS])
    return {
        "errors": errors.rename(columns={"of": "set"}),
        "rates": trials.drop(columns=["updates", "seed"]).rename(columns={"of": "set"}),
    }


def draw(lab: Lab, tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Test error of each net, one panel for each set and number of pictures."""
    return {"errors": draw_errors(tables["errors"], tuple(TEACHERS))}
