"""What a drawn face shows: the cues of each attribute, and the nuisances that belong to none.

Stands at the very start of the line: labels -> **cues** -> picture. Every cue is a number around 0
with spread 1 whose mean is moved by its attribute's label and by nothing else, so that, given the
labels, the cues of hair and of gender are independent: `p(x | z)` is the additive energy that
composition assumes. No cue alone settles a label; together they nearly do. Glasses, where they are
an attribute, are there or not; a faint pair is hardly seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Cues = dict[str, float]

# Which way a label moves its cues: medium hair lies half-way.
SIGNS = {"short": -1.0, "medium": 0.0, "long": 1.0, "female": -1.0, "male": 1.0}
# How far it moves the mean of a cue, in standard deviations. Fixed before any method was compared;
# tests/data/faces/test_cues.py freezes them.
HAIR_CUES = {"length": 2.6, "volume": 0.8, "fringe": 0.5, "wave": 0.7, "front": 0.6}
GENDER_CUES = {
    "jaw": 1.1, "chin": 0.6, "brow_weight": 1.1, "brow_height": -0.8, "lip_fullness": -0.9,
    "lip_colour": -1.1, "lashes": -1.0, "neck": 1.0, "shoulders": 1.1,
}  # fmt: skip
BEARDED = 0.45  # share of men with any beard; no woman has one
WEARS_GLASSES = 0.2  # share of faces with glasses where they are no attribute
RIM, TINT = (0.3, 1.7), (0.0, 0.5)  # ranges of the cues of glasses where they are one
INTERACTION = 0.45  # how much of a cue the other attribute takes away or adds at interaction = 1


@dataclass(frozen=True)
class Face:
    """Everything that decides one picture, before it has a size.

    Attributes:
        hair: Cue values by name (see `HAIR_CUES`), clipped to [-3.5, 3.5].
        gender: Cue values by name (see `GENDER_CUES`), and `beard`: darkness in [0, 1], 0 for none.
        nuisance: Unit-interval draws by name, independent of all labels.
        glasses: `rim`, 0 for no glasses, faint below 1, thick above it; and `tint`, the opacity of
            the lenses.
    """

    hair: Cues
    gender: Cues
    nuisance: Cues
    glasses: Cues


NUISANCES = (
    "skin",
    "skin_tint",
    "hair_hue",
    "hair_light",
    "dyed",
    "dye",
    "back_r",
    "back_g",
    "back_b",
    "back_shift",
    "cloth_r",
    "cloth_g",
    "cloth_b",
    "roll",
    "turn",
    "zoom",
    "shift_x",
    "shift_y",
    "gaze",
    "eye_hue",
    "smile",
    "nose",
    "glasses",
    "glasses_shape",
    "hat",
    "hat_r",
    "hat_g",
    "hat_b",
    "light_side",
    "light_up",
    "exposure",
    "blur",
    "noise",
    "parting",
    "blob",
    "blob_x",
    "blob_y",
)


def draw_cues(
    labels: Mapping[str, str], rng: np.random.Generator, interaction: float = 0.0
) -> Face:
    """Draw the cues of one face with the given labels.

    Args:
        labels: `hair` (short, medium or long), `gender` (female or male) and, where glasses are an
            attribute, `glasses` (no or yes); without it every fifth face wears some.
        rng: Source of every random number of the face.
        interaction: 0 keeps the sets of cues independent given the labels. At 1 the labels of hair
            and gender each weaken the other's cues where both are "plus" or both "minus" in sense
            (a man's long hair is drawn shorter, a long-haired face softer) and strengthen them
            elsewhere, which breaks the additive assumption on purpose; medium hair does neither.
    """
    hair_sign, gender_sign = SIGNS[labels["hair"]], SIGNS[labels["gender"]]
    coupling = interaction * INTERACTION * hair_sign * gender_sign
    hair = _cues(HAIR_CUES, hair_sign - coupling, rng)
    gender = _cues(GENDER_CUES, gender_sign - coupling, rng)
    bearded, darkness = rng.random(2)
    gender["beard"] = (0.25 + 0.75 * darkness) if gender_sign > 0 and bearded < BEARDED else 0.0
    nuisance = dict(zip(NUISANCES, rng.random(len(NUISANCES)).tolist(), strict=True))
    return Face(hair, gender, nuisance, _glasses(labels.get("glasses"), nuisance, rng))


def _glasses(label: str | None, nuisance: Cues, rng: np.random.Generator) -> Cues:
    if label is None:  # draws nothing, so that faces without this label stay what they were
        return {"rim": float(nuisance["glasses"] < WEARS_GLASSES), "tint": 0.0}
    rim, tint = rng.uniform(*RIM), rng.uniform(*TINT)
    return {"rim": rim, "tint": tint} if label == "yes" else {"rim": 0.0, "tint": 0.0}


def _cues(strength: Cues, sign: float, rng: np.random.Generator) -> Cues:
    values = rng.standard_normal(len(strength)) + sign * np.array(list(strength.values()))
    return dict(zip(strength, np.clip(values, -3.5, 3.5).tolist(), strict=True))
