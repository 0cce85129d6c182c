"""What a study may be asked for, as typed dataclasses; no torch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from modular_cls.config.config import SEEDS
from modular_cls.config.varied import Labels, as_labels
from modular_cls.errors import ConfigError


@dataclass(frozen=True)
class Tune:
    """How learning rates and knobs are chosen: where another joint class is scarce.

    The rare class of the study keeps its training images there, but none in validation.

    Args:
        scarce: That other class, as {attribute: value}; its validation images are used. Or several,
            each in turn: a steadier judge.
        rates: Learning rates that every method tries. Then it tries the values of its knob at the
            best of them; a method without a knob, the rates halfway between. A frozen backbone has
            no rates.
    """

    scarce: Labels | list[Labels]
    rates: list[float] = field(default_factory=lambda: [0.001, 0.002, 0.004, 0.008, 0.016, 0.032])

    def __post_init__(self) -> None:
        several = isinstance(self.scarce, list)
        classes = [as_labels(values, "study: tune.scarce") for values in self.classes]
        object.__setattr__(self, "scarce", classes if several else classes[0])
        if not self.classes:
            raise ConfigError("study: tune.scarce is empty; name a joint class, or several")
        _refuse_repeated("tune.scarce", self.classes)
        _refuse_repeated("tune.rates", self.rates)
        if len(self.rates) < 2:
            raise ConfigError(f"study: tune.rates is {self.rates}; give two or more to choose from")
        for rate in self.rates:
            if not rate > 0:
                raise ConfigError(f"study: tune.rates holds {rate}; each must be above 0")

    @property
    def classes(self) -> list[dict[str, str]]:
        """The classes made scarce, one at a time."""
        return self.scarce if isinstance(self.scarce, list) else [self.scarce]


@dataclass(frozen=True)
class Study:
    """A grid of runs: every method at every number of images kept, with every seed.

    Args:
        methods: Configuration files, one per method; a bare name stands for `configs/NAME.yaml`.
            Or variants of one, {base: that file or name, name: its own, key: what differs, ...}.
        keep: Training images kept of the scarce class, or of each of several; null leaves all.
        seeds: One run per seed; it also decides which images are kept.
        also: Configuration files applied on top of every method's, for example other data.
        tune: Choose each method's learning rate and knob, and write them into OUT/tuned.yaml,
            instead of comparing methods; `keep` is then the number kept of `tune.scarce`.
        tuned: Such a file: its rates and knobs take the place of the methods' own.
        empty: `each` repeats k = 0 with every other joint class in turn the empty one.
        processes: Runs at a time, each in a process of its own; 1 runs them in this one.

    Example:
        >>> study = Study(methods=["modular", "flat"], keep=[0, 5, None], seeds=[0, 1, 2])
        >>> Study(methods=["modular"], keep=[-1], seeds=[0])
        Traceback (most recent call last):
        modular_cls.errors.ConfigError: study: keep holds -1; each must be at least 0
    """

    methods: list[str | dict[str, Any]]
    keep: list[int | None]
    seeds: list[int]
    also: list[str] = field(default_factory=list)
    tune: Tune | None = None
    tuned: str | None = None
    empty: Literal["each"] | None = None
    processes: int = 1

    def __post_init__(self) -> None:
        for name in ("methods", "keep", "seeds"):
            if not getattr(self, name):
                raise ConfigError(f"study: {name} is empty; give at least one")
            _refuse_repeated(name, getattr(self, name))
        for name, least, values in (
            ("keep", 0, self.keep),
            ("seeds", 0, self.seeds),
            ("processes", 1, [self.processes]),
        ):
            if wrong := [v for v in values if v is not None and v < least]:
                raise ConfigError(f"study: {name} holds {wrong[0]}; each must be at least {least}")
        if wrong := [seed for seed in self.seeds if seed >= SEEDS]:
            raise ConfigError(f"study: seeds holds {wrong[0]}; each must be below {SEEDS:,}")
        if self.tune and self.tuned:
            raise ConfigError(
                "study: give tune, which chooses, or tuned, which was chosen; not both"
            )
        if self.empty not in (None, "each"):
            raise ConfigError(f"study: empty is {self.empty!r}; accepted: each, null")
        if self.empty and (self.tune or 0 not in self.keep):
            advice = "it repeats k = 0, which keep must hold, and has no meaning with tune"
            raise ConfigError(f"study: empty is {self.empty}; {advice}")
        if self.tune and (len(self.keep) > 1 or not self.keep[0]):
            advice = "with tune it is one number of images, of the class tune.scarce, as [5]"
            raise ConfigError(f"study: keep is {self.keep}; {advice}")


def _refuse_repeated(name: str, values: Sequence[Any]) -> None:
    if repeated := [v for i, v in enumerate(values) if v in values[:i]]:
        raise ConfigError(f"study: {name} holds {repeated[0]} twice; each cell is one run")
