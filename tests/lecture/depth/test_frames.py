"""Frames of speech: who is held out, what a net hears, recordings judged by all their frames, the whole part at its smallest."""

import numpy as np
import pandas as pd
import pytest
import torch

from modular_cls.lecture.depth import frames
from modular_cls.lecture.kit import claim
from modular_cls.lecture.kit.claim import measure_claim
from modular_cls.lecture.kit.nets import parameters
from modular_cls.lecture.kit.recordings import BANDS, RATE, SAMPLES, load_recordings, log_mel
from tests.lecture.voices import write_voices


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    write_voices(folder)
    return folder


def test_a_net_hears_frames_beside_each_other(data):
    found = load_recordings(data)
    heard = frames.hear(data, np.array([5, 7]), 1)
    bands = log_mel(found.waves[7:8])[0]
    mine = heard.frames[heard.recording == 1]
    assert heard.digit[heard.recording == 1].unique().tolist() == [found.digit[7]]
    sounds = -(-found.length[7] // 80)  # frames whose middle is within the recording
    assert len(mine) == -(-sounds // 2)
    side = frames.HEARD // 2
    there = bands[:, 10 - side : 10 + side + 1].T.reshape(-1)
    assert np.allclose(mine[5], there, atol=1e-5)  # every second frame: the fifth is frame 10
    first = mine[0].reshape(frames.HEARD, BANDS)
    assert torch.equal(first[0], first[side])  # before the beginning stands the first frame
    assert len(frames.hear(data, np.array([5, 7]), 4).frames) > 3 * len(heard.frames)


def test_a_recording_is_judged_by_all_its_frames():
    scores = torch.zeros(5, 10)
    scores[0, 3], scores[1, 4], scores[2, 4] = 3.0, 1.0, 1.0  # 3 wins by one frame
    scores[3:, 1] = 1.0
    digit, recording = torch.tensor([3, 3, 3, 2, 2]), torch.tensor([0, 0, 0, 1, 1])
    assert frames.Heard(torch.zeros(5, 1), digit, recording).error(scores) == 0.5


def test_faster_is_higher_and_shorter():
    time = np.arange(SAMPLES) / RATE
    wave = np.sin(2 * np.pi * 1000 * time).astype(np.float32)
    for speed in (0.9, 1.1):
        played, length = frames.faster(wave, 4000, speed)
        assert played.shape == (SAMPLES,)
        assert length == pytest.approx(4000 / speed, abs=1)
        assert not played[length:].any()
        spectrum = np.abs(np.fft.rfft(played[:length]))
        assert spectrum.argmax() * RATE / length == pytest.approx(1000 * speed, abs=5)


def test_two_speakers_are_never_trained_on(data):
    train, stop, test = frames.split(data, 2)
    recordings = load_recordings(data)
    assert recordings.speakers == ["ann", "bob", "cyd"]
    assert [int(part.recording.max()) + 1 for part in (train, stop, test)] == [40, 40, 40]
    bob = frames.hear(data, np.flatnonzero(recordings.speaker == "bob"), 4).frames
    cyd = frames.hear(data, np.flatnonzero(recordings.speaker == "cyd"), 1).frames
    assert torch.allclose(test.frames, (cyd - bob.mean(0)) / bob.std(0), atol=1e-4)


@pytest.mark.parametrize("twin", frames.TWINS)
def test_a_twin_has_as_many_parameters(twin):
    deep, one = (parameters(frames.frame_net(*net)) for net in ((twin, 0), (1, twin)))
    assert abs(deep - one) < 0.01 * deep


@pytest.fixture
def smallest(monkeypatch):
    monkeypatch.setattr(frames, "_SIZES", {"quick": frames._Size(1, 10)})
    monkeypatch.setattr(frames, "_RATES", (1e-2,))
    monkeypatch.setattr(claim, "_RESOLUTION", 40)


def test_the_part(smallest, tmp_path, data, monkeypatch):
    # the voices are too few for the part on pictures, not for this one
    monkeypatch.setattr("modular_cls.lecture.depth.needs", lambda data: "voices")
    page = measure_claim("depth", "quick", tmp_path / "out", data=data, only=["frames"])
    assert page.count("one seed, no verdict |") == len(frames.STATEMENTS)
    found = pd.read_csv(tmp_path / "out" / "frames.csv")
    assert len(found) == len(frames.DEPTHS) + len(frames.TWINS)
    assert found[["test error", "frame error"]].stack().between(0, 1).all()
    assert (tmp_path / "out" / "frames.svg").stat().st_size > 5000


def test_without_recordings_there_are_no_data(smallest, tmp_path):
    page = measure_claim("depth", "quick", tmp_path / "out", data=tmp_path, only=["frames"])
    assert page.count("no data |") == len(frames.STATEMENTS)
    assert not (tmp_path / "out" / "frames.png").exists()
