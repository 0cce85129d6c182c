"""Command line and YAML -> Config, every value of its kind; its parts are not looked at yet."""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import yaml

from modular_cls.arguments import ConfigFile, Namespace, Parser, null_where_none_may_be
from modular_cls.config import Config, expand
from modular_cls.config.bases import read_yaml
from modular_cls.config.shipped import CONFIGS, find_configs, packaged_configs
from modular_cls.errors import ConfigError, ModularClsError, nearest, unknown


class RunParser(Parser):
    """A parser of whole configurations."""

    def _suggestion(self, message: str) -> str:
        if wrong := re.search(r"\"config\": File does not exist: '(.+?)'", message):
            stem = Path(wrong.group(1)).stem
            return nearest(f"configs/{stem}.yaml", _configurations())
        return super()._suggestion(message)

    def read(self, parsed: Namespace) -> Namespace:
        """Build the typed configuration of what was parsed.

        Raises:
            ConfigError: If a value is null where none may be, or out of its range.
        """
        if wrong := list(null_where_none_may_be(parsed, Config)):
            raise ConfigError(wrong[0])
        return self.instantiate(parsed)


def _configurations() -> list[str]:
    """The main configurations, as they would be given from the folder of the checkout."""
    return [f"configs/{file.name}" for file in packaged_configs()]


def run_parser(prog: str, description: str) -> RunParser:
    """A parser for every field of Config, with `--config` for files, applied in order."""
    parser = RunParser(prog=prog, description=description)
    usage = "YAML file, which may say what it stands on (base: FILE); several are applied in order"
    parser.add_argument("--config", action=ConfigFile, help=usage)
    parser.add_class_arguments(Config, fail_untyped=True)
    return parser


def parse_flags(parser: RunParser, arguments: list[str]) -> tuple[Config, Namespace]:
    """Parse a command line into a Config and the parser's other arguments."""
    parsed = parser.read(parser.parse_args(find_configs(arguments)))
    fields = {name: parsed.pop(name) for name in Config.__dataclass_fields__}
    if isinstance(named := fields["data"].augmentation, str):
        fields["data"] = replace(fields["data"], augmentation=_read_pipeline(named))
    return Config(**fields), parsed


def _read_pipeline(name: str) -> dict[str, Any]:
    """What a file of `data.augmentation` holds, which is kept in its place."""
    path = expand(name)
    if path.suffix == ".json":
        with contextlib.suppress(OSError, ValueError):  # both worded below
            if isinstance(content := json.loads(path.read_text(encoding="utf-8")), dict):
                return content
    try:
        return read_yaml(path)
    except ConfigError as error:
        raise ConfigError(f"data.augmentation: {error}") from None


@cache
def _file_parser() -> RunParser:
    """For files; built once, which takes as long as reading one."""
    parser = run_parser("configuration", "")
    parser.exit_on_error = False  # whoever calls from Python goes on
    return parser


def parse_files(*sources: str | Path | Mapping[str, Any], **overrides: Any) -> Config:
    """Read configuration files, applied in order, without a look at their parts.

    Args:
        *sources: YAML files, or what would stand in one.
        **overrides: Fields to set after that, with `__` between levels, as in `data__manifest`.
    """
    arguments: list[str] = []
    for source in sources:
        text = _as_yaml(source) if isinstance(source, Mapping) else str(source)
        arguments += ["--config", text]
    for name, value in overrides.items():
        arguments += [f"--{name.replace('__', '.')}", "null" if value is None else str(value)]
    return parse_flags(_file_parser(), arguments)[0]


def _as_yaml(content: Mapping[str, Any]) -> str:
    """Its YAML, in its order, which has a meaning for attributes; paths are text there."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: plain(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(each) for each in value]
        return str(value) if isinstance(value, Path) else value

    return yaml.safe_dump(plain(content), sort_keys=False)


def whole_config(name: str) -> str:
    """That of a method that comes with the package as YAML, with every field and its default."""
    return yaml.safe_dump(parse_files(CONFIGS / name).to_dict(), sort_keys=False)


def read_config(path: Path) -> Config:
    """Read a configuration that a run or an export holds.

    It is data that came from anywhere: it may name no other file to read, and no class to import.

    Raises:
        ConfigError: If the file is missing, damaged, or holds what no run writes.
    """
    content = read_yaml(path)
    if wrong := list(misplaced(content, Config)):
        raise ConfigError("\n  ".join([f"{path}:", *wrong]))
    parser = _file_parser()
    try:
        parsed = parser.read(parser.parse_object(content))
        if isinstance(parsed["data"].augmentation, str):
            raise ConfigError("data.augmentation names a file; a run holds what stood in it")
        return Config(**{name: parsed[name] for name in Config.__dataclass_fields__})
    except ModularClsError as error:
        raise ConfigError(f"{path}: {error}") from None


def misplaced(content: Any, kind: type, where: str = "") -> Iterator[str]:
    """What the parser would look up elsewhere: a name where the fields of a dataclass belong."""
    if not isinstance(content, dict):
        yield f"{where or 'it'} is a {type(content).__name__}; it must be a mapping"
        return
    hints = get_type_hints(kind)
    for key, value in content.items():
        if key not in hints:
            yield unknown("key", key, hints, f"in {where}" if where else "")
        for inner in (hints.get(key), *get_args(hints.get(key))):
            if isinstance(inner, type) and is_dataclass(inner) and value is not None:
                for each in value if isinstance(value, list) else [value]:
                    yield from misplaced(each, inner, f"{where}.{key}".lstrip("."))
