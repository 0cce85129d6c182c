"""The hand-made pipeline and what learns its stages: the whole claim."""

import pandas as pd
import pytest
import torch

from modular_cls.errors import ConfigError
from modular_cls.jobs.executors import Inline
from modular_cls.lecture.kit import claim
from modular_cls.lecture.kit.lab import Lab
from modular_cls.lecture.kit.recordings import (
    load_recordings,
)
from modular_cls.lecture.speech import pipeline as speech
from modular_cls.lecture.speech.nets import (
    mixture_scores,
    without_speaker,
)


def test_the_whole_claim(tmp_path, data, monkeypatch):
    plan = speech.Plan(1, (speech.FEW, speech.ALL), 3, 1, rates=(1e-2,), gaussians=(1, 2))
    monkeypatch.setattr(speech, "_SIZES", {"quick": plan})
    monkeypatch.setattr(speech, "_SETTLING", 4)
    monkeypatch.setattr(claim, "_RESOLUTION", 40)  # less to draw
    out = tmp_path / "out"
    text = claim.measure_claim("speech", "quick", out, data=data)
    for file in ("error.csv", "layers.csv", "filters.csv", "choice.csv"):
        assert (out / file).stat().st_size > 50
    for file in ("error.png", "layers.png", "speakers.png", "filters.png"):
        assert (out / file).stat().st_size > 3000
        assert f"({file})" in text
    written = {cell: cell.stat().st_mtime_ns for cell in (out / "cells").iterdir()}
    assert len(written) == 2 * (2 + 4) + 2 + 2 + 1
    assert claim.measure_claim("speech", "quick", out, data=data) == text
    assert {cell: cell.stat().st_mtime_ns for cell in (out / "cells").iterdir()} == written


def test_no_more_speakers_are_held_out_than_there_are(tmp_path, data):
    cells = speech._error_cells(speech._plan(Lab("full", tmp_path, data, Inline())))
    assert {cell["seed"] for cell in cells} == {0, 1, 2}
    tried = pd.DataFrame(cells).groupby(["pipeline", "recordings", "seed"])["choice"].nunique()
    assert set(tried) == {3}  # every pipeline gets the same chances


def test_without_recordings_it_says_what_to_download(tmp_path):
    with pytest.raises(ConfigError, match="Free Spoken Digit Dataset"):
        claim.measure_claim("speech", "quick", tmp_path / "out", data=tmp_path)
    assert not (tmp_path / "out").exists()


def test_errors_are_those_of_the_split_they_are_named_after(data):
    split = without_speaker(load_recordings(data), 0, None)
    found = speech.recognise(
        data, pipeline="MFCC, mixture", recordings="all", choice=2, updates=1, seed=0
    )
    validation, test = mixture_scores(data, split, 2, (split.validation, split.test))
    digit = torch.tensor(load_recordings(data).digit)
    assert found["validation"] == pytest.approx(
        float((validation.argmax(1) != digit[split.validation]).float().mean())
    )
    assert found["error"] == pytest.approx(
        float((test.argmax(1) != digit[split.test]).float().mean())
    )


def test_the_best_validation_is_chosen_whatever_the_test_says():
    tried = pd.DataFrame(
        [
            {"pipeline": "a", "seed": 0, "choice": 1, "validation": 0.2, "loss": 0.1, "error": 0.1},
            {"pipeline": "a", "seed": 0, "choice": 2, "validation": 0.1, "loss": 0.3, "error": 0.9},
            {"pipeline": "a", "seed": 0, "choice": 3, "validation": 0.1, "loss": 0.2, "error": 0.8},
            {"pipeline": "a", "seed": 1, "choice": 1, "validation": 0.0, "loss": 0.9, "error": 0.7},
            {"pipeline": "a", "seed": 1, "choice": 2, "validation": 0.5, "loss": 0.0, "error": 0.0},
        ]
    )
    assert speech._chosen(tried, ["pipeline", "seed"])["choice"].tolist() == [3, 1]
