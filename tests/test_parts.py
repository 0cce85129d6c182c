"""Every public part: who gives which argument, and that a wrong value is refused by name."""

import inspect
import re
from types import ModuleType
from typing import get_type_hints

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from modular_cls import criteria, finish, models
from modular_cls.arguments import typed
from modular_cls.criteria import Criterion, JointLikelihood
from modular_cls.errors import ConfigError
from modular_cls.finish import FinishStep
from modular_cls.models import JointClassifier, heads
from modular_cls.parts import build_part, offered_classes, user_arguments
from modular_cls.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        "composites": {"both": {"attributes": ["hair", "gender"]}},
    }
)
COUNTS = {"both": torch.tensor([4, 3, 2, 1])}
SEAMS = {  # where a part may be, with what the program offers there
    "model": (models, JointClassifier, {"schema": SCHEMA, "backbone": 3}),
    "model.composite": (heads, heads.CompositeHead, {"joint": SCHEMA.joints[0]}),
    "criterion": (criteria, Criterion, {"schema": SCHEMA, "counts": COUNTS, "observed": None}),
    "finish": (finish, FinishStep, {}),
}
PARTS = [
    (seam, name) for seam, (module, base, _) in SEAMS.items() for name in offered_classes(module, base)
]  # fmt: skip
ARGUMENTS = [
    (seam, name, key)
    for seam, name in PARTS
    for key in user_arguments(getattr(SEAMS[seam][0], name))
]


def build(seam, part):
    module, base, offered = SEAMS[seam]
    return build_part(part, module, base, seam)(**offered)


@pytest.mark.parametrize(("seam", "name"), PARTS)
def test_a_part_is_built_of_what_is_offered_and_takes_nothing_of_it_from_the_user(seam, name):
    cls = getattr(SEAMS[seam][0], name)
    assert isinstance(build(seam, name), cls)
    theirs = set(inspect.signature(cls).parameters) - set(user_arguments(cls))
    assert theirs <= set(SEAMS[seam][2])
    for key in theirs:
        with pytest.raises(ConfigError, match=f"unknown key '{key}'"):
            build(seam, {"name": name, key: 1})


@pytest.mark.parametrize(("seam", "name", "key"), ARGUMENTS)
@pytest.mark.parametrize("wrong", ["some words", [["x"]], float("nan"), -7.5])
def test_no_argument_takes_a_value_of_another_kind_or_out_of_range(seam, name, key, wrong):
    kind = get_type_hints(getattr(SEAMS[seam][0], name).__init__)[key]
    if key == "composite" and isinstance(wrong, str):
        told = "unknown name"
    else:
        told = rf"{name}.*{key} is {re.escape(repr(wrong))}|{key} is {re.escape(str(wrong))}"
    with pytest.raises(ConfigError, match=told):
        build(seam, {"name": name, key: wrong})
    if kind in (int, float, bool):
        with pytest.raises(ConfigError, match=f"{key} is None"):
            build(seam, {"name": name, key: None})


@pytest.mark.parametrize("seam", SEAMS)
def test_only_strict_subclasses_are_offered(seam):
    module, base, _ = SEAMS[seam]
    others = [n for n in module.__all__ if n not in offered_classes(module, base)]
    for name in [base.__name__, "Sequential", *others]:
        with pytest.raises(ConfigError, match=f"unknown name '{name}'"):
            build(seam, {"name": name})


def test_a_misspelt_argument_of_the_program_is_not_dropped_in_silence():
    class Misspelt(JointLikelihood):
        def __init__(self, schema, counts, observd=None, *, tau: float = 1.0) -> None:
            super().__init__(schema, counts, observd, tau=tau)

    module = ModuleType("theirs")
    module.Misspelt, module.__all__ = Misspelt, ["Misspelt"]
    built = build_part("Misspelt", module, Criterion, "criterion")
    with pytest.raises(ConfigError, match="'observd' of Misspelt.*did you mean 'observed'"):
        built(schema=SCHEMA, counts=COUNTS, observed=None)


@given(st.one_of(st.integers(), st.floats(allow_nan=False)))
def test_numbers_stay_the_numbers_that_they_are(number):
    assert typed(number, float, "it") == number
    if isinstance(number, int):
        assert typed(number, int | None, "it") == number
