"""The table of methods is that of the configurations."""

import runpy

from tests.docs.pages import ROOT

WRITER = runpy.run_path(str(ROOT / "docs" / "methods_table.py"))


def test_the_page_is_what_the_configurations_say():
    text = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    assert WRITER["page"](text) == text, "run: python docs/methods_table.py"


def test_a_configuration_that_changes_changes_its_row(tmp_path):
    source = (ROOT / "configs" / "flat_logit_adjusted.yaml").read_text(encoding="utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text(
        "# One.\n# Two | three.\n" + source.split("\n", 1)[1].replace("tau: 1.0", "tau: 0.5")
    )
    name, what, model, criterion, *_ = WRITER["row"](path)
    assert (name, what) == ("`mine`", "One. Two \\| three.")
    assert (model, criterion) == ("FlatClassifier", "JointLikelihood (tau 0.5)")
    assert len(WRITER["table"]([path]).splitlines()) == 3
