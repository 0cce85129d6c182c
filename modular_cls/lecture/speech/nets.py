"""Recognisers of spoken digits from any stage of the hand-made pipeline.

What is left of it, they learn.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.stats import spearmanr, wasserstein_distance
from sklearn.mixture import GaussianMixture
from torch import Tensor, nn

from modular_cls.lecture.kit.learning import fit, seeded
from modular_cls.lecture.kit.recordings import (
    BANDS,
    BINS,
    COEFFICIENTS,
    HOP,
    RATE,
    WINDOW,
    Recordings,
    load_recordings,
    log_mel,
    mel_filters,
    mfcc,
    sounding,
    spectrogram,
)

WORDS = 10
STAGES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "MFCC": mfcc,
    "log-mel": log_mel,
    "spectrogram": spectrogram,
    "waveform": lambda waves: waves[:, None],
}
LAYERS = ("layer 1", "layer 2", "layer 3", "mean over time", "last hidden")
_CHANNELS, _KERNEL, _BATCH = 48, 5, 50
_QUIET = 1e-3  # added to energies before the logarithm


@dataclass(frozen=True)
class Split:
    """Numbers of the recordings to train on, to choose by, and to judge by; each sorted."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def without_speaker(recordings: Recordings, speaker: int, count: int | None) -> Split:
    """One speaker is the test; a tenth of the takes of every other is for validation.

    Args:
        recordings: With at least ten takes of each digit, or at least one is for validation.
        speaker: Number of the speaker held out, in alphabetical order; it also seeds the draw.
        count: Training recordings, drawn so that speakers and digits are as equally often there as
            can be, fewer among more; None for all.
    """
    theirs = recordings.speaker == recordings.speakers[speaker]
    for_choice = ~theirs & (recordings.take < _tenth(recordings))
    pool = np.flatnonzero(~theirs & ~for_choice)
    shuffled = np.random.default_rng(speaker).permutation(pool)
    # Each recording's place among those of its speaker and digit: all first ones, then all second
    # ones, and so on.
    place = pd.DataFrame({"speaker": recordings.speaker, "digit": recordings.digit}).loc[shuffled]
    order = shuffled[np.argsort(place.groupby(["speaker", "digit"]).cumcount(), kind="stable")]
    return Split(np.sort(order[:count]), np.flatnonzero(for_choice), np.flatnonzero(theirs))


def held_out_takes(recordings: Recordings) -> Split:
    """Every speaker is in each part.

    The first tenth of the takes is the test, the next one for validation.
    """
    tenth = _tenth(recordings)
    part = recordings.take // tenth
    return Split(np.flatnonzero(part > 1), np.flatnonzero(part == 1), np.flatnonzero(part == 0))


