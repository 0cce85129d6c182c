"""Spoken digits as arrays, and the stages of speech recognition that people have designed by hand.

The stages are those of Davis and Mermelstein (1980, "Comparison of parametric representations for
monosyllabic word recognition in continuously spoken sentences"): waveform, DFT, mel filter bank,
logarithm, DCT.
"""

import itertools
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile  # type: ignore[import-untyped]
from scipy.fft import dct
from scipy.signal import get_window, savgol_filter  # type: ignore[attr-defined]

from modular_cls.errors import ConfigError

RATE = 8000  # samples a second
SAMPLES = 6400  # of each recording: 0.8 s, which 2 in 100 of the digits exceed
WINDOW, HOP, BINS = 200, 80, 129  # 25 ms of sound every 10 ms; frequencies of a DFT of 256
FRAMES = SAMPLES // HOP + 1
BANDS, COEFFICIENTS = 40, 13
_SMOOTHED = 9  # frames of which a derivative in time is taken
# Added to energies before the logarithm, 45 dB below a loud band: hides most of a microphone's
# noise.
FLOOR = 0.1
FOLDER = Path("fsdd", "recordings")

_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[^_]+)_(?P<take>\d+)\.wav")
_FEWEST_SPEAKERS, _FEWEST_TAKES = 3, 4  # speakers: one to test, one to stop by, one to train on
_SOURCE = "the Free Spoken Digit Dataset, https://github.com/Jakobovski/free-spoken-digit-dataset"


@dataclass(frozen=True)
class Recordings:
    """Spoken digits, sorted by speaker, digit and take.

    Attributes:
        waves: Shape (recordings, SAMPLES), float32 at 8 kHz, mean 0 and mean square 1; longer
            recordings are cut, shorter ones end in zeros.
        length: Samples of each that are sound, at most SAMPLES; shape (recordings,).
        digit: What is said, 0 to 9; shape (recordings,).
        speaker: Name of who says it; shape (recordings,).
        take: 0 for the first time that this speaker says this digit, and so on; shape
            (recordings,).
    """

    waves: np.ndarray
    length: np.ndarray
    digit: np.ndarray
    speaker: np.ndarray
    take: np.ndarray

    @property
    def speakers(self) -> list[str]:
        """Names, in alphabetical order."""
        return sorted(set(self.speaker.tolist()))

    @property
    def takes(self) -> int:
        """How often every speaker has said every digit, at least."""
        return int(pd.crosstab(self.speaker, self.digit).to_numpy().min())


@cache
def load_recordings(data: Path) -> Recordings:
    """Read `fsdd/recordings/{digit}_{speaker}_{take}.wav`; once in a process.

    Args:
        data: Folder of data sets.

    Raises:
        ConfigError: If the folder is missing, a file is named otherwise or is not mono at 8 kHz, or
            there are too few speakers or recordings of a digit.
    """
    table = _files(data / FOLDER)
    read = [_read(path) for path in table["path"]]
    waves = np.stack([np.pad(wave, (0, SAMPLES - len(wave))) for wave in read])
    take = table.groupby(["speaker", "digit"]).cumcount()
    length = np.array([len(wave) for wave in read])
    return Recordings(
        waves, length, table["digit"].to_numpy(), table["speaker"].to_numpy(str), take.to_numpy()
    )


def recordings_at_hand(data: Path) -> str:
    """What `load_recordings(data)` gives, in words; raises ConfigError where it gives nothing."""
    recordings = load_recordings(data)
    return (
        f"{len(recordings.digit):,} spoken digits by {len(recordings.speakers)} speakers: "
        f"{', '.join(recordings.speakers)}"
    )


