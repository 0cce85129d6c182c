"""Pupils on strings: what they are taught, that unlabelled strings hold the labelled ones; the whole part at its smallest."""

import pandas as pd
import pytest
import torch

from modular_cls.lecture.kit import claim
from modular_cls.lecture.kit import strings as kit
from modular_cls.lecture.kit.claim import measure_claim
from modular_cls.lecture.mimic import strings


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(strings, "SYNONYMS", 2)  # 64 strings are predicted
    monkeypatch.setattr(strings, "STRINGS", {"labels": 4, "taught": 4, "taught more": 8})
    monkeypatch.setattr(strings, "PARAMETERS", 3000)
    strings.teacher.cache_clear()
    yield
    strings.teacher.cache_clear()


def run(way, **other):
    cell = {"way": way, "layers": 1, "budget": 3000, "times": 1, "updates": 150, "rate": 1.6e-2,
            "seed": 0}  # fmt: skip
    return strings.learn_from(None, **(cell | other))


def test_pupils_meet_their_teacher(tiny):
    teacher, pupil = run("teacher"), run("taught more", times=2)
    assert teacher["agrees"] is run("labels")["agrees"] is None
    assert pupil["agrees"] > 0.6
    assert pupil["test error"] < 0.5 > teacher["test error"]
    few, many = (strings._strings(way, 0).images["train"] for way in ("taught", "taught more"))
    assert torch.equal(many[: len(few)], few)
    assert (len(few), len(many)) == (256, 512)


def test_the_part(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(strings, "_SIZES", {"quick": strings._Size(3, 1)})
    monkeypatch.setattr(claim, "_RESOLUTION", 40)
    monkeypatch.setattr(kit, "_TEST", 200)
    out = tmp_path / "out"
    page = measure_claim("mimic", "quick", out, data=tmp_path, only=["strings"])
    found = pd.read_csv(out / "strings.csv")
    assert len(found) == 1 + 2 * 3 * 3 + 2
    assert (found["parameters"] / found["budget"] - 1).abs().iloc[1:].max() < 0.02
    assert page.count("one seed, no verdict |") == len(strings.STATEMENTS)
    assert (out / "strings.svg").stat().st_size > 5000
