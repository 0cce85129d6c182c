"""What can be wrong with what a user gives, as named errors, and how to word them."""

import difflib
import re
from collections.abc import Iterable, Sequence

_SHOWN_PROBLEMS, _SHOWN_ROWS = 20, 5
_ROW = re.compile(r"row (\d+)\b")
_OF_PICTURE = re.compile(r"row \d+, (?:column path: '[^']*'|(?!column )[^:]*[./\\][^:]*:)")
_OF_ROW = re.compile(r"^row \d+, ")
_SHOWN_NAMES = 20


class ModularClsError(ValueError):
    """Something the user gave does not fit; the message says what, where, and what would."""


class SchemaError(ModularClsError):
    """A schema, or a name looked up in one, that does not fit."""


class ConfigError(ModularClsError):
    """A configuration value that cannot be used."""


class UndefinedError(ConfigError):
    """A method that has no meaning on these data, as class weights of a class without images."""


class DivergedError(ModularClsError):
    """A training whose numbers are not finite any more."""


class ManifestError(ModularClsError):
    """A manifest that cannot be used; the message lists every problem found (up to 20).

    Attributes:
        problems: All of them, in words.
    """

    def __init__(self, where: object, problems: Sequence[str]) -> None:
        self.where, self.problems = where, list(problems)
        shown = "".join(f"\n  {p}" for p in self.problems[:_SHOWN_PROBLEMS])
        more = len(self.problems) - _SHOWN_PROBLEMS
        super().__init__(f"{where}:{shown}" + (f"\n  ... and {more} more" if more > 0 else ""))

    def __reduce__(self) -> tuple[type, tuple[object, list[str]]]:
        """As other processes get it: made anew of what it was made of."""
        return ManifestError, (self.where, self.problems)


class ImageError(ModularClsError):
    """A picture that is missing, truncated, too large or not a picture."""


class DepthError(ImageError):
    """A picture of more than 8 bits whose black and white are not known."""


class OutputExistsError(ModularClsError):
    """An output that is there already and may not be replaced."""


def require(fits: bool, name: str, value: object, accepted: str) -> None:
    """Raise ConfigError if the value of an argument is out of its range.

    Args:
        fits: Whether it is in; a comparison with NaN says no.
        name: Of the argument, with where it stands.
        value: What came.
        accepted: What would be right, as `at least 0`.
    """
    if not fits:
        raise ConfigError(f"{name} is {value!r}; it must be {accepted}")


def group_alike(problems: Iterable[str]) -> list[str]:
    """Problems that differ only in row and picture become one: the first, and how many others.

    Args:
        problems: In words, `row 7, column hair: ...` or `row 7, folder/picture.png: ...`.
    """
    groups: dict[str, list[str]] = {}
    for problem in problems:
        groups.setdefault(_kind_of(problem), []).append(problem)
    return [first + _others(rest) for first, *rest in groups.values()]


def _kind_of(problem: str) -> str:
    """A problem without what tells rows apart: numbers count only among a column's values."""
    if picture := _OF_PICTURE.match(problem):
        return re.sub(r"\d+", "", problem[picture.end() :])
    return _OF_ROW.sub("", problem)


def _others(rest: Sequence[str]) -> str:
    rows = [row.group(1) for problem in rest if (row := _ROW.match(problem))]
    first = f": rows {', '.join(rows[:_SHOWN_ROWS])}" if rows else ""
    more = " ..." if len(rows) > _SHOWN_ROWS else ""
    return f" (and {len(rest):,} more like it{first}{more})" if rest else ""


def shortened(names: Sequence[str], where: str = "") -> str:
    """Names with commas between; of many the first, and how many more there are (`where`)."""
    more = len(names) - _SHOWN_NAMES
    place = f" ({where})" if where else ""
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {more:,} more{place}" if more > 0 else "")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the closest of `known`, or an empty string."""
    exact = [str(k) for k in known]
    match = difflib.get_close_matches(str(name), exact, n=1, cutoff=0.5)
    if not match:  # by case alone they may differ in every letter
        folded = {k.casefold(): k for k in reversed(exact)}
        folds = difflib.get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.5)
        match = [folded[k] for k in folds]
    return f"; did you mean {match[0]!r}?" if match else ""


def unknown(kind: str, name: object, known: Iterable[str], where: str = "") -> str:
    """Word an error about a name that does not exist: what came, what is accepted, the nearest."""
    known = list(known)
    place = f" {where}" if where else ""
    return (
        f"unknown {kind} {name!r}{place}; accepted: "
        f"{', '.join(map(str, known))}{nearest(str(name), known)}"
    )
