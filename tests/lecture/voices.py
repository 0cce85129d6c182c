"""Invented speakers: sums of harmonics with two formants, as wav files named like the Free Spoken Digit Dataset."""

import numpy as np
import soundfile

FORMANTS = [(300 + 60 * (d % 5), 900 + 250 * d) for d in range(10)]  # Hz; one pair a digit


def voice(digit, pitch, seconds, rng, rate=8000):
    """A vowel: harmonics of a pitch, those near the formants of the digit loud."""
    time = np.arange(int(seconds * rate)) / rate
    harmonics = pitch * np.arange(1, int(0.45 * rate / pitch))
    loud = sum(np.exp(-(((harmonics - f) / 120) ** 2)) for f in FORMANTS[digit])
    wave = (
        loud[:, None]
        * np.sin(2 * np.pi * harmonics[:, None] * time + rng.uniform(0, 6, (len(loud), 1)))
    ).sum(0)
    return 0.1 * wave / np.abs(wave).max() + 1e-3 * rng.standard_normal(len(time))


def write_voices(data, speakers=("ann", "bob", "cyd"), takes=4, digits=range(10), rate=8000):
    folder = data / "fsdd" / "recordings"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for i, speaker in enumerate(speakers):
        for digit in digits:
            for take in range(takes):
                wave = voice(digit, 90 + 60 * i + 5 * take, rng.uniform(0.2, 0.4), rng, rate)
                soundfile.write(folder / f"{digit}_{speaker}_{take}.wav", wave, rate)
    return folder