def spectrogram(waves: np.ndarray) -> np.ndarray:
    """Magnitudes of the DFT of each frame: shape (n, BINS, FRAMES) for n waves; 0 to 4 kHz."""
    size = 2 * (BINS - 1)
    padded = np.pad(waves, ((0, 0), (size // 2, size // 2)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::HOP]
    silent = (size - WINDOW) // 2
    window = np.pad(get_window("hann", WINDOW), silent).astype(np.float32)
    return np.abs(np.fft.rfft(frames * window)).transpose(0, 2, 1).astype(np.float32)


def mel_filters() -> np.ndarray:
    """Weight of each frequency in each band: triangles of height 1, evenly spaced in mel.

    Shape (BANDS, BINS). The scale is O'Shaughnessy's (1987), as HTK has it.
    """
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, top, BANDS + 2) / 2595) - 1)
    from_corner = np.linspace(0, RATE / 2, BINS) - corners[:, None]
    width = np.diff(corners)[:, None]
    rising, falling = from_corner[:-2] / width[:-1], -from_corner[2:] / width[1:]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def log_mel(waves: np.ndarray) -> np.ndarray:
    """Logarithm of the energy in each mel band: shape (n, BANDS, FRAMES)."""
    return np.log(mel_filters() @ spectrogram(waves) ** 2 + FLOOR).astype(np.float32)


def mfcc(waves: np.ndarray) -> np.ndarray:
    """The first coefficients of the DCT of `log_mel` over the bands.

    Then their first and second derivatives in time.

    Returns:
        Shape (n, 3 * COEFFICIENTS, FRAMES).
    """
    coefficients = dct(log_mel(waves), axis=1, norm="ortho")[:, :COEFFICIENTS]
    changes = [savgol_filter(coefficients, _SMOOTHED, order, deriv=order) for order in (1, 2)]
    return np.concatenate([coefficients, *changes], axis=1).astype(np.float32)


def sounding(length: np.ndarray) -> np.ndarray:
    """Which frames have their middle within the recording.

    Shape (n, FRAMES) for n lengths in samples.
    """
    return np.arange(FRAMES) * HOP < length[:, None]


def _files(folder: Path) -> pd.DataFrame:
    """Path, digit, speaker and take of each recording, sorted."""
    if not folder.is_dir():
        raise ConfigError(
            f"{folder} is not there. Download {_SOURCE}, and put its folder recordings/ (3,000 "
            "files such as 7_jackson_32.wav) there"
        )
    paths = sorted(folder.glob("*.wav"))
    names = [_NAME.fullmatch(path.name) for path in paths]
    if odd := [path.name for path, name in zip(paths, names, strict=True) if name is None]:
        raise ConfigError(
            f"{folder}: {odd[0]} and {len(odd) - 1} more are not named digit_speaker_take.wav"
        )
    rows = [
        {"path": path, **name.groupdict()} for path, name in zip(paths, names, strict=True) if name
    ]
    table = pd.DataFrame(rows, columns=["path", "digit", "speaker", "take"])
    table = table.astype({"digit": int, "take": int}).sort_values(
        ["speaker", "digit", "take"], ignore_index=True
    )
    _enough(table, folder)
    return table


def _enough(table: pd.DataFrame, folder: Path) -> None:
    speakers = table["speaker"].nunique()
    if speakers < _FEWEST_SPEAKERS:
        raise ConfigError(
            f"{folder} holds {speakers} speakers; at least {_FEWEST_SPEAKERS} are needed: {_SOURCE}"
        )
    counts = table.groupby(["speaker", "digit"]).size()
    for speaker, digit in itertools.product(sorted(set(table["speaker"])), range(10)):
        if (count := int(counts.get((speaker, digit), 0))) < _FEWEST_TAKES:
            lack = f"{count} recordings of digit {digit} by {speaker}"
            raise ConfigError(
                f"{folder} holds {lack}; at least {_FEWEST_TAKES} of each are needed: {_SOURCE}"
            )


def _read(path: Path) -> np.ndarray:
    """The samples of one file, as `Recordings` has them but as long as they are."""
    try:
        wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ConfigError(f"{path} is not a sound file that can be read: {error}") from None
    if rate != RATE or wave.shape[1] != 1:
        raise ConfigError(
            f"{path} has {rate} samples a second in {wave.shape[1]} channels, not {RATE} in 1"
        )
    if len(wave) < WINDOW:
        raise ConfigError(f"{path} has {len(wave)} samples; a frame alone is {WINDOW}")
    cut = wave[:SAMPLES, 0] - wave[:SAMPLES].mean()
    return cut / max(float(np.sqrt(np.mean(cut**2))), 1e-6)
