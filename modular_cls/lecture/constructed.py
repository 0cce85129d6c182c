"""Parity as circuits of threshold units, and ReLU nets that fold.

Built by hand, counted exactly.
"""

import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

Layer = tuple[np.ndarray, np.ndarray]  # weights (units, inputs) and biases (units,) as Fraction


class Gate(NamedTuple):
    """A threshold unit: 1 if the weighted sum of its sources is at least `least`, else 0.

    Sources are numbered: first the inputs of the circuit, then its gates in order.
    """

    sources: tuple[int, ...]
    weights: tuple[int, ...]
    least: int


@dataclass(frozen=True)
class Circuit:
    """Threshold units, each after its sources; the last one is the output.

    Example:
        >>> parity = gates_in_two_layers(bits=3)
        >>> parity.layers, len(parity.gates)
        (2, 5)
        >>> parity.output(np.array([[0, 1, 1], [1, 1, 1]])).tolist()
        [0, 1]
    """

    bits: int
    gates: tuple[Gate, ...]

    @property
    def layers(self) -> int:
        """Gates on the longest way from an input to the output."""
        depths = [0] * self.bits
        for gate in self.gates:
            depths.append(1 + max(depths[s] for s in gate.sources))
        return depths[-1]

    def output(self, inputs: np.ndarray) -> np.ndarray:
        """What it says of each input, shape (inputs,), for inputs of shape (inputs, bits)."""
        values = np.zeros((self.bits + len(self.gates), len(inputs)), dtype=np.int64)
        values[: self.bits] = inputs.T
        for i, gate in enumerate(self.gates, start=self.bits):
            values[i] = np.array(gate.weights) @ values[list(gate.sources)] >= gate.least
        return values[-1]


def all_inputs(bits: int) -> np.ndarray:
    """Every row of so many bits, shape (2^bits, bits)."""
    return np.array(list(itertools.product((0, 1), repeat=bits)))


def gates_in_two_layers(bits: int) -> Circuit:
    """Parity in disjunctive normal form: an AND for each odd input, and one OR."""
    every = tuple(range(bits))
    odd = [row for row in itertools.product((0, 1), repeat=bits) if sum(row) % 2]
    ands = []
    for row in odd:
        signs = tuple(2 * bit - 1 for bit in row)
        ands.append(Gate(every, signs, sum(row)))
    return Circuit(bits, (*ands, Gate(tuple(range(bits, bits + len(ands))), (1,) * len(ands), 1)))


def counting_layer(bits: int) -> Circuit:
    """Parity with one hidden layer: unit k says "at least k ones".

    The output adds them with changing signs.
    """
    hidden = [Gate(tuple(range(bits)), (1,) * bits, k) for k in range(1, bits + 1)]
    return Circuit(
        bits,
        (*hidden, Gate(tuple(range(bits, 2 * bits)), tuple((-1) ** k for k in range(bits)), 1)),
    )


def xor_tree(bits: int) -> Circuit:
    """Parity as a tree of XOR, each an AND of OR and NAND."""
    wires, gates = deque(range(bits)), list[Gate]()
    while len(wires) > 1:
        pair, first = (wires.popleft(), wires.popleft()), bits + len(gates)
        gates += [
            Gate(pair, (1, 1), 1),
            Gate(pair, (-1, -1), -1),
            Gate((first, first + 1), (1, 1), 2),
        ]
        wires.append(first + 2)
    return Circuit(bits, tuple(gates))


def folding_net(folds: int) -> list[Layer]:
    """Layers of two units, 2 relu(x) - 4 relu(x - 1/2).

    Each folds the interval from 0 to 1 in half.
    """
    fold, biases = _exact([[2, -4]]), _exact([0, Fraction(-1, 2)])
    hidden = [(_exact([[1], [1]]) @ (fold if i else _exact([[1]])), biases) for i in range(folds)]
    return [*hidden, (fold, _exact([0]))]


def zigzag_net(units: int) -> list[Layer]:
    """One hidden layer that bends at each of its units, evenly spaced.

    Units + 1 pieces between 0 and 1.
    """
    bends = [Fraction(-k, units + 1) for k in range(1, units + 1)]
    turns = [units + 1, *(2 * (units + 1) * (-1) ** k for k in range(1, units))]
    return [(_exact([[1]] * units), _exact(bends)), (_exact([turns]), _exact([0]))]


def corners(net: Sequence[Layer]) -> list[tuple[Fraction, Fraction]]:
    """Where the function of a ReLU net on the interval from 0 to 1 bends, and its two ends.

    Exact points (x, y).

    Args:
        net: Layers of one input and one output; ReLU after all but the last.
    """
    x, h = _exact([0, 1]), _exact([[0], [1]])
    for weights, biases in net[:-1]:
        x, z = _with_zeros(x, h @ weights.T + biases)
        h = np.maximum(z, 0)
    y = (h @ net[-1][0].T + net[-1][1])[:, 0]
    slopes = np.diff(y) / np.diff(x)
    bent = [0, *(i for i in range(1, len(slopes)) if slopes[i] != slopes[i - 1]), len(x) - 1]
    return [(x[i], y[i]) for i in bent]


def _with_zeros(x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """More points on lines z (points, units) over x; no line crosses zero between two."""
    points = [(x[0], z[0])]
    for i in range(1, len(x)):
        crossing = z[i - 1] * z[i] < 0
        shares = sorted(set(z[i - 1][crossing] / (z[i - 1] - z[i])[crossing]))
        points += [
            (x[i - 1] + s * (x[i] - x[i - 1]), z[i - 1] + s * (z[i] - z[i - 1]))
            for s in [*shares, Fraction(1)]
        ]
    places, values = zip(*points, strict=True)
    return _exact(places), np.stack(values)


def _exact(values: Sequence[object]) -> np.ndarray:
    return np.vectorize(Fraction, otypes=[object])(np.array(values, dtype=object))
