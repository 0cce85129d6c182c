"""Choose each method's learning rate and knob, every method by one rule and as many trials.

Another joint class than the rare one is scarce, or each of several in turn; scores are of the
validation split. First every rate is tried, the knob at the method's own value; then every other
value of the knob at the best rate. A method without a knob tries as many more rates, halfway
between the others.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from modular_cls.config import Config, Data, Scarcity
from modular_cls.data.datamodule import read_manifest
from modular_cls.data.manifest import SPLITS
from modular_cls.data.scarcity import class_name
from modular_cls.errors import ConfigError
from modular_cls.report.results import read_runs
from modular_cls.report.trials import best_trial, edges, trials_of
from modular_cls.schema import Schema
from modular_cls.study.cells import Cell, read_methods
from modular_cls.study.grid import Study, Tune
from modular_cls.study.tuned import FILE, Tuned, budget_of, overlaps, where_of
from modular_cls.training.knob import knob_value, turned
from modular_cls.training.rehearsal import rehearse

Setting = tuple[float | None, Config]  # a rate, None on a frozen backbone; the knob turned


def tune(study: Study, out: Path, run: Callable[[list[Cell]], list[str]]) -> list[str]:
    """Run the trials that are not finished yet, and write what is best into `out/tuned.yaml`.

    Args:
        study: With `tune`.
        out: Folder of the trials' run folders.
        run: Runs cells and returns what failed.

    Returns:
        What failed; nothing is chosen then.

    Raises:
        ConfigError: Before anything slow, if methods cannot be tried alike, or the class made
            scarce is the rare one or has no validation images.
    """
    how, methods = study.tune, read_methods(study)
    assert how is not None
    _check(how, methods)
    first = [_cells(study, out, config, _first(how, config)) for config in methods]
    if failures := run(_interleaved(first)):
        return failures
    more = []
    for config, cells in zip(methods, first, strict=True):
        rate = _best_rate(cells)
        settings = [] if rate is _UNDEFINED else _second(how, config, rate)
        more.append(_cells(study, out, config, settings))
    if failures := run(_interleaved(more)):
        return failures
    chosen = {
        config.method: _chosen(config, [*a, *b])
        for config, a, b in zip(methods, first, more, strict=True)
    }
    Tuned(out / FILE, _terms(study, methods[0]), chosen).write(
        "By `modular-cls study` with `tune`; a study takes it as `tuned`."
    )
    print(f"chosen: {out / FILE}")
    return []


def _check(how: Tune, methods: list[Config]) -> None:
    for config in methods:
        _check_knob(config)
    _check_alike(how, methods)
    _check_scarce(how, methods)


def _terms(study: Study, config: Config) -> dict[str, Any]:
    assert study.tune is not None
    return {
        "scarce": study.tune.scarce,
        "keep": study.keep[0],
        "seeds": list(study.seeds),
        "budget": budget_of(config),
        "where": where_of(config),
    }


_UNDEFINED = math.inf  # the rate of a method that every rate fails


def _first(how: Tune, config: Config) -> list[Setting]:
    """Every rate, the knob as it stands."""
    if config.backbone.frozen:
        return [(None, config)] if _has_knob(config) else []
    return [(rate, config) for rate in how.rates]


def _second(how: Tune, config: Config, rate: float | None) -> list[Setting]:
    """The other values of the knob; without one, the rates halfway between."""
    if _has_knob(config):
        assert config.knob is not None
        own = knob_value(config)
        return [(rate, turned(config, value)) for value in config.knob.values if value != own]
    if config.backbone.frozen:
        return []
    rates = (float(f"{math.sqrt(low * high):.4g}") for low, high in pairwise(sorted(how.rates)))
    return [(rate, config) for rate in rates]


def _cells(study: Study, out: Path, config: Config, settings: list[Setting]) -> list[Cell]:
    assert study.tune is not None
    rare = [Scarcity(s.joint_class, None, validation=False) for s in config.data.scarcities]
    cells, judges = [], _judges(study.tune.classes)
    for seed, (judge, values) in product(study.seeds, judges.items()):
        scarce = Scarcity(dict(values), study.keep[0], validation=True)
        for rate, setting in settings:
            data = replace(setting.data, scarcity=[scarce, *rare], test=False)
            own = setting.training
            training = replace(own, learning_rate=rate or own.learning_rate, trials=1)
            name = f"{_name(setting, rate)}{judge}_seed{seed}"
            cells.append((replace(setting, seed=seed, data=data, training=training), out / name))
    return cells


def _judges(classes: Sequence[Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    """The classes that judge in turn, by what they add to the name of a run folder."""
    if len(classes) == 1:
        return {"": classes[0]}
    short = ["_" + quote("_".join(values.values()), safe="") for values in classes]
    if len(set(short)) < len(short):  # equal values, of other attributes
        short = ["_" + "+".join(map(_told, values.items())) for values in classes]
    return dict(zip(short, classes, strict=True))


def _told(value: tuple[str, str]) -> str:
    return "=".join(quote(word, safe="") for word in value)


def _name(config: Config, rate: float | None) -> str:
    knob = ""
    if _has_knob(config):
        assert config.knob is not None
        value = knob_value(config)
        knob = f"_{config.knob.key.split('.')[-1]}{'null' if value is None else f'{value:g}'}"
    return f"{config.method}{'' if rate is None else f'_rate{rate:g}'}{knob}"


def _interleaved(groups: list[list[Cell]]) -> list[Cell]:
    """Cells of all methods by seed and class, so that those that share a fit are neighbours."""
    return sorted((cell for group in groups for cell in group), key=_draw)


def _draw(cell: Cell) -> tuple[int, str]:
    config, _ = cell
    return config.seed, str(config.data.scarcities[0].joint_class)


def _best_rate(cells: list[Cell]) -> float | None:
    """The best rate of the first trials; None on a frozen backbone."""
    if not cells:
        return None
    ((_, trials),) = trials_of(read_runs([folder for _, folder in cells])).items()
    best = best_trial(trials)
    return _UNDEFINED if best is None else best.rate


def _chosen(config: Config, cells: list[Cell]) -> dict[str, Any]:
    if not cells:  # nothing to choose
        return {"learning_rate": None, "knob": {}, "trials": 1, "edges": []}
    runs = read_runs([folder for _, folder in cells])
    ((_, trials),) = trials_of(runs).items()
    best = best_trial(trials)
    if best is None:
        reason = next((r.undefined for r in runs if r.undefined), "no scores")
        return {"undefined": reason, "trials": len(trials)}
    return {
        "learning_rate": best.rate,
        "knob": {best.knob: best.value} if _has_knob(config) else {},
        "trials": len(trials),
        "edges": edges(best, trials),
        "validation": round(float(best.score().mean), 4),
    }


def _has_knob(config: Config) -> bool:
    """Whether it has a knob that means anything on its backbone."""
    return config.knob is not None and (config.knob.frozen or not config.backbone.frozen)


def _check_knob(config: Config) -> None:
    if _has_knob(config):
        assert config.knob is not None
        if (own := knob_value(config)) not in config.knob.values:
            problem = f"knob.values is {config.knob.values}, but its own value is {own}"
            raise ConfigError(f"{config.method}: {problem}; it must be among them")
        for value in config.knob.values:
            rehearse(turned(config, value))


def _check_alike(how: Tune, methods: list[Config]) -> None:
    """As many trials for each method, and one budget."""
    if len({str((c.backbone, budget_of(c))) for c in methods}) > 1:
        raise ConfigError("study: methods tuned together must have one backbone and one budget")
    counts = {c.method: len(c.knob.values) for c in methods if c.knob and _has_knob(c)}
    frozen = methods[0].backbone.frozen
    most = max(counts.values(), default=0) if frozen else len(how.rates)
    if unlike := {name: n for name, n in counts.items() if n != most}:
        name, n = next(iter(unlike.items()))
        problem = f"the knob of {name} has {n} values; it must be {most}"
        like = "as the others" if frozen else "as there are rates"
        raise ConfigError(f"study: {problem}, {like}: every method gets as many trials")


def _check_scarce(how: Tune, methods: list[Config]) -> None:
    """Other classes than the rare ones, with validation images."""
    for data, schema in _data_of(methods):
        manifest = read_manifest(schema, data)
        validation = manifest.splits == SPLITS.index("validation")
        for values in map(schema.scarce_values, how.classes):
            _check_other(data, schema, values)
            if not np.any(manifest.matches(values) & validation):
                name = class_name(schema, values)
                raise ConfigError(
                    f"study: {name} has no validation images, which tune.scarce needs"
                )


def _check_other(data: Data, schema: Schema, values: dict[str, str]) -> None:
    """Refuse a class that overlaps a rare one."""
    for rare in data.scarcities:
        theirs = schema.scarce_values(rare.joint_class)
        if overlaps(values, theirs):
            message = f"tune.scarce is {values}, which overlaps the rare class {theirs}"
            raise ConfigError(f"study: {message}; name another joint class")


def _data_of(methods: list[Config]) -> list[tuple[Data, Schema]]:
    """The data of the methods, those alike once."""
    alike = {str((c.data.manifest, c.data.scarcities, c.schema)): c for c in methods}
    return [(c.data, Schema.from_dict(c.schema)) for c in alike.values()]
