"""The list of faults does not rot: each has its place in today's code, is code, and names a test that is there."""

import ast

import pytest

from tests.mutants.kill import ROOT, mutated, read_mutants

MUTANTS = read_mutants()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m["name"])
def test_it_can_be_put_in(mutant):
    content = mutated(mutant)
    assert content != (ROOT / mutant["file"]).read_text(encoding="utf-8")
    if mutant["file"].endswith(".py"):
        ast.parse(content)
    file, _, name = mutant["test"].partition("::")
    functions = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    assert name in {f.name for f in functions if isinstance(f, ast.FunctionDef)}


def test_names_are_their_own():
    assert len({m["name"] for m in MUTANTS}) == len(MUTANTS)
