"""`tuned.yaml`: the learning rate and knob chosen for each method, and how."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from modular_cls.config import Config
from modular_cls.config.bases import read_yaml
from modular_cls.config.shipped import config_path
from modular_cls.errors import ConfigError, ModularClsError, unknown
from modular_cls.files import replacing_file
from modular_cls.schema import Schema
from modular_cls.training.knob import knob_told, knob_value, turned

FILE = "tuned.yaml"
_KEYS = ("learning_rate", "knob", "trials", "edges")


@dataclass(frozen=True)
class Tuned:
    """What was chosen.

    Attributes:
        path: The file.
        terms: On which terms: `scarce`, `keep`, `seeds`, `budget`, `where` (backbone, manifest).
        methods: By method: `learning_rate` (null on a frozen backbone), `knob` as {key: value},
            `trials`, `edges`, the `validation` score; or `undefined`, with the reason, and
            `trials`.
    """

    path: Path
    terms: Mapping[str, Any]
    methods: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, path: str | Path) -> "Tuned":
        """Read such a file, or one of the package; raises ConfigError if it is none."""
        content = read_yaml(Path(config_path(str(path))))
        methods = content.pop("methods", None)
        if not isinstance(methods, dict) or not isinstance(content.get("budget"), dict):
            raise ConfigError(f"{path} is no file that a study with tune wrote: no methods, budget")
        if not content.get("scarce"):
            raise ConfigError(f"{path} does not say what was scarce; tune again")
        if not isinstance(content.get("where", {}), dict):
            raise ConfigError(f"{path}: where must be a mapping")
        for method, choice in methods.items():
            if wrong := _wrong(choice):
                raise ConfigError(f"{path}: {method}: {wrong}")
        return cls(Path(path), content, methods)

    def write(self, made_by: str) -> None:
        """Write the file."""
        text = yaml.safe_dump(
            {**self.terms, "methods": dict(self.methods)}, sort_keys=False, allow_unicode=True
        )
        with replacing_file(self.path) as partial:
            partial.write_text(f"# {made_by}\n{text}", encoding="utf-8")

    def elsewhere(self, config: Config) -> str:
        """In words, that it was chosen on another backbone or manifest; blank if it was not."""
        there, here = self.terms.get("where") or {}, where_of(config)
        differ = [
            f"{key} {there[key]}, here {here[key]}"
            for key in here
            if here[key] != there.get(key, here[key])
        ]
        return f"note: {self.path} was chosen with {'; '.join(differ)}" if differ else ""

    def apply(self, config: Config, base: Config | None = None) -> Config:
        """A method's configuration with what was chosen for it.

        Args:
            config: The method.
            base: Of a variant, what it varies: what was chosen for that is the variant's too,
                unless it was tuned itself; its own knob stays where it differs from its base's.

        Raises:
            ConfigError: If nothing was chosen for it, at another budget, by the class that is rare
                here, or for another knob.
        """
        self._check_data(config)
        name = config.method if base is None or config.method in self.methods else base.method
        if name not in self.methods:
            problem = unknown("method", name, self.methods, f"in {self.path}")
            raise ConfigError(f"{problem}; tune it too")
        budget = budget_of(config)
        if budget != self.terms["budget"]:
            here, there = _listed(budget), _listed(self.terms["budget"])
            problem = f"{self.path} was chosen at {there}, but here {config.method} has {here}"
            raise ConfigError(f"{problem}; tune at the study's own budget")
        choice = self.methods[name]
        if "undefined" in choice:
            tried = replace(config.training, trials=choice.get("trials", 1), edges=[])
            return replace(config, training=tried)
        how = {"trials": choice["trials"], "edges": list(choice["edges"])}
        if choice["learning_rate"] is not None:
            how["learning_rate"] = choice["learning_rate"]
        own = base is not None and knob_told(config) != knob_told(base)
        for key, value in {} if own else choice["knob"].items():
            if config.knob is None or config.knob.key != key:
                raise ConfigError(f"{self.path}: the knob of {config.method} is not {key} any more")
            config = config if value == knob_value(config) else turned(config, value)
        return replace(config, training=replace(config.training, **how))

    def _check_data(self, config: Config) -> None:
        """Refuse other words, and a choice by validation images of the class that is rare here."""
        schema, scarce = Schema.from_dict(config.schema), self.terms["scarce"]
        for values in scarce if isinstance(scarce, list) else [scarce]:
            try:
                judge = schema.scarce_values(values)
            except ModularClsError as error:
                raise ConfigError(f"{self.path} was chosen on other data: {error}") from None
            for rare in config.data.scarcities:
                if overlaps(judge, schema.scarce_values(rare.joint_class)):
                    problem = f"{self.path} was chosen by validation images of {judge}"
                    raise ConfigError(f"{problem}, which is rare here; choose by another class")


def overlaps(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether an image can be of both classes, each {attribute: value}."""
    return all(other.get(name, value) == value for name, value in one.items())


def where_of(config: Config) -> dict[str, Any]:
    """What a choice of rate and knob depends on besides its budget."""
    manifest = "/".join(Path(config.data.manifest).parts[-2:])  # where it lies is no matter
    return {"backbone": config.backbone.name, "manifest": manifest}


def budget_of(config: Config) -> dict[str, Any]:
    """What a fit costs: rates and knobs are chosen at the budget that they are used at."""
    if config.backbone.frozen:
        return {"updates": None, "batch_size": None}
    return {"updates": config.training.updates, "batch_size": config.data.batch_size}


def _wrong(choice: Any) -> str:
    """What is wrong with what was chosen for a method; blank if nothing is."""
    if not isinstance(choice, dict):
        return "it must be a mapping"
    if "undefined" in choice:
        return ""
    if lacking := [key for key in _KEYS if key not in choice]:
        return f"{', '.join(lacking)} missing"
    rate, knob, trials, ends = (choice[key] for key in _KEYS)
    if rate is not None and not (isinstance(rate, (int, float)) and 0 < rate < math.inf):
        return f"learning_rate is {rate!r}; it must be a number above 0, or null"
    if not isinstance(knob, dict) or not isinstance(ends, list) or not isinstance(trials, int):
        return "knob must be a mapping, edges a list, trials a whole number"
    return ""


def _listed(budget: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in budget.items())
