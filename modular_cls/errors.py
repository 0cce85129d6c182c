"""What can be wrong with what a user gives, as named errors, and how to word them."""

import difflib
from collections.abc import Iterable, Sequence

_SHOWN_PROBLEMS = 20
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
    """A manifest that cannot be used; the message lists every problem found (up to 20)."""

    def __init__(self, where: object, problems: Sequence[str]) -> None:
        shown = "".join(f"\n  {p}" for p in problems[:_SHOWN_PROBLEMS])
        more = len(problems) - _SHOWN_PROBLEMS
        super().__init__(f"{where}:{shown}" + (f"\n  ... and {more} more" if more > 0 else ""))


class ImageError(ModularClsError):
    """A picture that is missing, truncated, too large or not a picture."""


class DepthError(ImageError):
    """A picture of more than 8 bits whose black and white are not known."""


class OutputExistsError(ModularClsError):
    """An output that is there already and may not be replaced."""


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
        found = difflib.get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.5)
        match = [folded[k] for k in found]
    return f"; did you mean {match[0]!r}?" if match else ""


def unknown(kind: str, name: object, known: Iterable[str], where: str = "") -> str:
    """Word an error about a name that does not exist: what came, what is accepted, the nearest."""
    known = list(known)
    place = f" {where}" if where else ""
    return (
        f"unknown {kind} {name!r}{place}; accepted: "
        f"{', '.join(map(str, known))}{nearest(str(name), known)}"
    )
