"""A claim through the command line, its page, and what is committed of it."""

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from modular_cls.cli import main
from modular_cls.lecture import circuits
from modular_cls.lecture.kit import claim
from modular_cls.lecture.kit.claim import CLAIMS, verdicts
from modular_cls.lecture.kit.part import load_claim
from modular_cls.lecture.kit.statement import sentence

ROOT = Path(__file__).parents[3]
TINY = circuits._Size(
    bits=5, folds=3, learned=(2,), depths=(1, 2, 3), widest=4, starts=2, updates=200, seeds=1
)


def shrink(patch):
    patch.setattr(circuits, "_LEARNED", 2)
    patch.setitem(circuits._SIZES, "quick", TINY)
    # What is learned here is parity of 2 bits; the statements are about more.
    said = tuple(s for s in circuits.STATEMENTS if s.table != "learned")
    patch.setattr(circuits, "STATEMENTS", said)


@pytest.fixture
def tiny(monkeypatch):
    shrink(monkeypatch)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A claim, measured once."""
    out = tmp_path_factory.mktemp("claim") / "circuits"
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        assert run("circuits", out) == 0
    return out


@pytest.fixture
def copy(measured, tiny, tmp_path):
    return shutil.copytree(measured, tmp_path / "circuits")


def run(name, out, *flags):
    return main(["lecture", name, "--out", str(out), "--processes", "1", *flags])


def test_a_claim_becomes_a_page_with_tables_and_figures(measured, tiny, capsys):
    out, page = measured, (measured / "README.md").read_text()
    assert page.startswith("# One hidden layer can represent anything")
    assert f"modular-cls lecture circuits --out {out}" in page
    assert "| two layers of gates | 5 | 17 |" in page or "| 5 | two layers of gates | 17 |" in page
    for figure in re.findall(r"!\[.*?\]\((.*?)\)", page):
        assert (out / figure).stat().st_size > 10_000
        drawn = ElementTree.parse((out / figure).with_suffix(".svg"))
        assert drawn.getroot().tag.endswith("svg")
    judged, whole = verdicts("circuits", out)
    assert f"**Verdict: {whole}.**" in page
    assert [j.verdict for j in judged] == re.findall(r"\| (holds|does not hold) \|", page)
    assert run("circuits", out, "--only") == 0  # judged again, nothing measured or drawn
    assert "README.md" in capsys.readouterr().out
    assert (out / "README.md").read_text() == page


def test_it_goes_on_where_it_stopped_and_forgets_when_told_to(copy, monkeypatch):
    monkeypatch.setattr(claim, "_RESOLUTION", 30)
    out = copy
    lost, *kept = sorted((out / "cells").iterdir())
    written = {p: p.stat().st_mtime_ns for p in kept}
    lost.unlink()
    assert run("circuits", out) == 0
    assert lost.is_file()
    assert {p: p.stat().st_mtime_ns for p in kept} == written
    assert run("circuits", out, "--overwrite") == 0
    assert all(p.stat().st_mtime_ns > written[p] for p in kept)


def test_measurements_are_not_mixed(copy, capsys):
    out = copy
    assert run("circuits", out, "--size", "full") == 1
    assert "size 'quick', not 'full'" in capsys.readouterr().err
    marker = json.loads((out / "lab.json").read_text())
    (out / "lab.json").write_text(json.dumps({**marker, "claim": "depth"}))
    assert run("circuits", out) == 1
    assert "claim 'depth', not 'circuits'" in capsys.readouterr().err


def test_bad_input(tmp_path, capsys):
    assert run("dept", tmp_path / "out") == 1
    assert "unknown claim 'dept'" in (said := capsys.readouterr().err)
    assert "did you mean 'depth'" in said
    assert run("speech", tmp_path / "out", "--data", str(tmp_path / "nowhere")) == 1
    assert str(tmp_path / "nowhere") in (said := capsys.readouterr().err)
    assert "free-spoken-digit-dataset" in said
    assert not (tmp_path / "out").exists()
    assert main(["lecture", "circuits", "--out", str(tmp_path / "out"), "--processes", "0"]) == 1
    assert "processes is 0" in capsys.readouterr().err
    assert run("depth", tmp_path / "out", "--only", "picture") == 1
    assert "unknown part of depth 'picture'" in (said := capsys.readouterr().err)
    assert "did you mean 'pictures'" in said
    assert run("circuits", tmp_path / "out", "--only", "circuits", "--overwrite") == 1
    assert "--overwrite, so it cannot go with --only" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("mine")
    assert run("circuits", tmp_path / "mine", "--overwrite") == 1
    assert "not one of ours" in capsys.readouterr().err
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "mine"


@pytest.mark.parametrize("name", CLAIMS)
def test_committed_verdicts_follow_from_committed_tables(name):
    """On the claim's own page, and in the lecture as a whole."""
    folder = ROOT / "docs" / "results" / "lecture" / name
    judged, whole = verdicts(name, folder)
    page = (folder / "README.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (.+) \| (core|control) \| .+ \| (holds|does not hold|undecided|not measured) \|$",
        page,
        re.MULTILINE,
    )
    assert rows == [(j.statement.says, j.statement.role, j.verdict) for j in judged]
    assert all(j.statement.on for j in judged if j.statement.role == "core")
    aloud = sentence(load_claim(name).title, judged)
    assert f"**Verdict: {whole}.** {aloud}\n" in page
    lecture = (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8")
    before, page, _ = lecture.partition(f"(results/lecture/{name}/README.md)\n\n")
    assert page
    section = before.rsplit("\n## ", 1)[1]
    assert f"**Verdict: {whole}.** {aloud}\n" in section
