"""Nets that read strings of a hierarchy, all of one size.

*Fully connected* nets see a string as one list of numbers; a net that follows the *tree* joins
neighbours by one layer that is the same at all places. Both see the whole string whatever their
depth, and a tree net of one layer is a fully connected one.
"""

from collections.abc import Callable

from torch import nn

from modular_cls.lecture.kit.hierarchy import examples, grammar
from modular_cls.lecture.kit.learning import seeded
from modular_cls.lecture.kit.nets import (
    along_tree,
    fully_connected,
    halved,
    he,
    spread,
    width_for,
)
from modular_cls.lecture.kit.sets import Pictures

FULL, TREE = "fully connected", "tree"
CLASSES = SYMBOLS = 8
PARAMETERS = 30_000
RATES = (4e-3, 1.6e-2, 6.4e-2)
CHANCE = 1 - 1 / CLASSES
_VALIDATION, _TEST = 1000, 4000


def draw_strings(synonyms: int, levels: int, count: int, seed: int) -> Pictures:
    """Strings of a grammar that `seed` draws, `count` of them to train on.

    Inputs have shape (strings, 2^levels, SYMBOLS).
    """
    rules = (CLASSES, SYMBOLS, synonyms, levels)
    return examples(rules, (count, _VALIDATION, _TEST), seed)


def predicted(synonyms: int, levels: int) -> int:
    """Strings that a deep net needs according to the paper, the same for any seed."""
    return grammar(CLASSES, SYMBOLS, synonyms, levels, 0).predicted


def builder(kind: str, levels: int, layers: int) -> Callable[[int], nn.Module]:
    """Total units of the hidden layers -> a net.

    Args:
        kind: `FULL` or `TREE`.
        levels: Of the grammar.
        layers: Hidden layers.
    """
    if kind == TREE:
        spans = halved(levels, layers)
        return lambda units: he(along_tree(SYMBOLS, spans, spread(units, layers), CLASSES))
    inputs = 2**levels * SYMBOLS
    return lambda units: he(fully_connected(inputs, spread(units, layers), CLASSES))


def string_net(kind: str, levels: int, layers: int, budget: int, seed: int) -> nn.Module:
    """A net of some depth with about `budget` parameters, its weights drawn by `seed`."""
    build = builder(kind, levels, layers)
    units = width_for(build, budget)
    return seeded(lambda: build(units), seed)
