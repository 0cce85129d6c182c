"""The examples in docstrings, run; every main class has one."""

import doctest
import importlib
from pathlib import Path

import pytest

import modular_cls
from modular_cls.criteria import JointLikelihood
from modular_cls.finish import FitBias
from modular_cls.schema import Composite

ROOT = Path(__file__).parent.parent
PUBLIC = ("ComposedClassifier", "Config", "Manifest", "ModularClassifier", "Predictor", "Schema")
MAIN = [*(getattr(modular_cls, name) for name in PUBLIC), Composite, FitBias, JointLikelihood]


def modules():
    """The modules whose docstrings have examples; those of data_prep import each other by name."""
    for folder, top in ((ROOT / "modular_cls", ROOT), (ROOT / "data_prep", ROOT / "data_prep")):
        for file in sorted(folder.rglob("*.py")):
            if "    >>> " in file.read_text(encoding="utf-8"):
                yield ".".join(file.relative_to(top).with_suffix("").parts)


@pytest.mark.parametrize("name", list(modules()))
def test_examples_answer_what_they_say(name):
    outcome = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert outcome.attempted
    assert not outcome.failed


@pytest.mark.parametrize("main", MAIN, ids=lambda main: main.__name__)
def test_main_classes_show_how_they_are_used(main):
    assert ">>> " in main.__doc__
