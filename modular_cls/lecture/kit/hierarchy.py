"""Strings whose parts are made of parts: the Random Hierarchy Model.

A class is written as one of several pairs of parts, each part as one of several pairs of smaller
parts, and so on down to the symbols that a net reads. The pairs that stand for one thing are
*synonyms*; no pair stands for two things, so that a string has one derivation and one class.
Which pairs stand for what is drawn at random, once for a grammar.

Cagnetta, Petrini, Tomasini, Favero and Wyart, "How deep neural networks learn compositional data:
the Random Hierarchy Model", Physical Review X 14, 031001 (2024).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F

from modular_cls.errors import ConfigError
from modular_cls.lecture.kit.sets import Pictures

_BRANCHES = 2  # parts of a part
_POOL = 1 << 16  # strings drawn to train on, of which the first ones are taken


@dataclass(frozen=True)
class Derivations:
    """How some strings came about.

    Attributes:
        symbols: By level, from the class, shape (n, 1), to the string, shape (n, 2^levels).
        choices: Which synonym was taken for each symbol of a level, same shapes, last level left
            out.
    """

    symbols: tuple[np.ndarray, ...]
    choices: tuple[np.ndarray, ...]

    @property
    def classes(self) -> np.ndarray:
        """Class of each string, shape (n,)."""
        return self.symbols[0][:, 0]

    @property
    def strings(self) -> np.ndarray:
        """What a net reads, shape (n, 2^levels)."""
        return self.symbols[-1]


@dataclass(frozen=True)
class Grammar:
    """What each symbol can be written as.

    Attributes:
        rules: By level, from the classes down; shape (symbols, synonyms, 2), symbols of the level
            below.
        vocabulary: Number of symbols of every level below the classes.

    Example:
        >>> rules = grammar(classes=2, vocabulary=4, synonyms=2, levels=2, seed=0)
        >>> rules.length, rules.count  # 2 classes, 2 synonyms for each of 3 parts
        (4, 16)
        >>> derived = rules.derive(np.arange(rules.count))
        >>> bool((rules.parse(derived.strings) == derived.classes).all())
        True
    """

    rules: tuple[np.ndarray, ...]
    vocabulary: int

    @property
    def levels(self) -> int:
        """How often parts are parts of parts."""
        return len(self.rules)

    @property
    def synonyms(self) -> int:
        """Pairs that stand for one thing."""
        return self.rules[0].shape[1]

    @property
    def length(self) -> int:
        """Symbols of a string."""
        return _BRANCHES**self.levels

    @property
    def count(self) -> int:
        """Number of strings: classes times synonyms to the power of the number of parts."""
        parts = (self.length - 1) // (_BRANCHES - 1)
        return len(self.rules[0]) * self.synonyms**parts

    @property
    def predicted(self) -> int:
        """Strings that a deep net needs according to the paper: n_c m^L (its equation 4)."""
        return len(self.rules[0]) * self.synonyms**self.levels

    def derive(self, numbers: np.ndarray) -> Derivations:
        """The derivations of some numbers from 0 to `count` - 1; each string has one number."""
        left = np.asarray(numbers, dtype=np.int64)
        left, classes = np.divmod(left, len(self.rules[0]))
        choices = []
        for level in range(self.levels):
            chosen = np.empty((len(left), _BRANCHES**level), dtype=np.int64)
            for part in range(chosen.shape[1]):
                left, chosen[:, part] = np.divmod(left, self.synonyms)
            choices.append(chosen)
        return self.written(classes, tuple(choices))

    def written(self, classes: np.ndarray, choices: tuple[np.ndarray, ...]) -> Derivations:
        """Derivations by class, shape (n,), and choice of synonyms at each level."""
        symbols = [classes[:, None]]
        for rule, chosen in zip(self.rules, choices, strict=True):
            symbols.append(rule[symbols[-1], chosen].reshape(len(classes), -1))
        return Derivations(tuple(symbols), choices)

    def parse(self, strings: np.ndarray) -> np.ndarray:
        """The class of each string, shape (n,); -1 where there is no derivation.

        Args:
            strings: Shape (n, length), symbols from 0 to `vocabulary` - 1.
        """
        symbols = strings
        for rule in reversed(self.rules):
            # One more than the symbols, for a part that stands for nothing.
            inverse = np.full((self.vocabulary + 1,) * _BRANCHES, -1)
            inverse[rule[..., 0], rule[..., 1]] = np.arange(len(rule))[:, None]
            symbols = inverse[symbols[:, 0::2], symbols[:, 1::2]]
        return symbols[:, 0]

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Numbers of different strings, each as likely as any other.

        Raises:
            ConfigError: If there are not so many.
        """
        if count > self.count:
            raise ConfigError(f"the grammar has {self.count:,} strings, not {count:,}")
        return rng.choice(self.count, count, replace=False)


