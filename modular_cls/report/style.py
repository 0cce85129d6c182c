"""How each method looks in every figure: readable in black and white, and for colour-blind eyes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modular_cls.report.comparison import Comparison

# Okabe and Ito.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES: tuple[str | tuple[int, tuple[int, ...]], ...] = (
    "-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (3, 1)),
)  # fmt: skip
HATCHES = ("", "///", "...", "\\\\\\", "xxx", "ooo", "+++")
# The methods of the main comparisons, each with its place in these: it looks alike in all figures.
_OWN = (
    "modular", "flat", "additive_learned", "flat_logit_adjusted", "flat_retrained",
    "additive_extrapolated", "product_corrected",
)  # fmt: skip
_GREY, _INK = "#b8b8b8", "#505050"
_EMPHASISED = 6


@dataclass(frozen=True)
class Style:
    """Colour, marker, line and filling of one method; `strong` is off for those in the background.

    `shift` moves its points aside, so that intervals do not hide each other.
    """

    colour: str
    marker: str
    line: str | tuple[int, tuple[int, ...]]
    hatch: str
    strong: bool
    shift: float = 0.0

    @property
    def ink(self) -> str:
        """Colour of the marker, darker than a line in the background."""
        return self.colour if self.strong else _INK


def styles(comparison: Comparison) -> dict[str, Style]:
    """A style per method. Of more than seven, six stand out.

    The others are grey, told apart by letters.
    """
    methods = comparison.methods
    strong = methods if len(methods) <= len(COLOURS) else _emphasised(comparison)
    strong_styles = {
        method: Style(COLOURS[i], MARKERS[i], LINES[i], HATCHES[i], True)
        for method, i in _places(strong).items()
    }
    weak = [m for m in methods if m not in strong_styles]
    return strong_styles | {m: Style(_GREY, _letter(i), "-", "", False) for i, m in enumerate(weak)}


def _places(methods: Sequence[str]) -> dict[str, int]:
    """Each method's place among the looks: its own, or one that none of the others has."""
    free = (i for i, owner in enumerate(_OWN) if owner not in methods)
    return {m: _OWN.index(m) if m in _OWN else next(free) for m in methods}


def _emphasised(comparison: Comparison) -> Sequence[str]:
    """The methods to show in colour.

    The reference, plain `flat`, the best flat method at each number kept, then the first others.
    """
    flats = ["flat"] if "flat" in comparison.flats else []
    best = (comparison.best(comparison.flats, str(n)) for n in comparison.numbers)
    first = [comparison.reference] if comparison.reference else []
    return _distinct([*first, *flats, *(b for b in best if b), *comparison.methods])[:_EMPHASISED]


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _letter(i: int) -> str:
    return rf"$\mathbf{{{'abcdefghijklmnopqrstuvwxyz'[i % 26]}{'' if i < 26 else i // 26}}}$"
