"""`tuned.yaml`: the learning rate and knob chosen for each method, and how."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from modular_cls.config import Config
from modular_cls.config.bases import read_yaml
from modular_cls.errors import ConfigError, ModularClsError, unknown
from modular_cls.files import replacing_file
from modular_cls.schema import Schema
from modular_cls.training.knob import knob_value, turned

FILE = "tuned.yaml"
_KEYS = ("learning_rate", "knob", "trials", "edges")


@dataclass(frozen=True)
class Tuned:
    """What was chosen.

    Attributes:
        path: The file.
        terms: On which terms: `scarce`, `keep`, `seeds`, `budget`.
        methods: By method: `learning_rate` (null on a frozen backbone), `knob` as {key: value},
            `trials`, `edges`, the `validation` score; or only `undefined`, with the reason.
    """

    path: Path
    terms: Mapping[str, Any]
    methods: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, path: str | Path) -> "Tuned":
        """Read such a file; raises ConfigError if it is none."""
        content = read_yaml(Path(path))
        methods = content.pop("methods", None)
        if not isinstance(methods, dict) or not isinstance(content.get("budget"), dict):
            raise ConfigError(f"{path} is no file that a study with tune wrote: no methods, budget")
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

    def apply(self, config: Config) -> Config:
        """A method's configuration with what was chosen for it.

        Raises:
            ConfigError: If nothing was chosen for it, at another budget, or for another knob.
        """
        try:
            scarce = self.terms.get("scarce") or {}
            for values in scarce if isinstance(scarce, list) else [scarce]:
                Schema.from_dict(config.schema).scarce_values(values)
        except ModularClsError as error:
            raise ConfigError(f"{self.path} was chosen on other data: {error}") from None
        if config.method not in self.methods:
            problem = unknown("method", config.method, self.methods, f"in {self.path}")
            raise ConfigError(f"{problem}; tune it too")
        budget = budget_of(config)
        if budget != self.terms["budget"]:
            here, there = _listed(budget), _listed(self.terms["budget"])
            problem = f"{self.path} was chosen at {there}, but here {config.method} has {here}"
            raise ConfigError(f"{problem}; tune at the study's own budget")
        choice = self.methods[config.method]
        if "undefined" in choice:
            return config
        how = {"trials": choice["trials"], "edges": list(choice["edges"])}
        if choice["learning_rate"] is not None:
            how["learning_rate"] = choice["learning_rate"]
        for key, value in choice["knob"].items():
            if config.knob is None or config.knob.key != key:
                raise ConfigError(f"{self.path}: the knob of {config.method} is not {key} any more")
            config = config if value == knob_value(config) else turned(config, value)
        return replace(config, training=replace(config.training, **how))


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
