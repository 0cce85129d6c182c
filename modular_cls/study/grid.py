"""What a study may be asked for, as a typed dataclass; no torch."""

from dataclasses import dataclass, field

from modular_cls.errors import ConfigError


@dataclass(frozen=True)
class Study:
    """A grid of runs: every method at every number of images kept, with every seed.

    Args:
        methods: Configuration files, one per method; a bare name stands for `configs/NAME.yaml`.
        keep: Training images kept of the scarce class, or of each of several; null leaves all.
        seeds: One run per seed; it also decides which images are kept.
        also: Configuration files applied on top of every method's, for example other data.
        learning_rates: Try each of these in place of every method's own; the report then compares
            them on the validation split and shows no test score.
        processes: Runs at a time, each in a process of its own; 1 runs them in this one.
    """

    methods: list[str]
    keep: list[int | None]
    seeds: list[int]
    also: list[str] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    processes: int = 1

    def __post_init__(self) -> None:
        for name in ("methods", "keep", "seeds"):
            if not getattr(self, name):
                raise ConfigError(f"study: {name} is empty; give at least one")
        for name in ("methods", "keep", "seeds", "learning_rates"):
            values = getattr(self, name)
            if repeated := [v for i, v in enumerate(values) if v in values[:i]]:
                raise ConfigError(f"study: {name} holds {repeated[0]} twice; each cell is one run")
        for name, least, values in (
            ("keep", 0, self.keep),
            ("seeds", 0, self.seeds),
            ("processes", 1, [self.processes]),
        ):
            if wrong := [v for v in values if v is not None and v < least]:
                raise ConfigError(f"study: {name} holds {wrong[0]}; each must be at least {least}")
        for rate in self.learning_rates:
            if not rate > 0:
                raise ConfigError(f"study: learning_rates holds {rate}; each must be above 0")
