"""Each layer sees the classes more plainly than the one before.

A fully connected net of four hidden layers learns the digits of MNIST, a convolutional net of four
convolutions and a mean over places learns the joint class (hair and gender) of the drawn faces. At
the input and at every hidden layer stand, for the trained net and for the same net before training:
the test accuracy of a linear probe (fitted on the layer's features, its penalty chosen on
validation pictures); purity, the share of pictures whose nearest neighbour has the same class; the
Fisher ratio, scatter of class means over scatter within classes, also for 4 and 9 alone; and
`apart`, the lecture's "similar inputs apart, different inputs together": for each picture the
nearest one of another class and the farthest one of its own are taken *in the input*, exactly these
pairs are followed, and the mean distance of the first is divided by that of the second. Pairs
chosen for being extreme are less so under any other measure, chance included, so that only the
comparison with the untrained net says what training did. `units` is the share of the commonest
class among the test pictures that excite a unit most, averaged over units.

The lecture shows such pictures without numbers: 4 and 9 part in the higher layers of a net for
MNIST, the same words of different speakers fall together in the eighth layer of an acoustic model
(Mohamed, Hinton, Penn, ICASSP 2012), and units of higher layers respond to larger and more
meaningful parts (Zeiler and Fergus, ECCV 2014). Alain and Bengio (2016, arXiv:1610.01644) find that
linear probes of Inception v3 and ResNet-50 get better with every layer. Projections are PCA and
t-SNE (van der Maaten and Hinton, JMLR 2008) of test pictures, with the numbers of exactly these
pictures beside them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from torch import Tensor, nn

from modular_cls.lecture import layer_statements
from modular_cls.lecture.kit import sets
from modular_cls.lecture.kit.lab import Arrays, Cell, Lab, Measured, Plain
from modular_cls.lecture.kit.learning import fit, seeded
from modular_cls.lecture.kit.nets import convolutional, fully_connected
from modular_cls.lecture.layer_figures import curves, excited, projections
from modular_cls.lecture.layer_statements import LAST
from modular_cls.lecture.probes import (
    Examples,
    Pairs,
    alike_at_top,
    apart,
    crop,
    excitation,
    extreme_pairs,
    field,
    fisher,
    hidden_stages,
    probe,
    purity,
    spanned,
    through,
)  # fmt: skip

SETS = {"mnist": "mnist", "faces": "faces_colour"}
_LABELS = {"mnist": ("class",), "faces": ("class", "hair", "gender")}
# Nothing is compared between nets of different rates: none is chosen.
_RATES = {"mnist": 1e-3, "faces": 3e-3}
_SETTLING = 50  # batches that an untrained net is shown
_SHOWN, _TOP = 6, 8  # units of a layer in figures, pictures of a unit
_BEFORE_TSNE = 50  # principal components that t-SNE starts from, for speed


@dataclass(frozen=True)
class _Size:
    updates: Mapping[str, int]
    probed: Mapping[str, int]  # training pictures of a probe; half as many choose its penalty
    sample: int  # test pictures
    steps: int  # of t-SNE
    seeds: int


_SIZES = {
    "quick": _Size({"mnist": 600, "faces": 150}, {"mnist": 1000, "faces": 600}, 400, 500, 1),
    "full": _Size({"mnist": 3000, "faces": 600}, {"mnist": 10_000, "faces": 2000}, 1000, 1000, 5),
}

STATEMENTS = layer_statements.STATEMENTS
TABLES = ("layers",)
MEASURES = {
    "probe_class": "%",
    "probe_hair": "%",
    "probe_gender": "%",
    "purity": "%",
    "fisher": ".3f",
    "fisher_4_9": ".3f",
    "apart": ".2f",
    "units": "%",
}


def needs(data: Path) -> object:
    """Which digits are at hand; raises ConfigError where there are none."""
    return {"mnist": sets.at_hand(data), "faces": "drawn"}


def measure(
    data: Path, *, set: str, trained: str, seed: int, updates: int, probed: int, sample: int
) -> Sequence[Measured]:
    """Every number at every layer of one net.

    Args:
        data: Folder of data sets.
        set: Key of `SETS`.
        trained: `yes` or `no`.
        seed: Of the net, its training and the pictures drawn.
        updates: Of the training.
        probed: Training pictures of a probe.
        sample: Test pictures.

    Returns:
        One mapping per layer, that of the input first.
    """
    net = _net(data, set, seed, updates if trained == "yes" else 0)
    counts = {"train": probed, "validation": probed // 2, "test": sample}
    images, labels = zip(
        *(_some(data, set, split, count, seed) for split, count in counts.items()), strict=True
    )
    pairs = extreme_pairs(Examples(images[2].flatten(1).numpy(), labels[2]["class"].numpy()))
    layers = zip(*(through(net, x) for x in images), strict=True)
    rows = [
        {"layer": i} | _numbers(set, outputs, labels, pairs) for i, outputs in enumerate(layers)
    ]
    rows[0]["units"] = None  # pixels are no units
    return rows


def _numbers(
    set: str, layer: Sequence[Tensor], labels: Sequence[Mapping[str, Tensor]], pairs: Pairs
) -> dict[str, Plain]:
    """What is said of one layer, given its features of training, validation and test pictures."""
    row: dict[str, Plain] = dict.fromkeys(MEASURES)
    features = [x.flatten(1).numpy() for x in layer]
    spans = spanned(*features)
    for name in _LABELS[set]:
        row[f"probe_{name}"] = probe(
            *(Examples(x, y[name].numpy()) for x, y in zip(spans, labels, strict=True))
        )
    test = Examples(features[2], labels[2]["class"].numpy())
    row |= {"purity": purity(test), "fisher": fisher(test), "apart": apart(test.features, pairs)}
    row["units"] = alike_at_top(layer[2], labels[2]["class"], _TOP)
    if set == "mnist":
        either = np.isin(test.labels, (4, 9))
        row["fisher_4_9"] = fisher(Examples(test.features[either], test.labels[either]))
    return row


def project(
    data: Path, *, set: str, trained: str, seed: int, updates: int, sample: int, steps: int
) -> Arrays:
    """The test pictures that `measure` looks at, in two dimensions: `pca_0`, `tsne_0`, ...

    By layer, and `labels`.
    """
    net = _net(data, set, seed, updates if trained == "yes" else 0)
    images, labels = _some(data, set, "test", sample, seed)
    arrays = {"labels": labels["class"].numpy()}
    for i, layer in enumerate(through(net, images)):
        x = layer.flatten(1).numpy()
        x = PCA(min(_BEFORE_TSNE, *x.shape), random_state=seed).fit_transform(x)
        arrays |= {
            f"pca_{i}": x[:, :2],
            f"tsne_{i}": TSNE(random_state=seed, init="pca", max_iter=steps).fit_transform(x),
        }
    return arrays


def excite(data: Path, *, set: str, seed: int, updates: int) -> Arrays:
    """What the first live units of each hidden layer respond to most.

    Returns:
        For each layer `pictures_1`, ... of shape (units, top, height, width, channels): all a unit
        sees of a picture where it responds most, and `classes_1`, ... of shape (units, top).
    """
    net = _net(data, set, seed, updates)
    images, classes = (
        sets.load(SETS[set], data).images["test"],
        sets.load(SETS[set], data).labels["test"]["class"],
    )
    arrays = {}
    for i, layer in enumerate(through(net, images)):
        if i:
            strength = excitation(layer)
            live = (strength.amax(0) > strength.amin(0)).nonzero()[:_SHOWN, 0]
            top = strength[:, live].topk(min(_TOP, len(strength)), 0).indices.T
            seen = []
            for u, pictures in zip(live, top, strict=True):
                row = [_seen(net, i, layer, images, p, u) for p in pictures]
                seen.append(torch.stack(row))
            arrays[f"pictures_{i}"] = torch.stack(seen).permute(0, 1, 3, 4, 2).numpy()
            arrays[f"classes_{i}"] = classes[top].numpy()
    return arrays


def _seen(
    net: nn.Sequential, depth: int, layer: Tensor, images: Tensor, picture: Tensor, unit: Tensor
) -> Tensor:
    """The part of a picture that a unit sees where it responds most.

    All of it where the layer has no places.
    """
    if layer.dim() != 4:
        return images[picture]
    row, column = divmod(int(layer[picture, unit].argmax()), layer.shape[3])
    return crop(images[picture], field(hidden_stages(net)[:depth], (row, column)))


@cache
def _net(data: Path, set: str, seed: int, updates: int) -> nn.Sequential:
    """The net of a set, trained on the class; once in a process."""
    pictures = sets.load(SETS[set], data)
    images, labels = pictures.images["train"], pictures.labels["train"]["class"]
    net = seeded(lambda: _build(set, images, pictures.classes), seed)
    # Rate 0 leaves the weights as they are: an untrained net whose batch norms know the pictures.
    fit(
        net,
        images,
        labels,
        updates=updates or _SETTLING,
        rate=_RATES[set] if updates else 0.0,
        seed=seed,
    )
    assert isinstance(net, nn.Sequential)
    return net.eval()


def _build(set: str, images: Tensor, classes: int) -> nn.Sequential:
    if set == "mnist":
        return fully_connected(images[0].numel(), [256] * LAST["mnist"], classes)
    return convolutional(images.shape[1], [12, 24, 48, 64], classes, halvings=4)


def _some(
    data: Path, set: str, split: str, count: int, seed: int
) -> tuple[Tensor, dict[str, Tensor]]:
    """Pictures of a split drawn by `seed`, and their labels by name."""
    pictures = sets.load(SETS[set], data)
    images, labels = pictures.images[split], pictures.labels[split]
    chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:count]
    return images[chosen], {name: y[chosen] for name, y in labels.items()}


def compute(lab: Lab) -> dict[str, pd.DataFrame]:
    """Every number of every layer: both sets, trained and not."""
    size = _SIZES[lab.size]
    cells: list[Cell] = [
        {
            **_training(lab, name, seed),
            "trained": trained,
            "probed": size.probed[name],
            "sample": size.sample,
        }
        for seed in range(size.seeds)
        for name in reversed(SETS)  # the longest first
        for trained in ("yes", "no")
    ]
    numbers = lab.table(measure, cells)
    return {"layers": numbers[["set", "trained", "layer", "seed", *MEASURES]]}


def draw(lab: Lab, tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Numbers against layers; projections of every layer; what excites units."""
    table, size = tables["layers"], _SIZES[lab.size]
    figures = {"numbers": curves(table, LAST)}
    for name in SETS:
        training = _training(lab, name, 0)
        cells: list[Cell] = [
            {**training, "trained": t, "sample": size.sample, "steps": size.steps}
            for t in ("yes", "no")
        ]
        figures[f"projections_{name}"] = projections(name, table, *lab.arrays(project, cells))
        figures[f"units_{name}"] = excited(name, *lab.arrays(excite, [training]))
    return figures


def _training(lab: Lab, name: str, seed: int) -> Cell:
    return {"set": name, "seed": seed, "updates": _SIZES[lab.size].updates[name]}