def grammar(classes: int, vocabulary: int, synonyms: int, levels: int, seed: int) -> Grammar:
    """Draw a grammar.

    Args:
        classes: What a whole string can stand for.
        vocabulary: Symbols of every level below.
        synonyms: Pairs that stand for one thing.
        levels: How often parts are parts of parts.
        seed: Of the rules.

    Raises:
        ConfigError: If there are too few pairs for all, or a number is below 1.
    """
    if min(classes, vocabulary, synonyms, levels) < 1:
        raise ConfigError(
            f"classes {classes}, vocabulary {vocabulary}, synonyms {synonyms} and levels {levels} "
            "must each be at least 1"
        )
    pairs, most = vocabulary**_BRANCHES, synonyms * max(classes, vocabulary)
    if most > pairs:
        raise ConfigError(
            f"{vocabulary} symbols make {pairs} pairs; {synonyms} synonyms of "
            f"{max(classes, vocabulary)} things need {most}"
        )
    rng = np.random.default_rng(seed)
    symbols = [classes, *[vocabulary] * (levels - 1)]
    return Grammar(tuple(_rule(n, vocabulary, synonyms, rng) for n in symbols), vocabulary)


def _rule(symbols: int, vocabulary: int, synonyms: int, rng: np.random.Generator) -> np.ndarray:
    pairs = rng.choice(vocabulary**_BRANCHES, symbols * synonyms, replace=False)
    return np.stack(np.divmod(pairs, vocabulary), axis=-1).reshape(symbols, synonyms, _BRANCHES)


def exchanged(
    rules: Grammar, derivations: Derivations, level: int, rng: np.random.Generator
) -> Derivations:
    """The same derivations with another synonym for every part of one level.

    The class stays, and so do all symbols down to that level.

    Args:
        rules: With at least two synonyms.
        derivations: Derivations by it.
        level: 1 for pairs of symbols of the string, up to the number of levels for the class.
        rng: Source of the new choices.
    """
    above = rules.levels - level
    choices = list(derivations.choices)
    step = rng.integers(1, rules.synonyms, choices[above].shape)
    choices[above] = (choices[above] + step) % rules.synonyms
    return rules.written(derivations.classes, tuple(choices))


def noisy(
    strings: np.ndarray, share: float, vocabulary: int, rng: np.random.Generator
) -> np.ndarray:
    """Strings in which every symbol is, with probability `share`, some other one."""
    other = (strings + rng.integers(1, vocabulary, strings.shape)) % vocabulary
    return np.where(rng.random(strings.shape) < share, other, strings)


def one_hot(strings: np.ndarray, vocabulary: int) -> torch.Tensor:
    """Strings as a net reads them: shape (n, length, vocabulary), mean 0 and variance 1."""
    ones = F.one_hot(torch.from_numpy(strings), vocabulary).float()
    return (ones - 1 / vocabulary) * vocabulary / (vocabulary - 1) ** 0.5


@cache
def examples(
    rules: tuple[int, int, int, int], counts: tuple[int, int, int], seed: int, noise: float = 0.0
) -> Pictures:
    """A data set of strings, no string twice; drawn once in a process.

    Args:
        rules: Classes, vocabulary, synonyms and levels of the grammar.
        counts: Of strings to train on, to validate on and to test on; less where the grammar has
            too few: a quarter of all strings is for each of the other two at most.
        seed: Of grammar and strings; fewer to train on are among more.
        noise: Probability of a wrong symbol in training strings.

    Returns:
        Inputs of shape (n, length, vocabulary) and labels `class` by split.
    """
    language, (train, others) = grammar(*rules, seed), (counts[0], counts[1:])
    # Those not trained on are drawn first: they are the same whatever the number of the others.
    held = [min(count, language.count // 4) for count in others]
    rng = np.random.default_rng((seed, 1))
    numbers = language.draw(min(language.count, sum(held) + max(train, _POOL)), rng)
    validation, test, rest = np.split(numbers, np.cumsum(held))
    if train > len(rest):
        raise ConfigError(
            f"{train:,} strings to train on, but the grammar has {len(rest):,} beside the "
            f"{sum(held):,} of validation and test"
        )
    parts: Mapping[str, np.ndarray] = {
        "train": rest[:train], "validation": validation, "test": test,
    }  # fmt: skip
    derived = {split: language.derive(part) for split, part in parts.items()}
    strings = {split: part.strings for split, part in derived.items()}
    strings["train"] = noisy(
        strings["train"], noise, language.vocabulary, np.random.default_rng(seed)
    )
    return Pictures(
        {split: one_hot(part, language.vocabulary) for split, part in strings.items()},
        {split: {"class": torch.from_numpy(part.classes)} for split, part in derived.items()},
        rules[0],
    )
