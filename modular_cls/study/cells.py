"""The cells of a study: what to run, and into which run folder."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from urllib.parse import quote

from modular_cls.config import Config, Scarcity
from modular_cls.data.datamodule import read_manifest
from modular_cls.data.scarcity import apply_scarcity
from modular_cls.errors import ConfigError
from modular_cls.report.sorting import EMPTY
from modular_cls.schema import Schema
from modular_cls.study.grid import Study
from modular_cls.study.tuned import Tuned
from modular_cls.study.variant import Method, called, method_sources
from modular_cls.training.reading import load_config

Cell = tuple[Config, Path]  # what to run, and its run folder


def grid(study: Study, out: Path) -> list[Cell]:
    """Configuration and run folder of each cell.

    Seeds outermost, so that early results compare.
    """
    methods, cells = read_methods(study), []
    for seed in study.seeds:
        for keep in study.keep:
            for config in methods:
                cells.append((_cell(config, keep, seed), out / _name(config.method, keep, seed)))
                if study.empty and keep == 0:
                    cells += _empty_in_turn(config, seed, out)
    return cells


def read_methods(study: Study) -> list[Config]:
    """The configuration of each method, its rate and knob as tuned where the study says so.

    Raises:
        ConfigError: If a method or key is unknown, two have one name, or one makes nothing scarce.
    """
    methods = [_read_method(method, study.also) for method in study.methods]
    names = [config.method for config in methods]
    if repeated := [name for i, name in enumerate(names) if name in names[:i]]:
        raise ConfigError(
            f"study: two configurations say method: {repeated[0]}; each needs a name of its own"
        )
    for config in methods:
        if Path(config.method).name != config.method:
            advice = "run folders begin with it: it may hold no / and not be blank"
            raise ConfigError(f"study: method is {config.method!r}; {advice}")
        if config.training.patience is not None:
            advice = "methods are compared after the same number of updates; leave it out"
            raise ConfigError(f"study: {config.method} has training.patience: {advice}")
        if config.data.limit is not None:
            raise ConfigError(f"study: {config.method} has data.limit, which is for a first look")
        if not config.data.scarcity:
            advice = "has no data.scarcity; name the joint classes to make scarce"
            raise ConfigError(f"study: {config.method} {advice}")
    return _tuned(study, methods) if study.tuned else methods


def _tuned(study: Study, configs: list[Config]) -> list[Config]:
    """Rate and knob as chosen, a variant's as its base's; says where that was on other terms."""
    chosen = Tuned.read(study.tuned or "")
    for told in dict.fromkeys(chosen.elsewhere(config) for config in configs):
        if told:
            print(told)
    bases = [
        None if isinstance(method, str) else _read_method(str(method["base"]), study.also)
        for method in study.methods
    ]
    return [chosen.apply(c, base) for c, base in zip(configs, bases, strict=True)]


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


def _read_method(method: Method, also: Sequence[str]) -> Config:
    try:
        return load_config(*method_sources(method), *also)
    except ConfigError as error:
        raise ConfigError(f"study: {called(method)}: {error}") from None


def _empty_in_turn(config: Config, seed: int, out: Path) -> list[Cell]:
    """The cell k = 0 with each joint class but the rare one the empty one."""
    if len(config.data.scarcities) > 1:
        limit = "with one rare class only; data.scarcity names several"
        raise ConfigError(f"study: empty: each goes {limit}")
    schema = Schema.from_dict(config.schema)
    rare = schema.scarce_values(config.data.scarcities[0].joint_class)
    cells = []
    for values in product(*(schema.attribute(name).values for name in rare)):
        joint_class = dict(zip(rare, values, strict=True))
        if joint_class != rare:
            data = replace(config.data, scarcity=Scarcity(joint_class, 0))
            told = "+".join(quote(value, safe="") for value in values)
            name = f"{_name(config.method, 0, seed)}{EMPTY}{told}"
            cells.append((replace(config, seed=seed, data=data), out / name))
    return cells


def _cell(config: Config, keep: int | None, seed: int) -> Config:
    each = [Scarcity(s.joint_class, keep) for s in config.data.scarcities]
    scarcity = each[0] if isinstance(config.data.scarcity, Scarcity) else each
    return replace(config, seed=seed, data=replace(config.data, scarcity=scarcity))


def _name(method: str, keep: int | None, seed: int) -> str:
    return f"{method}_k{'all' if keep is None else keep}_seed{seed}"
