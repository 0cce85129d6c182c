"""What can be said of a table on the command line."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from columns import OneHot, Plain, Tags
from converter import command_line, path_argument
from given_splits import split_argument
from splits import add_draw

from modular_cls.data.manifest import SPLIT_NAMES
from modular_cls.data.table_cells import UNKNOWN_WORDS
from modular_cls.data.text_table import SEPARATORS

_TABS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}
_SPLIT = "a column of the split, or one split for all rows; default: drawn"


class _Once(argparse.Action):
    """Collect pairs into a dictionary; a key that is given again is an error."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: Any = None) -> None:
        entries = dict(getattr(namespace, self.dest) or {})
        for key, value in values if isinstance(values, list) else [values]:
            if key in entries:
                named = key if isinstance(key, str) else ":".join(key)
                raise argparse.ArgumentError(self, f"{named!r} is given twice")
            entries[key] = value
        setattr(namespace, self.dest, entries)


def table_parser() -> argparse.ArgumentParser:
    """The command line of table.py."""
    parser = command_line(
        "Any table of pictures and labels -> a manifest.", also=False, source=None
    )
    parser.add_argument(
        "table",
        type=_table,
        nargs="+",
        metavar="[SPLIT=]FILE",
        help="the table; or several, each the rows of one split",
    )
    parser.add_argument("--path", default="path", help="column of the picture's path")
    parser.add_argument("--folder", default="", help="a folder to put before each path")
    parser.add_argument("--suffix", default="", help="an ending to put behind each path")
    _add_labels(parser)
    parser.add_argument("--split", help=_SPLIT)
    parser.add_argument(
        "--split-values",
        nargs="+",
        action=_Once,
        default={},
        type=split_argument,
        metavar="CODE=SPLIT",
        help="what the split column's codes mean",
    )
    parser.add_argument(
        "--split-file",
        type=path_argument,
        metavar="FILE",
        help="a second table, which the split is in",
    )
    parser.add_argument("--group", help="rows alike in this column stay in one split")
    add_draw(parser, validation=0)
    parser.add_argument("--separator", type=_separator, help="between fields; default: found out")
    parser.add_argument("--encoding", help="of the tables; default: found out")
    parser.add_argument("--no-pictures", action="store_true", help="they may all be missing")
    return parser


def _add_labels(parser: argparse.ArgumentParser) -> None:
    def add(flag: str, dest: str, read: Callable[[str], Any], metavar: str, about: str) -> None:
        parser.add_argument(
            flag,
            dest=dest,
            type=_named(flag, read),
            action=_Once,
            default={},
            metavar=metavar,
            help=about,
        )

    add("--attribute", "labels", _attribute, "NAME=COLUMN", "an attribute and its column; repeat")
    add("--one-hot", "labels", _one_hot, "NAME=COLUMN,COLUMN", "columns of 0 and 1 for its values")
    add("--tags", "labels", _tags, "NAME=COLUMN:TAG,TAG", "its values are tags in one column")
    add("--bins", "bins", _bins, "NAME=NUMBER,NUMBER", "put numbers into bins with these edges")
    add("--value", "value", _value, "NAME:OLD=NEW", "rename a value; others become unknown")
    parser.add_argument(
        "--unknown",
        nargs="*",
        default=list(UNKNOWN_WORDS),
        metavar="WORD",
        help="words that mean unknown, as a blank cell does",
    )


def _named(flag: str, read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Let complaints name the flag's form."""

    def checked(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{error}, found {text!r}") from None

    return checked


def _pair(text: str, form: str, between: str = "=", blank: bool = False) -> tuple[str, str]:
    left, separator, right = text.partition(between)
    if not separator or not left.strip() or not (right.strip() or blank):
        raise ValueError(f"must be written {form}")
    return left.strip(), right.strip()


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


def _attribute(text: str) -> tuple[str, Plain]:
    name, column = _pair(text, "A=B")
    return name, Plain(column)


def _one_hot(text: str) -> tuple[str, OneHot]:
    name, columns = _pair(text, "A=B,C")
    return name, OneHot(_words(columns))


def _tags(text: str) -> tuple[str, Tags]:
    name, rest = _pair(text, "A=B:C,D")
    column, words = _pair(rest, "A=B:C,D", ":")
    return name, Tags(column, _words(words))


def _bins(text: str) -> tuple[str, tuple[float, ...]]:
    name, edges = _pair(text, "A=1,2")
    try:
        return name, tuple(float(edge) for edge in edges.split(","))
    except ValueError:
        raise ValueError("must be written A=1,2 with numbers") from None


def _value(text: str) -> tuple[tuple[str, str], str]:
    left, equals, new = text.rpartition("=")  # a value may hold one, as >=30
    if not equals:
        raise ValueError("must be written A:B=C")
    name, old = _pair(left, "A:B=C", ":", blank=True)  # blank: what a blank cell means
    return (name, old), new.strip()


def _separator(text: str) -> str:
    character = _TABS.get(text, text)
    if len(character) != 1:
        accepted = (
            f"one character, or {', '.join(_TABS)} (found by itself: {len(SEPARATORS)} kinds)"
        )
        raise argparse.ArgumentTypeError(f"accepted: {accepted}; found {text!r}")
    return character


def _table(text: str) -> tuple[str, Path]:
    """A file, and the split that is written before it, if one is."""
    word, equals, file = text.partition("=")
    if equals and word.casefold() in SPLIT_NAMES and not Path(text).exists():
        return SPLIT_NAMES[word.casefold()], path_argument(file)
    return "", path_argument(text)
