"""One hidden layer can represent anything, but deep nets need far fewer neurons.

The lecture compares nets with circuits: two layers of gates can represent any Boolean function, and
so can one hidden layer of neurons, yet some functions need exponentially many in two layers and few
in a deep circuit. Its example is parity: are the ones among d bits an odd number? Two layers of AND
and OR (inputs may be negated) need one AND for each of the 2^(d-1) odd inputs, for an AND that
leaves a bit open is wrong on half of what it covers; with the OR, 2^(d-1) + 1 gates. A tree of XOR
gates, each of three simple gates, needs 3(d-1). At any constant depth the number of gates is
exponential (Håstad, "Almost optimal lower bounds for small depth circuits", STOC 1986).

*parity*: these circuits are built of threshold units and checked on all 2^d inputs. A threshold
unit can do more than an AND: it can count. One hidden layer of d units, "at least 1 one", "at least
2", and so on, also computes parity, and is built as well: what is true of gates need not be true of
neurons.

*learned*: what gradient descent finds, which is more than what is needed (d ReLU units in one
hidden layer suffice). All 2^d inputs are training inputs; the width is doubled until one of a few
starts, at one of three learning rates, makes no error, so it is known within a factor of two.
Neurons are those of all hidden layers together. Where even the widest net tried does not learn,
twice its width stands in the table, a lower bound, and `learned` tells how often a net did learn.

*folding*: each layer of two ReLU units folds the interval from 0 to 1 in half, so n layers give 2^n
linear pieces (Montúfar, Pascanu, Cho and Bengio, "On the number of linear regions of deep neural
networks", NeurIPS 2014). One hidden layer with as many parameters, 6n + 1, has 2n units and so at
most 2n + 1 pieces; one that reaches this is built. Pieces are counted in rational numbers, without
rounding.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

from modular_cls.lecture.circuit_figures import draw_folding, draw_parity
from modular_cls.lecture.constructed import (
    Circuit,
    all_inputs,
    corners,
    counting_layer,
    folding_net,
    gates_in_two_layers,
    xor_tree,
    zigzag_net,
)
from modular_cls.lecture.kit.lab import Lab, Measured
from modular_cls.lecture.kit.learning import seeded
from modular_cls.lecture.kit.nets import fully_connected
from modular_cls.lecture.kit.statement import Statement

GATES, COUNTING, TREE = "two layers of gates", "one hidden layer that counts", "tree of XOR"
ONE, DEEP = "one hidden layer", "deep"
_RATES = (0.003, 0.01, 0.03)
_LEARNED = 10  # bits of the parity that the statements on learning are about

STATEMENTS = (
    Statement(
        "parity: two layers of gates need more gates than a tree of XOR, from 5 bits on",
        "parity",
        "gates",
        {"network": GATES},
        {"network": TREE},
        pair="bits",
        at={"bits": range(5, 99)},
        role="core",
        on="gates that compute parity",
    ),
    Statement(
        "parity: one hidden layer of neurons needs more neurons than a tree of them, from 5 "
        "bits on",
        "parity",
        "gates",
        {"network": COUNTING},
        {"network": TREE},
        pair="bits",
        at={"bits": range(5, 99)},
        role="core",
        on="neurons that compute parity",
    ),
    Statement(
        f"learned parity of {_LEARNED} bits: one hidden layer needs more neurons than two",
        "learned",
        "neurons",
        {"depth": 1},
        {"depth": 2},
        at={"bits": _LEARNED},
        role="core",
        on="neurons that learn parity",
    ),
    Statement(
        f"learned parity of {_LEARNED} bits: one hidden layer needs more neurons than three",
        "learned",
        "neurons",
        {"depth": 1},
        {"depth": 3},
        at={"bits": _LEARNED},
        role="core",
        on="neurons that learn parity",
    ),
    Statement(
        "folding: of nets with as many parameters the deep one has more linear pieces, from 3 "
        "folds on",
        "folding",
        "pieces",
        {"network": DEEP},
        {"network": ONE},
        pair="folds",
        at={"folds": range(3, 99)},
        role="core",
        on="linear pieces of a folded line",
    ),
)
TABLES = ("parity", "learned", "folding")
MEASURES = {
    "gates": ",.0f",
    "layers": ".0f",
    "errors": ".0f",
    "width": ".1f",
    "neurons": ".1f",
    "learned": "%",
    "parameters": ",.0f",
    "pieces": ",.0f",
}


@dataclass(frozen=True)
class _Size:
    bits: int  # parities of 2 up to so many are built
    folds: int  # 1 up to so many
    learned: tuple[int, ...]  # bits of the parities to learn
    depths: tuple[int, ...]
    widest: int
    starts: int  # at each learning rate
    updates: int
    seeds: int


_SIZES = {
    "quick": _Size(10, 8, (2, 4, 6, 8, 10), (1, 2, 3), 64, 2, 1000, 1),
    "full": _Size(12, 10, tuple(range(2, 11)), (1, 2, 3, 4), 128, 4, 2000, 5),
}


_CIRCUITS: dict[str, Callable[[int], Circuit]] = {
    GATES: gates_in_two_layers, COUNTING: counting_layer, TREE: xor_tree,
}  # fmt: skip


def build(data: Path, *, bits: int, network: str) -> Measured:
    """Build one circuit and check it on every input."""
    circuit, inputs = _CIRCUITS[network](bits), all_inputs(bits)
    errors = int((circuit.output(inputs) != inputs.sum(1) % 2).sum())
    return {"gates": len(circuit.gates), "layers": circuit.layers, "errors": errors}


def learn(
    data: Path, *, bits: int, depth: int, seed: int, widest: int, starts: int, updates: int
) -> Measured:
    """Double the width of all hidden layers until one start learns parity without error."""
    width = 1
    while width <= widest and not learns(bits, [width] * depth, seed, starts, updates):
        width *= 2
    return {"width": width, "neurons": width * depth, "learned": float(width <= widest)}


def learns(bits: int, widths: Sequence[int], seed: int, starts: int, updates: int) -> bool:
    """Does any of the ReLU nets come to no error on all inputs?

    There are `starts` of them at each of three learning rates.

    All nets are trained side by side on all inputs, by AdamW with warm-up and cosine.
    """
    inputs = torch.from_numpy(all_inputs(bits)).float()
    signs = 2 * (inputs.sum(1) % 2) - 1
    groups = []
    for first in range(0, starts * len(_RATES), starts):
        nets = [_start(bits, widths, seed, first + i) for i in range(starts)]
        groups.append(dict(torch.func.stack_module_state(nets)[0]))
    optimizer = torch.optim.AdamW(
        [{"params": list(g.values())} for g in groups], weight_decay=0.0, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        list(_RATES),
        total_steps=updates,
        pct_start=max(0.05, 2 / updates),
        cycle_momentum=False,
    )
    for _ in range(updates):
        margins = signs * _outputs(groups, 2 * inputs - 1)
        if bool((margins > 0).all(1).any()):
            return True
        optimizer.zero_grad()
        F.softplus(-margins).mean(1).sum().backward()
        optimizer.step()
        schedule.step()
    return False


def _start(bits: int, widths: Sequence[int], seed: int, start: int) -> torch.nn.Module:
    return seeded(lambda: fully_connected(bits, widths, 1), 1000 * seed + start)


def _outputs(groups: Sequence[dict[str, Tensor]], inputs: Tensor) -> Tensor:
    """Outputs of all nets, shape (nets, inputs); their weights come stacked, by name, in groups."""
    each = zip(*(group.values() for group in groups), strict=True)
    joined = list(map(torch.cat, each))
    x = inputs.expand(len(joined[0]), -1, -1)
    for i, (weight, bias) in enumerate(zip(joined[::2], joined[1::2], strict=True)):
        x = torch.baddbmm(bias[:, None], x.relu() if i else x, weight.transpose(1, 2))
    return x[..., 0]


def fold(data: Path, *, folds: int, network: str) -> Measured:
    """Count the pieces of one net; one hidden layer gets twice as many units as there are folds."""
    net = folding_net(folds) if network == DEEP else zigzag_net(2 * folds)
    return {"parameters": sum(w.size + b.size for w, b in net), "pieces": len(corners(net)) - 1}


def needs(data: Path) -> object:
    """Nothing from outside."""
    return "drawn"


def compute(lab: Lab) -> dict[str, pd.DataFrame]:
    """Count gates and pieces; find the widths at which nets learn parity."""
    size = _SIZES[lab.size]
    tried = {"widest": size.widest, "starts": size.starts, "updates": size.updates}
    learned = lab.table(learn, [
        {"bits": b, "depth": d, "seed": s, **tried}
        for b in size.learned for d in size.depths for s in range(size.seeds)
    ])  # fmt: skip
    return {
        "parity": lab.table(
            build, [{"bits": b, "network": n} for b in range(2, size.bits + 1) for n in _CIRCUITS]
        ),
        "learned": learned.drop(columns=list(tried)),
        "folding": lab.table(
            fold,
            [{"folds": n, "network": w} for n in range(1, size.folds + 1) for w in (DEEP, ONE)],
        ),
    }


def draw(lab: Lab, tables: dict[str, pd.DataFrame]) -> dict[str, Figure]:
    """Gates and neurons against bits; pieces against parameters, beside folded functions."""
    return {
        "parity": draw_parity(tables["parity"], tables["learned"]),
        "folding": draw_folding(tables["folding"]),
    }
