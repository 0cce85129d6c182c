"""Spoken digits: read as they are named, errors that say what is wrong, stages against their formulas."""

import numpy as np
import pytest
import soundfile
from scipy.fft import dct

from modular_cls.errors import ConfigError
from modular_cls.lecture.kit.recordings import (
    BANDS,
    BINS,
    COEFFICIENTS,
    FLOOR,
    FRAMES,
    HOP,
    RATE,
    SAMPLES,
    WINDOW,
    load_recordings,
    log_mel,
    mel_filters,
    mfcc,
    recordings_at_hand,
    sounding,
    spectrogram,
)
from tests.lecture.voices import voice, write_voices


def waves(count=3):
    rng = np.random.default_rng(1)
    return np.stack([voice(d, 120, SAMPLES / RATE, rng) for d in range(count)]).astype(np.float32)


def test_recordings_are_read(tmp_path):
    folder = write_voices(tmp_path)
    long = np.random.default_rng(0).standard_normal(9000) * 0.01 + 0.2
    soundfile.write(folder / "3_bob_10.wav", long, RATE)  # after 3, not between 1 and 2
    found = load_recordings(tmp_path)
    assert found.waves.shape == (121, SAMPLES)
    assert found.waves.dtype == np.float32
    assert found.speakers == ["ann", "bob", "cyd"]
    assert found.takes == 4
    here = (found.speaker == "bob") & (found.digit == 3)
    assert found.take[here].tolist() == [0, 1, 2, 3, 4]
    (last,) = np.flatnonzero(here & (found.take == 4))
    assert found.length[last] == SAMPLES
    expected = long[:SAMPLES] - long[:SAMPLES].mean()
    assert np.corrcoef(found.waves[last], expected)[0, 1] > 0.999
    for wave, length in zip(found.waves, found.length, strict=True):
        assert not wave[length:].any()
        assert np.sqrt(np.mean(wave[:length] ** 2)) == pytest.approx(1, rel=1e-3)
        assert abs(wave[:length].mean()) < 1e-3
    assert recordings_at_hand(tmp_path) == "121 spoken digits by 3 speakers: ann, bob, cyd"


def test_what_is_wrong_is_told(tmp_path):
    with pytest.raises(
        ConfigError, match=r"Free Spoken Digit Dataset, https://github.com/Jakobovski"
    ):
        load_recordings(tmp_path / "none")
    write_voices(tmp_path / "two", speakers=("ann", "bob"))
    with pytest.raises(ConfigError, match="2 speakers; at least 3"):
        load_recordings(tmp_path / "two")
    folder = write_voices(tmp_path / "some")
    (folder / "4_cyd_2.wav").unlink()
    with pytest.raises(ConfigError, match="3 recordings of digit 4 by cyd; at least 4"):
        load_recordings(tmp_path / "some")
    soundfile.write(folder / "4_cyd_2.wav", np.zeros((5000, 2)), 16000)
    with pytest.raises(
        ConfigError, match=r"4_cyd_2.wav has 16000 samples a second in 2 channels, not 8000 in 1"
    ):
        load_recordings(tmp_path / "some")
    soundfile.write(folder / "4_cyd_2.wav", np.zeros(20), RATE)
    with pytest.raises(ConfigError, match=r"4_cyd_2.wav has 20 samples"):
        load_recordings(tmp_path / "some")
    (folder / "4_cyd_2.wav").write_bytes(b"nothing of the kind")
    with pytest.raises(ConfigError, match=r"4_cyd_2.wav is not a sound file"):
        load_recordings(tmp_path / "some")
    (folder / "four_cyd.wav").touch()
    with pytest.raises(
        ConfigError, match=r"four_cyd.wav and 0 more are not named digit_speaker_take.wav"
    ):
        load_recordings(tmp_path / "some")


def test_mel_filters_are_triangles_evenly_spaced_in_mel():
    def mel(hertz):
        return 2595 * np.log10(1 + hertz / 700)  # O'Shaughnessy, as HTK has it

    corners = 700 * (10 ** (np.linspace(0, mel(RATE / 2), BANDS + 2) / 2595) - 1)
    hertz = np.linspace(0, RATE / 2, BINS)
    for weights, low, middle, high in zip(
        mel_filters(), corners, corners[1:], corners[2:], strict=False
    ):
        lines = np.minimum((hertz - low) / (middle - low), (high - hertz) / (high - middle))
        assert np.allclose(weights, np.maximum(0, lines), atol=1e-5)


def test_stages_are_their_formulas():
    x = waves()
    window = np.zeros(256)
    window[28:228] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    frame = 30
    cut = x[:, frame * HOP - 128 : frame * HOP + 128] * window
    magnitudes = np.abs(np.fft.rfft(cut, axis=1))
    assert np.allclose(spectrogram(x)[:, :, frame], magnitudes, rtol=1e-4, atol=1e-4)
    bands = np.log(magnitudes**2 @ mel_filters().T + FLOOR)
    assert log_mel(x).shape == (3, BANDS, FRAMES)
    assert np.allclose(log_mel(x)[:, :, frame], bands, atol=1e-3)
    assert mfcc(x).shape == (3, 3 * COEFFICIENTS, FRAMES)
    expected = dct(bands, axis=1, norm="ortho")[:, :COEFFICIENTS]
    assert np.allclose(mfcc(x)[:, :COEFFICIENTS, frame], expected, atol=1e-3)


def test_a_recording_does_not_depend_on_the_others():
    x = waves()
    for stage in (spectrogram, log_mel, mfcc):
        assert np.allclose(stage(x)[1:2], stage(x[1:2]), atol=1e-5)


def test_frames_that_sound():
    found = sounding(np.array([HOP * 3, HOP * 3 + 1, SAMPLES]))
    assert found.sum(1).tolist() == [3, 4, FRAMES - 1]
