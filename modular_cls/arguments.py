"""Typed arguments, from a command line or a file. The only file that knows jsonargparse."""

import os
import re
from argparse import ArgumentError
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from jsonargparse import (  # type: ignore[attr-defined]  # one is not in its __all__
    ActionConfigFile,
    ArgumentParser,
    get_loader,
)
from jsonargparse import Namespace as Namespace  # what a parser returns

from modular_cls.config.bases import BASE, parse_yaml, read_yaml, with_bases
from modular_cls.errors import ConfigError, ModularClsError, nearest

_WORDS = {
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    str: "text",
    Path: "a path",
    NoneType: "null",
}


class Parser(ArgumentParser):
    """An argument parser whose complaints name the nearest key or flag that exists.

    Flags are written out: a shortened one is refused as a misspelt one is.
    """

    file = ""  # which it reads just now, for complaints

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False} | kwargs)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print the complaint, shortened to what a person needs, and exit with status 2."""
        message = self._reworded(message)
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
        known = [*dict.fromkeys(action.dest for action in self._actions), BASE]
        typed = {a.dest: a._typehint for a in self._actions if hasattr(a, "_typehint")}
        for key, value in content.items():
            path = f"{where}{str(key).removesuffix('+')}"
            if path in typed:
                self._check_entries(value, typed[path], path)
            below = [dest for dest in known if dest.startswith(f"{path}.")]
            inside = path not in typed and bool(below)
            if path not in known and not inside:
                beside = [d.removeprefix(where) for d in known if d.startswith(where)]
                near = nearest(str(key), sorted({dest.split(".")[0] for dest in beside}))
                self.error(f"{where}{key} is not accepted{near}")
            if inside and isinstance(value, Mapping):
                self.check_keys(value, f"{path}.")
            elif inside:
                names = dict.fromkeys(d.removeprefix(f"{path}.").split(".")[0] for d in below)
                told = "null" if value is None else repr(value)
                self.error(f"{path} is {told}; it must be a mapping with {', '.join(names)}")

    def _check_entries(self, value: Any, kind: Any, path: str) -> None:
        """Refuse an entry whose fields do not fit; of several kinds, jsonargparse names none."""
        entry = _entry_kind(kind)
        if entry is None or value is None:
            return
        hints = get_type_hints(entry)
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, Mapping) or not each:
                self.error(f"{path} holds {each!r}; it must be {wanted(entry)}")
            for name, inner in each.items():
                if name not in hints:
                    self.error(f"{path}.{name} is not accepted{nearest(str(name), hints)}")
                try:
                    typed(inner, hints[name], f"{path}.{name}")
                except ConfigError as error:
                    self.error(str(error))

    def instantiate(self, *args: Any, **kwargs: Any) -> Namespace:
        """As always, but what a part of ours refuses is told as it told it."""
        try:
            return super().instantiate(*args, **kwargs)
        except ValueError as error:
            if isinstance(error.__cause__, ModularClsError):
                raise error.__cause__ from None
            raise

    def _reworded(self, message: str) -> str:
        """What was wrong, where, and what would be right."""
        if wrong := re.search(r'Parser key "([\w.]+)":.*(?:Got|Given) value: (.*)', message, re.S):
            key, value = wrong.groups()
            kinds = [getattr(a, "_typehint", None) for a in self._actions if a.dest == key]
            if kinds and kinds[0] is not None and not re.search(r"\n|Namespace\(", value):
                hint = nearest(value, map(str, get_args(kinds[0])))
                return f"{key} is {value}; it must be {wanted(kinds[0])}{hint}"
        return message if "did you mean" in message else message + self._suggestion(message)

    def _suggestion(self, message: str) -> str:
        flags = list(chain.from_iterable(action.option_strings for action in self._actions))
        if wrong := re.search(r"unrecognized arguments: (--[\w.]+)", message):
            return nearest(wrong.group(1), flags)
        if wrong := re.search(r"Group '([\w.]+)' does not accept option '(\w+)'", message):
            group, key = wrong.groups()
            inside = [f.removeprefix(f"--{group}.") for f in flags if f.startswith(f"--{group}.")]
            return nearest(key, inside)
        if wrong := re.search(r"'([\w.]+)'", message.replace("<class ", "")):
            return nearest(wrong.group(1), [f.removeprefix("--") for f in flags])
        return ""


class ConfigFile(ActionConfigFile):
    """`--config FILE`: what the file stands on is applied first, the lowest before all others."""

    def __call__(
        self, parser: Any, cfg: Any, values: Any, option_string: str | None = None
    ) -> None:
        """Apply one file, or YAML in its place."""
        if not os.path.isfile(values):
            if isinstance(content := parse_yaml(values, "--config"), Mapping):
                parser.check_keys(content)
            super().__call__(parser, cfg, values, option_string)  # type: ignore[no-untyped-call]
            return
        for file in with_bases(values):
            parser.file = str(file)
            try:
                parser.check_keys(read_yaml(file))
                super().__call__(parser, cfg, parser.file, option_string)  # type: ignore[no-untyped-call]
            finally:
                parser.file = ""


def add_overwrite(parser: Parser) -> None:
    """The flag of every verb whose output may exist already."""
    explanation = "replace what is there, once the new is complete"
    parser.add_argument("--overwrite", action="store_true", help=explanation)


def typed(value: Any, kind: Any, where: str) -> Any:
    """A value as its annotation has it: a whole number where a number is asked for becomes one.

    Raises:
        ConfigError: If it is of another kind; `where` names it.
    """
    try:
        if value is None and not _allows_null(kind):
            raise ValueError
        return _value_parser(kind).parse_object({"value": value})["value"]
    except (ArgumentError, TypeError, ValueError):
        problem = f"{where} is {value!r}; it must be {wanted(kind)}{_nearest_of(kind, value)}"
        raise ConfigError(problem) from None


def wanted(kind: Any) -> str:
    """What an annotation asks for, in words."""
    inner = get_args(kind)
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, inner))}"
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(wanted(each) for each in inner)
    if get_origin(kind) is tuple and Ellipsis not in inner:
        return f"a list of {len(inner)}, each {wanted(inner[0])}"
    if isinstance(get_origin(kind), type) and issubclass(get_origin(kind), Mapping):
        of = f" of names to {wanted(inner[1])}" if inner[1] is not Any else ""
        return f"a mapping{of}"
    if isinstance(get_origin(kind), type) and issubclass(get_origin(kind), Sequence):
        return f"a list, each {wanted(inner[0])}"
    if isinstance(kind, type) and is_dataclass(kind):
        return f"a mapping with {', '.join(get_type_hints(kind))}"
    return _WORDS.get(kind, str(kind))


def null_where_none_may_be(values: Namespace, kind: type, where: str = "") -> Iterator[str]:
    """The keys of a parsed configuration that stand at null and may not; argparse lets all."""
    for name, hint in get_type_hints(kind).items():
        value, key = values.get(name), f"{where}.{name}".lstrip(".")
        if value is None and name in values and not _allows_null(hint):
            yield f"{key} is null; it must be {wanted(hint)}"
        elif isinstance(value, Namespace) and isinstance(hint, type) and is_dataclass(hint):
            yield from null_where_none_may_be(value, hint, key)


@cache
def _value_parser(kind: Any) -> ArgumentParser:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--value", type=kind)
    return parser


def _entry_kind(kind: Any) -> type | None:
    """The dataclass that stands in an annotation, in a list or beside null too."""
    if isinstance(kind, type) and is_dataclass(kind):
        return kind
    return next((found for each in get_args(kind) if (found := _entry_kind(each))), None)


def _allows_null(kind: Any) -> bool:
    return kind in (Any, None, NoneType) or NoneType in get_args(kind)


def _nearest_of(kind: Any, value: Any) -> str:
    """The nearest of the words that an annotation lists."""
    known = get_args(kind)
    if get_origin(kind) is list and isinstance(value, list):
        wrong = [each for each in value if each not in get_args(known[0])]
        return _nearest_of(known[0], wrong[0]) if wrong else ""
    return nearest(str(value), map(str, known)) if get_origin(kind) is Literal else ""
