"""Many joint classes, none of them scarce: what is saved, and does it grow with their number.

Drawn faces (grey, 32 pixels a side) with 4 joint classes (hair short or long, by gender), 12 (hair
also medium, by glasses) and 24 (by hat). All joint classes have the same number of training
pictures: 5, 20 or 80. The same convolutional net of about 5,000 parameters ends in one linear layer
that scores the joint classes (*flat*), or in one that scores the values of each attribute, the
score of a joint class being their sum (*modular*): of 24 joint classes a value of hair is seen in
every third picture, a joint class in every 24th. Both are trained by the cross-entropy of the joint
classes, with 2,000 updates of 16 pictures (500 left both so far from trained that seeds differed by
tens of points) and the better of two learning rates for each number of pictures, chosen on
validation pictures with seed 0; `times` 2 has twice as many updates.

`saved`: how many pictures of each joint class the flat net needs to err no more than the modular
one does with 20, divided by 20 (taken as straight between the numbers measured, over their
logarithm; where 80 are too few, 160 is counted, a lower bound; `reached` tells how often they
were not). The seed draws pictures and weights.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor, nn

from modular_cls.data.faces.cues import draw_cues
from modular_cls.data.faces.draw import draw_face
from modular_cls.data.faces.write import faces_schema
from modular_cls.data.manifest import SPLITS
from modular_cls.lecture.data.pictures import Added
from modular_cls.lecture.kit.curves import curve, frame
from modular_cls.lecture.kit.lab import Cell, Lab
from modular_cls.lecture.kit.learning import error, fit, seeded
from modular_cls.lecture.kit.nets import convolutional, parameters, spread, width_for
from modular_cls.lecture.kit.rates import tuned
from modular_cls.lecture.kit.sets import Pictures
from modular_cls.lecture.kit.statement import Role, Statement
from modular_cls.report.statistics import images_to_match
from modular_cls.schema import Schema

CLASSES = (4, 12, 24)
PICTURES = (5, 20, 80)  # of each joint class
NETS = ("flat", "modular")
PARAMETERS, LAYERS = 5000, 4
AT = 20  # where what is saved is read off
_RATES = (4e-3, 1.6e-2)
_BATCH = 16
_DRAWN = 120  # training pictures of each joint class to draw from
_HELD = {"validation": 240, "test": 960}  # of all joint classes together
_SEED = 7  # of the faces
_HAT = {"no": 1.0, "yes": 0.0}  # the cue that decides on a hat


@dataclass(frozen=True)
class _Size:
    classes: tuple[int, ...]
    updates: int
    seeds: int


_SIZES = {"quick": _Size(CLASSES, 40, 1), "full": _Size(CLASSES, 2000, 4)}


def _statements(classes: int) -> tuple[Statement, ...]:
    def less(role: Role, count: int, says: str, times: int = 1) -> Statement:
        return Statement(
            f"{classes} joint classes, {count} pictures of each: {says}",
            "joint",
            "test error",
            {"net": "flat", "times": times},
            {"net": "modular", "times": 1},
            at={"classes": classes, "pictures": count},
            role=role,
            on=f"modular heads with {classes} joint classes",
        )

    return (
        *(less("core", count, "modular errs less than flat") for count in PICTURES),
        less("control", AT, "modular errs less than flat with twice the updates", 2),
    )


def _grows(many: int, few: int) -> Statement:
    return Statement(
        f"flat needs more times the pictures that modular needs with {many} joint classes than "
        f"with {few}",
        "saved",
        "saved",
        {"classes": many},
        {"classes": few},
        role="core",
        on="savings that grow with the number of joint classes",
    )


STATEMENTS = (
    *(s for classes in CLASSES for s in _statements(classes)),
    _grows(12, 4),
    _grows(24, 4),
)
TABLES = ("saved", "joint")
MEASURES = {
    "saved": ".1f",
    "reached": "%",
    "parameters": ",.0f",
    "validation error": "%",
    "test error": "%",
}


def joint_schema(classes: int) -> Schema:
    """Attributes and joint classes of the faces, by the number of these."""
    plain = faces_schema(medium=classes > 4, glasses=classes > 4)
    attributes = {a.name: list(a.values) for a in plain.attributes}
    attributes |= {"hat": ["no", "yes"]} if classes > 12 else {}
    composites = {"joint": {"attributes": list(attributes)}}
    return Schema.from_dict({"attributes": attributes, "composites": composites})


@cache
def faces(classes: int) -> Pictures:
    """Faces of every joint class, equally many; drawn once in a process."""
    schema = joint_schema(classes)
    counts = {"train": _DRAWN} | {split: held // classes for split, held in _HELD.items()}
    images, labels = {}, {}
    for split in SPLITS:
        each = list(product(range(classes), range(counts[split])))
        images[split] = torch.stack([_face(schema, split, z, i) for z, i in each])
        labels[split] = {"class": torch.tensor([z for z, _ in each])}
    return Pictures(images, labels, classes)


def _face(schema: Schema, split: str, joint_class: int, number: int) -> Tensor:
    """Shape (1, 32, 32), 0 to 1."""
    rng = np.random.default_rng((_SEED, SPLITS.index(split), joint_class, number))
    joint = schema.composites[0]
    values = zip(joint.attributes, joint.cells[joint_class], strict=True)
    labels = {a.name: a.values[v] for a, v in values}
    face = draw_cues(labels, rng)
    if "hat" in labels:
        nuisance = face.nuisance | {"hat": _HAT[labels["hat"]]}
        face = dataclasses.replace(face, nuisance=nuisance)
    drawn = torch.from_numpy(draw_face(face, 64, rng)).float().div(255)
    return F.avg_pool2d(drawn.mean(2)[None], 2)


def some_faces(classes: int, count: int, seed: int) -> Pictures:
    """The same with `count` training pictures of each joint class; fewer are among more."""
    pictures = faces(classes)
    labels = pictures.labels["train"]["class"]
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    mine = [order[labels[order] == z][:count] for z in range(classes)]
    chosen = torch.cat(mine)
    images = pictures.images | {"train": pictures.images["train"][chosen]}
    return Pictures(images, pictures.labels | {"train": {"class": labels[chosen]}}, classes)


def joint_net(net: str, classes: int, seed: int) -> nn.Module:
    """A convolutional net that scores joint classes, `flat` or `modular`."""
    sizes = [len(a.values) for a in joint_schema(classes).composites[0].attributes]
    outputs = sum(sizes) if net == "modular" else classes

    def build(units: int) -> nn.Module:
        whole = convolutional(1, spread(units, LAYERS), outputs)
        return nn.Sequential(whole, Added(sizes)) if net == "modular" else whole

    units = width_for(build, PARAMETERS)
    return seeded(lambda: build(units), seed)


def tell_joint(
    data: Path,
    *,
    classes: int,
    pictures: int,
    net: str,
    updates: int,
    times: int,
    rate: float,
    seed: int,
) -> dict[str, float]:
    """Train one net on some faces of each joint class.

    Args:
        data: Not needed.
        classes: Number of joint classes.
        pictures: Training pictures of each.
        net: `flat` or `modular`.
        updates: Batches, taken `times` times.
        times: See there.
        rate: Highest learning rate.
        seed: Of pictures, weights and order.
    """
    examples = some_faces(classes, pictures, seed).standardised()
    x, y = examples.images, {split: labels["class"] for split, labels in examples.labels.items()}
    model = joint_net(net, classes, seed)
    fit(model, x["train"], y["train"], updates=updates * times, rate=rate, seed=seed, batch=_BATCH)
    errors = {f"{s} error": error(model, x[s], y[s]) for s in ("validation", "test")}
    return {"parameters": parameters(model), **errors}


def compute(lab: Lab) -> dict[str, pd.DataFrame]:
    """Both nets at every number of joint classes and pictures; then what is saved."""
    size = _SIZES[lab.size]
    nets: list[Cell] = [
        {"classes": z, "pictures": n, "net": net, "times": times, "updates": size.updates}
        for z in size.classes
        for n in PICTURES
        for net in NETS
        for times in ((1, 2) if net == "flat" and n == AT else (1,))
    ]
    errors = tuned(lab, tell_joint, nets, _RATES, size.seeds)
    return {"saved": saved(errors[errors["times"] == 1]), "joint": errors}


def saved(errors: pd.DataFrame) -> pd.DataFrame:
    """Pictures that flat needs for one that modular needs, by number of joint classes and seed.

    Args:
        errors: `test error` by `classes`, `seed`, `net` and `pictures`.
    """
    rows = []
    for key, both in errors.groupby(["classes", "seed"], sort=False):
        right = 1 - both.pivot_table(index="pictures", columns="net", values="test error")
        needed = images_to_match(
            [int(n) for n in right.index], right["flat"].tolist(), float(right["modular"][AT])
        )
        reached = math.isfinite(needed)
        number = needed if reached else 2 * max(right.index)
        rows.append({"classes": key[0], "seed": key[1], "saved": number / AT, "reached": reached})
    return pd.DataFrame(rows).astype({"reached": float})


def draw(lab: Lab, tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Error against pictures of each joint class, one panel per number of these; what is saved."""
    errors, factors = tables["joint"], tables["saved"]
    numbers = sorted(set(errors["classes"]))
    figure = Figure(figsize=(3.2 * (len(numbers) + 1), 3.8), layout="constrained")
    *panels, last = figure.subplots(1, len(numbers) + 1)
    for axis, classes in zip(panels, numbers, strict=True):
        mine = errors[(errors["classes"] == classes) & (errors["times"] == 1)]
        for look, net in enumerate(NETS):
            curve(axis, mine[mine["net"] == net], "pictures", "test error", look, net)
        frame(axis, f"{classes} joint classes", "pictures of each", grid="both", percent=True)
        axis.set_xscale("log")
        axis.set_xticks(PICTURES, map(str, PICTURES))
        axis.minorticks_off()
        axis.set_ylim(0, 1)
    panels[0].set_ylabel("test error")
    panels[0].legend(frameon=False)
    curve(last, factors, "classes", "saved", 2)
    last.axhline(1, color="#808080", linestyle=":")
    frame(last, "pictures: flat needs / modular", "joint classes")
    last.set_xticks(numbers)
    last.set_ylim(0)
    return {"joint": figure}
