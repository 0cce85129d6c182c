"""Cues of the drawn faces: what tells hair and gender, and what does not."""

import itertools
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from modular_cls.data.faces.cues import (
    BEARDED,
    GENDER_CUES,
    HAIR_CUES,
    INTERACTION,
    NUISANCES,
    RIM,
    TINT,
    WEARS_GLASSES,
    draw_cues,
)

DRAWS = 3000  # per joint class; a mean is known to 0.02, a correlation to 0.02
FAR = 0.12
HAIR = ("short", "medium", "long")
GENDER = ("female", "male")
STRENGTHS = (("hair", HAIR_CUES), ("gender", GENDER_CUES))


@pytest.fixture(scope="module", params=[0.0, 1.0])
def cues(request):
    """The interaction, and by (hair, gender) the cues as arrays of shape (DRAWS, cues)."""
    rng = np.random.default_rng(0)
    drawn = {}
    for hair, gender in itertools.product(HAIR, GENDER):
        faces = [
            draw_cues({"hair": hair, "gender": gender}, rng, request.param) for _ in range(DRAWS)
        ]
        drawn[hair, gender] = {
            k: np.array([list(getattr(f, k).values()) for f in faces])
            for k in ("hair", "gender", "nuisance", "glasses")
        }
    return request.param, drawn


def test_the_constants_are_frozen():
    assert HAIR_CUES == {"length": 2.6, "volume": 0.8, "fringe": 0.5, "wave": 0.7, "front": 0.6}
    assert GENDER_CUES == {
        "jaw": 1.1, "chin": 0.6, "brow_weight": 1.1, "brow_height": -0.8, "lip_fullness": -0.9,
        "lip_colour": -1.1, "lashes": -1.0, "neck": 1.0, "shoulders": 1.1,
    }  # fmt: skip
    assert (BEARDED, INTERACTION, len(NUISANCES)) == (0.45, 0.45, 37)
    assert (WEARS_GLASSES, RIM, TINT) == (0.2, (0.3, 1.7), (0.0, 0.5))


def test_within_a_class_hair_and_gender_are_uncorrelated(cues):
    for (_, gender), drawn in cues[1].items():
        values = (
            drawn["gender"] if gender == "male" else drawn["gender"][:, :-1]
        )  # no woman has a beard
        both = np.corrcoef(drawn["hair"], values, rowvar=False)
        n = drawn["hair"].shape[1]
        assert np.abs(both[:n, n:]).max() < FAR


def test_interaction_moves_the_means_of_the_other_cues(cues):
    """Each label weakens the other's cues where both have one sense; medium hair has none and is not moved."""
    interaction, drawn = cues
    for kind, strengths in STRENGTHS:
        mean = {cell: values[kind].mean(axis=0)[: len(strengths)] for cell, values in drawn.items()}
        for own in HAIR if kind == "hair" else GENDER:
            minus, plus = (
                [mean[own, g] for g in GENDER]
                if kind == "hair"
                else [mean[h, own] for h in HAIR[::2]]
            )
            moved = (plus - minus) * np.sign(list(strengths.values()))
            if interaction == 0 or own == "medium":
                assert np.abs(moved).max() < FAR
            else:
                assert (moved * (-1 if own in ("long", "male") else 1) > 0.25).all()
    for gender in GENDER:  # what medium hair does to the cues of gender is what no coupling does
        between = (drawn["short", gender]["gender"] + drawn["long", gender]["gender"]).mean(
            axis=0
        ) / 2
        assert np.abs(drawn["medium", gender]["gender"].mean(axis=0) - between).max() < FAR


def test_labels_move_their_own_cues(cues):
    _, drawn = cues
    for kind, strengths, minus, plus in (
        ("hair", HAIR_CUES, ("short", "female"), ("long", "female")),
        ("gender", GENDER_CUES, ("short", "female"), ("short", "male")),
    ):
        moved = (drawn[plus][kind] - drawn[minus][kind]).mean(axis=0)[: len(strengths)]
        assert (moved * np.sign(list(strengths.values())) > 0.5).all()


def test_medium_hair_is_half_way_and_no_single_cue_settles_it(cues):
    for gender in GENDER:
        short, medium, long = (cues[1][hair, gender]["hair"] for hair in HAIR)
        half_way = (short.mean(axis=0) + long.mean(axis=0)) / 2
        assert np.abs(medium.mean(axis=0) - half_way).max() < FAR
        for other in (short, long):
            # The errors of the best threshold on one cue, for two normal distributions of spread 1.
            apart = np.abs(medium.mean(axis=0) - other.mean(axis=0))
            errors = [NormalDist().cdf(-d / 2) for d in apart]
            assert min(errors) > 0.025 if cues[0] else min(errors) > 0.08


def test_nuisances_know_no_label(cues):
    for drawn in cues[1].values():
        assert np.abs(drawn["nuisance"].mean(axis=0) - 0.5).max() < 0.03
        assert (drawn["nuisance"] >= 0).all()
        assert (drawn["nuisance"] < 1).all()


def test_only_men_have_beards(cues):
    for (_, gender), drawn in cues[1].items():
        share = (drawn["gender"][:, -1] > 0).mean()
        assert abs(share - (BEARDED if gender == "male" else 0)) < 0.05 * (gender == "male") + 1e-9


def test_glasses_that_are_no_attribute_are_worn_by_every_fifth_face(cues):
    for drawn in cues[1].values():
        rim, tint = drawn["glasses"].T
        assert set(rim) == {0.0, 1.0}
        assert abs(rim.mean() - WEARS_GLASSES) < 0.03
        assert not tint.any()


def test_a_label_of_glasses_decides_glasses_and_nothing_else():
    worn = []
    for seed in range(500):
        labels = {"hair": HAIR[seed % 3], "gender": GENDER[seed % 2]}
        plain = draw_cues(labels, np.random.default_rng(seed))
        for label in ("no", "yes"):
            face = draw_cues(labels | {"glasses": label}, np.random.default_rng(seed))
            assert replace(face, glasses=plain.glasses) == plain
            assert (face.glasses["rim"] > 0) == (label == "yes")
        worn.append(
            (*face.glasses.values(), *face.hair.values(), *(face.gender[k] for k in GENDER_CUES))
        )
    for (low, high), drawn in zip((RIM, TINT), np.array(worn).T, strict=False):
        assert low <= drawn.min() < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < drawn.max() <= high
    related = np.corrcoef(np.array(worn), rowvar=False)[:2] - np.eye(2, len(worn[0]))
    assert np.abs(related).max() < 4 / np.sqrt(len(worn))
