"""What a cell of a table means: which spellings are one value, which words say 'unknown'.

Numbers are compared as numbers, so that 0, 0.0 and False are one value, and 1, 1.00 and TRUE.
Texts that differ in case, blanks and hyphens only are different values that look alike: nobody
means that, so it is an error wherever a table is read.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal

from modular_cls.errors import SchemaError

# Compared without case. 'none' is not among them: it may be a value (no beard), and is told.
UNKNOWN_WORDS = ("nan", "na", "n/a", "#n/a", "null", "unknown", "unk", "missing", "?", "-")
_TRUTH = {"true": "1", "false": "0"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,4})?", re.ASCII)
_YES_NO = {"yes": "1", "y": "1", "no": "0", "n": "0"}


def meaning(cell: str) -> str:
    """What a cell says; equal for spellings of one value.

    >>> [meaning(cell) for cell in ("0.0", " 0", "False", "1e0", "TRUE", "1", " long  hair")]
    ['0', '0', '0', '1', '1', '1', 'long hair']
    """
    text = " ".join(_visible(cell).split())
    low = text.casefold()
    if low in _TRUTH:
        return _TRUTH[low]
    if _NUMBER.fullmatch(low):
        number = Decimal(low).normalize()
        return str(number if number else abs(number))  # -0 is 0
    return text


def likeness(cell: str) -> str:
    """What a cell looks like: equal for values that nobody tells apart.

    >>> [likeness(cell) for cell in ("Long-Hair", "long hair", "LONG_hair", "Yes", "1", "1-2")]
    ['longhair', 'longhair', 'longhair', '1', '1', '1-2']
    """
    text = unicodedata.normalize("NFKC", meaning(cell)).casefold()
    text = "".join(text.split())
    if any(c.isalpha() for c in text):
        text = re.sub("[_-]", "", text) or text
    return _YES_NO.get(text, text)


def alike(values: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of different values that look alike: the first of a kind, and another."""
    first: dict[str, str] = {}
    pairs = [(first.setdefault(likeness(v), v), v) for v in values]
    return [(a, b) for a, b in pairs if meaning(a) != meaning(b)]


def index_of(cell: str, values: Sequence[str]) -> int | None:
    """Which of some values a cell is: by its text, or else by what it means; None for neither."""
    if cell in values:
        return values.index(cell)
    said = meaning(cell)
    return next((i for i, value in enumerate(values) if meaning(value) == said), None)


def check_distinct(name: str, values: Sequence[str]) -> None:
    """Raise SchemaError where two values of an attribute mean the same, as 0 and 0.0 do."""
    first: dict[str, str] = {}
    for value in values:
        other = first.setdefault(meaning(value), value)
        if other != value:
            problem = f"values {other!r} and {value!r} of attribute {name!r} mean the same"
            raise SchemaError(f"{problem} in a table; keep one of them")


def is_unknown(cell: str, words: Iterable[str] = UNKNOWN_WORDS) -> bool:
    """Whether a cell is blank or one of the words for 'unknown'."""
    text = re.sub("^[-\N{EN DASH}\N{EM DASH}]+$", "-", meaning(cell))
    return not text or text.casefold() in {meaning(w).casefold() for w in words}


def _visible(text: str) -> str:
    """Without characters of no width, composed alike."""
    text = unicodedata.normalize("NFC", text)
    return text if text.isascii() else "".join(c for c in text if unicodedata.category(c) != "Cf")
