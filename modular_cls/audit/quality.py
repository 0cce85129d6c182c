"""What is wrong with pictures one by one."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from modular_cls.audit.findings import SHOWN, Finding, Level, cited
from modular_cls.audit.inspection import Picture
from modular_cls.data.fitting import Fit, is_far
from modular_cls.data.manifest import Manifest
from modular_cls.errors import group_alike

_LEAST = 16  # pixels; below, a picture shows next to nothing
# Standard deviation of all colour values, out of 255, below which a picture shows one colour.
_EVEN = 2.0


def judge_pictures(
    manifest: Manifest,
    positions: np.ndarray,
    pictures: Sequence[Picture],
    size: tuple[int, int],
    fit: Fit = "squash",
) -> Iterator[Finding]:
    """Judge pictures one by one.

    Args:
        manifest: The table.
        positions: Their rows, shape (n,).
        pictures: What was seen of them, in the same order.
        size: (height, width) that training resizes to.
        fit: How it does so to pictures of another shape.
    """
    least = (max(_LEAST, size[1] / 2), max(_LEAST, size[0] / 2))
    facts = [[*_facts(p, least), *_shaped(p, size, fit)] for p in pictures]
    for level, name, what, advice in _KINDS:
        which = [i for i, kinds in enumerate(facts) if name in kinds]
        if which:
            where = positions[which]
            named = _worded(name, manifest, where, [pictures[i] for i in which])
            what = what.format(least=f"{least[0]:g} x {least[1]:g}", size=f"{size[1]} x {size[0]}")
            yield Finding(
                level,
                name,
                len(which),
                f"pictures {what}",
                advice,
                named,
                manifest.rows[where].tolist(),
                kinds=group_alike(pictures[i].problem for i in which if pictures[i].problem),
            )


def is_even(picture: Picture) -> bool:
    """Whether a picture shows one colour only, and so looks like every other that does."""
    return picture.look is not None and float(picture.look.std(axis=(0, 1)).max()) < _EVEN


_KINDS: tuple[tuple[Level, str, str, str], ...] = (
    ("error", "unreadable", "that cannot be read", "replace them or drop their rows"),
    (
        "error",
        "oversized",
        "too large to be unpacked safely",
        "save them smaller, or drop their rows",
    ),
    (
        "error",
        "unscaled",
        "of more than 8 bits that do not say which values are black and white",
        "give them for all: data.range",
    ),
    (
        "warning",
        "tiny",
        "smaller than {least} pixels: blown up to what training sees, they show little",
        "use larger originals",
    ),
    (
        "warning",
        "squashed",
        "far from the shape that training sees, {size}: stretched more than 1.5 times",
        "keep their proportions (data.fit: pad, or crop), or give data.image_size their shape",
    ),
    (
        "warning",
        "cropped",
        "of which data.fit: crop leaves less than two thirds, to the shape {size}",
        "data.fit: pad, or data.image_size of their shape; or see that the middle is what counts",
    ),
    (
        "note",
        "padded",
        "that fill less than two thirds of {size}: data.fit: pad makes the rest grey",
        "give data.image_size their shape",
    ),
    (
        "warning",
        "one_colour",
        "of one colour and nothing else",
        "look at them; drop their rows if they are broken",
    ),
    (
        "warning",
        "animated",
        "of several frames: the first is taken",
        "save the frame that the labels are about",
    ),
    (
        "note",
        "not_rgb",
        "with grey, palette, transparent or CMYK pixels: turned into RGB, on white",
        "",
    ),
    ("note", "sixteen_bit", "of 16 bits a pixel: scaled to 8", ""),
    ("note", "turned", "that EXIF turns or mirrors: set upright", ""),
)


def _facts(picture: Picture, least: tuple[float, float]) -> list[str]:
    """Which kinds a picture is of."""
    if picture.problem:
        kind = "unscaled" if picture.unscaled else "unreadable"
        return ["oversized" if picture.oversized else kind]
    deep = picture.mode.startswith("I")
    return [
        name
        for name, holds in (
            ("tiny", picture.size[0] < least[0] or picture.size[1] < least[1]),
            ("one_colour", is_even(picture)),
            ("animated", picture.frames),
            ("not_rgb", picture.mode != "RGB" and not deep),
            ("sixteen_bit", deep),
            ("turned", picture.turned),
        )
        if holds
    ]


def _shaped(picture: Picture, size: tuple[int, int], fit: Fit) -> list[str]:
    """What becomes of a picture whose shape is far from what training sees."""
    if picture.problem or not is_far(picture.size, size):
        return []
    return [{"squash": "squashed", "crop": "cropped", "pad": "padded"}[fit]]


def _worded(
    name: str, manifest: Manifest, where: np.ndarray, pictures: Sequence[Picture]
) -> list[str]:
    """The examples of one kind, each with the fact that makes it one; of modes, each once."""
    if name in ("unreadable", "oversized", "unscaled"):
        return [p.problem for p in pictures[:SHOWN]]
    if name == "not_rgb":
        modes = [p.mode for p in pictures]
        first = {
            mode: cited(manifest, [where[modes.index(mode)]])[0] for mode in dict.fromkeys(modes)
        }
        return [
            f"{mode}: {n:,} pictures, the first is {first[mode]}"
            for mode, n in Counter(modes).most_common()
        ]
    shaped = name in ("tiny", "squashed", "cropped", "padded")
    sizes = [f": {p.size[0]} x {p.size[1]}" if shaped else "" for p in pictures[:SHOWN]]
    return [text + size for text, size in zip(cited(manifest, where), sizes, strict=True)]