def _tenth(recordings: Recordings) -> int:
    return max(1, recordings.takes // 10)


@cache
def stage(data: Path, name: str) -> Tensor:
    """All recordings up to one stage, shape (recordings, channels, time).

    Computed once in a process.
    """
    return torch.from_numpy(STAGES[name](load_recordings(data).waves))


class LogEnergy(nn.Module):
    """Logarithm of the energy of each channel, or of two where they come in pairs.

    Two filters a quarter of a wave apart together give the energy in a band whatever the phase, as
    the sine and the cosine of a DFT do.
    """

    def __init__(self, paired: bool) -> None:
        super().__init__()
        self.paired = paired

    def forward(self, x: Tensor) -> Tensor:
        """Shape (n, channels or 2 * channels, frames) to (n, channels, frames)."""
        energy = x**2
        if self.paired:
            energy = energy.unflatten(1, (-1, 2)).sum(2)
        return torch.log(energy + _QUIET)


def recogniser(name: str) -> nn.Sequential:
    """A net that takes one stage of the pipeline.

    From the first layer on it is the same for all stages.

    Args:
        name: Of the stage. The spectrogram first goes through BANDS learned sums over frequencies,
            the waveform through BANDS learned pairs of filters as long as a frame of the
            spectrogram and as often, both followed by `LogEnergy`.

    Returns:
        The front, the five stages of LAYERS, and `Linear`.
    """
    fronts: dict[str, list[nn.Module]] = {
        "spectrogram": [nn.Conv1d(BINS, BANDS, 1, bias=False), LogEnergy(paired=False)],
        "waveform": [
            nn.Conv1d(1, 2 * BANDS, WINDOW, stride=HOP, padding=WINDOW // 2, bias=False),
            LogEnergy(paired=True),
        ],
    }
    channels = 3 * COEFFICIENTS if name == "MFCC" else BANDS
    front = nn.Sequential(*fronts.get(name, []), nn.BatchNorm1d(channels))
    convolutions = (_convolution(channels if i == 0 else _CHANNELS) for i in range(3))
    mean = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten())
    hidden = nn.Sequential(nn.Linear(_CHANNELS, _CHANNELS), nn.ReLU())
    return nn.Sequential(front, *convolutions, mean, hidden, nn.Linear(_CHANNELS, WORDS))


def _convolution(channels: int) -> nn.Sequential:
    over_time = nn.Conv1d(channels, _CHANNELS, _KERNEL, padding=_KERNEL // 2, bias=False)
    return nn.Sequential(over_time, nn.BatchNorm1d(_CHANNELS), nn.ReLU(), nn.MaxPool1d(2))


def fitted(
    data: Path, split: Split, name: str, rate: float, updates: int, seed: int
) -> nn.Sequential:
    """A `recogniser` trained on one stage of the training recordings.

    At rate 0 only its batch norms learn.
    """
    net = seeded(partial(recogniser, name), seed)
    assert isinstance(net, nn.Sequential)
    x, y = stage(data, name)[split.train], digits(data, split.train)
    fit(net, x, y, updates=updates, rate=rate, seed=seed, batch=_BATCH)
    return net


def digits(data: Path, chosen: np.ndarray) -> Tensor:
    """What is said in some of the recordings, given by number."""
    return torch.from_numpy(load_recordings(data).digit[chosen].astype(np.int64))


@torch.inference_mode()
def hidden_layers(net: nn.Sequential, x: Tensor) -> dict[str, np.ndarray]:
    """What a net makes of its input, layer by layer.

    `input` and LAYERS, each of shape (n, numbers).
    """
    layers = {"input": x}
    x = net.cpu().eval()[0](x)
    for name, layer in zip(LAYERS, list(net)[1:], strict=False):
        layers[name] = x = layer(x)
    return {name: values.flatten(1).numpy() for name, values in layers.items()}


def filter_responses(net: nn.Sequential) -> np.ndarray:
    """Energy that each learned pair of filters of a waveform net lets through.

    Shape (BANDS, BINS), 0 to 4 kHz.
    """
    filters = next(net.parameters()).detach().cpu().numpy().reshape(BANDS, 2, WINDOW)
    return (np.abs(np.fft.rfft(filters, 2 * (BINS - 1))) ** 2).sum(1)


def share(values: np.ndarray, groups: np.ndarray) -> float:
    """Share of the variance that lies between groups.

    Sum of squares between them over the total, all columns taken.

    Args:
        values: Shape (n, columns).
        groups: Shape (n,).

    Returns:
        0 to 1; 0 where nothing varies.
    """
    centred = values.astype(float) - values.mean(0, dtype=float)
    total = float((centred**2).sum())
    members = [centred[groups == group] for group in np.unique(groups)]
    between = sum(len(m) * float((m.mean(0) ** 2).sum()) for m in members)
    return between / total if total else 0.0


def compared(response: np.ndarray) -> dict[str, float]:
    """How filters compare with mel filters.

    Args:
        response: Energy let through, shape (filters, BINS).

    Returns:
        `distance`: how far their centres (the highest places) must be moved on average to lie as
        those of the mel filters do, in mel (Wasserstein distance); `widths`: rank correlation of
        centre and width, near 1 for mel filters, which become wider as they become higher.
    """
    centres, mel = (_mel(r.argmax(1) * RATE / 2 / (BINS - 1)) for r in (response, mel_filters()))
    width = response.sum(1) / response.max(1)
    return {
        "distance": float(wasserstein_distance(centres, mel)),
        "widths": float(spearmanr(centres, width).statistic),
    }


def _mel(hertz: np.ndarray) -> np.ndarray:
    return 2595 * np.log10(1 + hertz / 700)


def mixture_scores(
    data: Path, split: Split, components: int, parts: tuple[np.ndarray, ...]
) -> list[Tensor]:
    """A Gaussian mixture per digit on single MFCC frames.

    A recording's score sums the log likelihoods of its frames.

    Args:
        data: Folder of data sets.
        split: `train` is what the mixtures are fitted to.
        components: Gaussians of each mixture, with diagonal covariances.
        parts: Numbers of the recordings to score.

    Returns:
        For each part, shape (recordings, WORDS).
    """
    recordings = load_recordings(data)
    frames = stage(data, "MFCC").numpy().transpose(0, 2, 1)
    there = sounding(recordings.length)
    train = frames[split.train][there[split.train]]
    mean, spread = train.mean(0), train.std(0)
    scores: list[list[np.ndarray]] = [[] for _ in parts]
    for digit in range(WORDS):
        mine = split.train[recordings.digit[split.train] == digit]
        fitted = GaussianMixture(
            components, covariance_type="diag", reg_covar=1e-2, tol=1e-2, random_state=0
        )
        fitted.fit((frames[mine][there[mine]] - mean) / spread)
        for part, totals in zip(parts, scores, strict=True):
            likelihood = fitted.score_samples(
                ((frames[part] - mean) / spread).reshape(-1, len(mean))
            )
            totals.append((likelihood.reshape(len(part), -1) * there[part]).sum(1))
    return [torch.from_numpy(np.stack(totals, axis=1)).float() for totals in scores]
