"""Schemas for tests: the faces, and any other."""

import itertools

from hypothesis import strategies as st

from modular_cls.schema import RESERVED

# No "_" or "#": default class names are joined by "_", the given ones below start with "#".
WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="_#"), min_size=1, max_size=6
)
NAMES = WORDS.filter(str.strip)
FACES = {
    "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
    "composites": {"hair_gender": {"attributes": ["hair", "gender"]}},
}


@st.composite
def specs(draw):
    names = draw(
        st.lists(
            NAMES.filter(lambda n: "*" not in n and n not in RESERVED),
            min_size=2,
            max_size=7,
            unique_by=lambda n: n.strip().casefold(),
        )
    )
    cut = draw(st.integers(1, len(names) - 1))
    attributes = {
        n: draw(st.lists(WORDS, min_size=2, max_size=4, unique=True)) for n in names[:cut]
    }
    composites = {}
    for name in names[cut:]:
        chosen = draw(st.lists(st.sampled_from(names[:cut]), min_size=1, max_size=3, unique=True))
        composites[name] = {"attributes": chosen}
        cells = list(itertools.product(*(attributes[a] for a in chosen)))
        if named := draw(st.lists(st.sampled_from(cells), max_size=3, unique=True)):
            composites[name]["names"] = {
                f"#{i}": dict(zip(chosen, cell, strict=True)) for i, cell in enumerate(named)
            }
    return {"attributes": attributes, "composites": composites}


def changed(**blocks):
    return FACES | blocks
