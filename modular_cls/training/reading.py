"""Configurations read: every value of its kind, and the method rehearsed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modular_cls.arguments import Namespace
from modular_cls.config import Config
from modular_cls.parsing import RunParser, parse_files, parse_flags
from modular_cls.schema import Schema
from modular_cls.training.rehearsal import check_names, rehearse


def load_config(*sources: str | Path | Mapping[str, Any], **overrides: Any) -> Config:
    """Read configuration files, applied in order.

    Args:
        *sources: YAML files, or what would stand in one.
        **overrides: Fields to set after that, with `__` between levels, as in `data__manifest`.

    Raises:
        ConfigError: If a value is of the wrong kind or out of its range, or the parts of the method
            do not fit each other.
        SchemaError: If the schema does not fit.
    """
    config = parse_files(*sources, **overrides)
    rehearse(config)
    return config


def parse_run(parser: RunParser, arguments: list[str]) -> tuple[Config, Namespace]:
    """Parse a command line into a Config and the parser's other arguments; as `load_config`.

    Data can be judged before a method is chosen: without a model there is nothing to rehearse.
    """
    config, others = parse_flags(parser, arguments)
    if config.model:
        rehearse(config)
    elif config.schema:
        check_names(Schema.from_dict(config.schema))
    return config, others
