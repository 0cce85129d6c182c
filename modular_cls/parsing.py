"""Command line and YAML -> Config. The only file that knows jsonargparse."""

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, get_args, get_type_hints

import yaml
from jsonargparse import (  # type: ignore[attr-defined]  # one is not in its __all__
    ActionConfigFile,
    ArgumentParser,
    Namespace,
    get_loader,
)

from modular_cls.config import Config, expand
from modular_cls.config.bases import BASE, read_yaml, with_bases
from modular_cls.config.shipped import CONFIGS, find_configs, packaged_configs
from modular_cls.errors import ConfigError, ModularClsError, nearest, unknown


class Parser(ArgumentParser):
    """An argument parser whose complaints name the nearest key or flag that exists."""

    file = ""  # which it reads just now, for complaints

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print the complaint, shortened to what a person needs, and exit with status 2."""
        if "did you mean" not in message:
            message += self._suggestion(message)
        if self.file:
            message = f"{self.file}: {message}"
        if not self.exit_on_error:
            raise ConfigError(message)
        self.exit(2, f"error: {message}\n(see {self.prog} --help)\n")

    def parse_path(self, path: Any, *args: Any, **kwargs: Any) -> Namespace:
        """As always, but without `base`, which `ConfigFile` has followed."""
        content = get_loader("yaml")(Path(path).read_text(encoding="utf-8"))
        if not isinstance(content, dict) or BASE not in content:
            return super().parse_path(path, *args, **kwargs)
        del content[BASE]
        kwargs.pop("_fail_no_subcommand", None)  # there are no subcommands
        return self.parse_object(content, *args, **kwargs)

    def check_keys(self, content: Mapping[str, Any], where: str = "") -> None:
        """Refuse a key that is none, an empty one too, while it is known which file has it."""
        known = {action.dest for action in self._actions} | {BASE}
        typed = {action.dest for action in self._actions if hasattr(action, "_typehint")}
        for key, value in content.items():
            path = f"{where}{str(key).removesuffix('+')}"
            inside = path not in typed and any(dest.startswith(f"{path}.") for dest in known)
            if path not in known and not inside:
                beside = [d.removeprefix(where) for d in known if d.startswith(where)]
                near = nearest(str(key), sorted({dest.split(".")[0] for dest in beside}))
                self.error(f"{where}{key} is not accepted{near}")
            if inside and isinstance(value, Mapping):
                self.check_keys(value, f"{path}.")

    def instantiate(self, *args: Any, **kwargs: Any) -> Namespace:
        """As always, but what a part of ours refuses is told as it told it."""
        try:
            return super().instantiate(*args, **kwargs)
        except ValueError as error:
            if isinstance(error.__cause__, ModularClsError):
                raise error.__cause__ from None
            raise

    def _suggestion(self, message: str) -> str:
        if wrong := re.search(r"Expected a typing\.Literal\[(.+?)\]\. Got value: (\S+)", message):
            return nearest(wrong.group(2), re.findall(r"'([^']*)'", wrong.group(1)))
        if wrong := re.search(r'"config": File does not exist: \'(.+?)\'', message):
            stem = Path(wrong.group(1)).stem
            return nearest(f"configs/{stem}.yaml", _configurations())
        flags = [flag for action in self._actions for flag in action.option_strings]
        if wrong := re.search(r"unrecognized arguments: (--[\w.]+)", message):
            return nearest(wrong.group(1), flags)
        if wrong := re.search(r"Group '([\w.]+)' does not accept option '(\w+)'", message):
            group, key = wrong.groups()
            inside = [f.removeprefix(f"--{group}.") for f in flags if f.startswith(f"--{group}.")]
            return nearest(key, inside)
        if wrong := re.search(r"'([\w.]+)'", message):
            return nearest(wrong.group(1), [f.removeprefix("--") for f in flags])
        return ""


class ConfigFile(ActionConfigFile):
    """`--config FILE`: what the file stands on is applied first, the lowest before all others."""

    def __call__(
        self, parser: Any, cfg: Any, values: Any, option_string: str | None = None
    ) -> None:
        """Apply one file, or YAML in its place."""
        if not os.path.isfile(values):
            super().__call__(parser, cfg, values, option_string)  # type: ignore[no-untyped-call]
            return
        for file in with_bases(values):
            parser.file = str(file)
            try:
                parser.check_keys(read_yaml(file))
                super().__call__(parser, cfg, parser.file, option_string)  # type: ignore[no-untyped-call]
            finally:
                parser.file = ""


def _configurations() -> list[str]:
    """The main configurations, as they would be given from the folder of the checkout."""
    return [f"configs/{file.name}" for file in packaged_configs()]


def run_parser(prog: str, description: str) -> Parser:
    """A parser for every field of Config, with `--config` for files, applied in order."""
    parser = Parser(prog=prog, description=description)
    told = "YAML file, which may say what it stands on (base: FILE); several are applied in order"
    parser.add_argument("--config", action=ConfigFile, help=told)
    parser.add_class_arguments(Config, fail_untyped=True)
    return parser


def add_overwrite(parser: Parser) -> None:
    """The flag of every verb whose output may exist already."""
    told = "replace what is there, once the new is complete"
    parser.add_argument("--overwrite", action="store_true", help=told)


def parse_run(parser: Parser, arguments: list[str]) -> tuple[Config, Namespace]:
    """Parse a command line into a Config and the parser's other arguments."""
    parsed = parser.instantiate(parser.parse_args(find_configs(arguments)))
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
def _file_parser() -> Parser:
    """For files; built once, which takes as long as reading one."""
    return run_parser("configuration", "")


def load_config(*sources: str | Path | Mapping[str, Any], **overrides: Any) -> Config:
    """Read configuration files, applied in order.

    Args:
        *sources: YAML files, or what would stand in one.
        **overrides: Fields to set after that, with `__` between levels, as in `data__manifest`.
    """
    words = [yaml.safe_dump(dict(s)) if isinstance(s, Mapping) else str(s) for s in sources]
    arguments = [argument for word in words for argument in ("--config", word)]
    for name, value in overrides.items():
        arguments += [f"--{name.replace('__', '.')}", "null" if value is None else str(value)]
    return parse_run(_file_parser(), arguments)[0]


def whole_config(name: str) -> str:
    """That of a method that comes with the package as YAML, with every field and its default."""
    return yaml.safe_dump(load_config(CONFIGS / name).to_dict(), sort_keys=False)


def read_config(path: Path) -> Config:
    """Read a configuration that a run or an export holds.

    It is data that came from anywhere: it may name no other file to read, and no class to import.

    Raises:
        ConfigError: If the file is missing, damaged, or holds what no run writes.
    """
    content = read_yaml(path)
    if wrong := list(misplaced(content, Config)):
        raise ConfigError("\n  ".join([f"{path}:", *wrong]))
    parser = run_parser("", "")
    parser.exit_on_error = False
    try:
        parsed = parser.instantiate(parser.parse_object(content))
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
