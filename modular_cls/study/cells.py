"""The cells of a study: what to run, and into which run folder."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from modular_cls.config import Config, Scarcity
from modular_cls.data.datamodule import read_manifest
from modular_cls.data.scarcity import apply_scarcity
from modular_cls.errors import ConfigError
from modular_cls.parsing import load_config, method_config
from modular_cls.schema import Schema
from modular_cls.study.grid import Study
from modular_cls.study.tuned import Tuned

Cell = tuple[Config, Path]  # what to run, and its run folder


def grid(study: Study, out: Path) -> list[Cell]:
    """Configuration and run folder of each cell.

    Seeds outermost, so that early results compare.
    """
    methods = read_methods(study)
    return [
        (_cell(config, keep, seed), out / _name(config.method, keep, seed))
        for seed in study.seeds
        for keep in study.keep
        for config in methods
    ]


def read_methods(study: Study) -> list[Config]:
    """The configuration of each method, its rate and knob as tuned where the study says so.

    Raises:
        ConfigError: If a method is unknown, two have one name, or something makes nothing scarce.
    """
    methods = [load_config(method_config(method), *study.also) for method in study.methods]
    names = [config.method for config in methods]
    if repeated := [name for i, name in enumerate(names) if name in names[:i]]:
        raise ConfigError(
            f"study: two configurations say method: {repeated[0]}; each needs a name of its own"
        )
    for config in methods:
        if config.training.patience is not None:
            told = "methods are compared after the same number of updates; leave it out"
            raise ConfigError(f"study: {config.method} has training.patience: {told}")
        if not config.data.scarcity:
            told = "has no data.scarcity; name the joint classes to make scarce"
            raise ConfigError(f"study: {config.method} {told}")
    return [Tuned.read(study.tuned).apply(c) for c in methods] if study.tuned else methods


def check_scarcity(configs: list[Config]) -> None:
    """Before anything slow: every number of images kept must exist."""
    most: dict[str, Config] = {}
    for config in configs:
        scarcities = config.data.scarcities
        key = str((config.schema, config.data.manifest, [s.joint_class for s in scarcities]))
        if key not in most or (scarcities[0].keep or 0) > (most[key].data.scarcities[0].keep or 0):
            most[key] = config
    for config in most.values():
        manifest = read_manifest(Schema.from_dict(config.schema), config.data)
        for scarcity in config.data.scarcities:
            apply_scarcity(manifest, scarcity.joint_class, scarcity.keep, config.seed)


def by_key(cells: list[Cell], key: Callable[[Config], str]) -> list[list[Cell]]:
    """Cells with equal keys together, in the order of the first of each."""
    groups: dict[str, list[Cell]] = {}
    for config, folder in cells:
        groups.setdefault(key(config), []).append((config, folder))
    return list(groups.values())


def _cell(config: Config, keep: int | None, seed: int) -> Config:
    each = [Scarcity(s.joint_class, keep) for s in config.data.scarcities]
    scarcity = each[0] if isinstance(config.data.scarcity, Scarcity) else each
    return replace(config, seed=seed, data=replace(config.data, scarcity=scarcity))


def _name(method: str, keep: int | None, seed: int) -> str:
    return f"{method}_k{'all' if keep is None else keep}_seed{seed}"
