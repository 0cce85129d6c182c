"""Spoken digits frame by frame, as in 2011.

A net hears 11 frames of a recording (log-mel, 40 bands, a frame every 10 ms; the nets of 2011 heard
nine or eleven) and says which digit they are from; a recording is the digit whose logarithms of
probability, summed over every second frame that sounds, are largest. Nets have 1, 2, 3, 4, 5 or 7
hidden layers of 64 units, or one layer with as many parameters as those of 5 or of 7 (`twin`): the
grid of Seide, Li and Yu, with a thirtieth of their units. Every speaker in turn is never heard in
training (`seed` is the number of that speaker in alphabetical order); the next one is held out,
too, for early stopping and for the learning rate, one of three for each net, chosen with the first
speaker. The others are heard as they are, faster, slower (by 10 %) and with noise (20 dB below the
speech), the same for all nets, which have up to 1,500 updates of 256 frames.

What 22 minutes by six speakers can show: whether depth pays on a voice never heard, if it pays by
several points. What they cannot show: a difference of one or two points, for between speakers the
error varies by far more; nor what 300 hours by hundreds of speakers do for a deep net.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from scipy.signal import resample_poly  # type: ignore[attr-defined]
from torch import Tensor, nn

from modular_cls.lecture.depth.pictures import spoken_are_there
from modular_cls.lecture.kit.curves import curve, frame
from modular_cls.lecture.kit.lab import Cell, Lab
from modular_cls.lecture.kit.learning import fit, outputs, seeded
from modular_cls.lecture.kit.nets import fully_connected, he, parameters, width_for
from modular_cls.lecture.kit.published import draw_seide
from modular_cls.lecture.kit.rates import tuned
from modular_cls.lecture.kit.recordings import (
    BANDS,
    SAMPLES,
    load_recordings,
    log_mel,
    sounding,
)
from modular_cls.lecture.kit.statement import Statement

DEPTHS = (1, 2, 3, 4, 5, 7)
TWINS = (5, 7)
UNITS, HEARD, DIGITS = 64, 11, 10
_EVERY = 2  # of the frames that sound, one is the middle of what a net hears
_RATES = (1e-3, 4e-3, 1.6e-2)
_SPEEDS = (1.0, 0.9, 1.1)
_TENTH = 10
_NOISE = 0.1  # of a recording's mean square 1: 20 dB below
_BATCH = 256


@dataclass(frozen=True)
class _Size:
    speakers: int
    updates: int


_SIZES = {"quick": _Size(1, 150), "full": _Size(6, 1500)}


def _less(layers: int, more: Mapping[str, object], says: str) -> Statement:
    return Statement(
        f"spoken digits, {HEARD} frames: {layers} layers of {UNITS} units err less than {says}",
        "frames",
        "test error",
        more,
        {"layers": layers, "twin": 0},
        at={"heard": HEARD},
        role="core",
        on="nets that hear eleven frames of speech",
    )


STATEMENTS = (
    *(_less(n, {"layers": 1, "twin": 0}, f"1 layer of {UNITS} units") for n in (3, 5, 7)),
    *(_less(n, {"layers": 1, "twin": n}, "1 layer with as many parameters") for n in TWINS),
)
TABLES = ("frames",)
MEASURES = {
    "parameters": ",.0f",
    "frame error": "%",
    "validation error": "%",
    "test error": "%",
}


@dataclass(frozen=True)
class Heard:
    """Frames of some recordings.

    Attributes:
        frames: What a net hears, shape (frames, HEARD * BANDS).
        digit: What each is from, shape (frames,).
        recording: Number of the recording that each is from, from 0 on, shape (frames,).
    """

    frames: Tensor
    digit: Tensor
    recording: Tensor

    def error(self, scores: Tensor) -> float:
        """Share of recordings whose summed scores, (frames, DIGITS), are largest elsewhere."""
        count = int(self.recording.max()) + 1
        summed = torch.zeros(count, DIGITS).index_add(0, self.recording, scores)
        said = torch.zeros(count, dtype=torch.long).scatter(0, self.recording, self.digit)
        return float((summed.argmax(1) != said).float().mean())


def faster(wave: np.ndarray, length: int, speed: float) -> tuple[np.ndarray, int]:
    """A recording played faster or slower, as long as before: its sound cut, or zeros behind it.

    Args:
        wave: Shape (SAMPLES,).
        length: Samples that are sound.
        speed: In tenths; above 1 is faster, and higher.

    Returns:
        Shape (SAMPLES,), and how many samples are sound.
    """
    played = resample_poly(wave[:length], _TENTH, round(_TENTH * speed))[:SAMPLES]
    return np.pad(played, (0, SAMPLES - len(played))), len(played)


@cache
def _spoken(data: Path, way: int) -> tuple[np.ndarray, np.ndarray]:
    """All recordings in one way: as they are, slower, faster, with noise; once in a process.

    Returns:
        Bands with frames beside them on both sides, shape (recordings, BANDS, FRAMES + HEARD - 1),
        and which frames sound.
    """
    recordings = load_recordings(data)
    waves, length = recordings.waves, recordings.length
    if way == len(_SPEEDS):
        noise = np.random.default_rng(0).standard_normal(waves.shape)
        waves = (waves + _NOISE * noise).astype(np.float32)
    elif (speed := _SPEEDS[way]) != 1:
        played = [faster(w, n, speed) for w, n in zip(waves, length, strict=True)]
        waves = np.stack([wave for wave, _ in played])
        length = np.array([n for _, n in played])
    side = HEARD // 2
    return np.pad(log_mel(waves), ((0, 0), (0, 0), (side, side)), mode="edge"), sounding(length)


def hear(data: Path, recordings: np.ndarray, ways: int) -> Heard:
    """Frames of some recordings, given by number, in the first so many ways; not standardised."""
    digits = load_recordings(data).digit
    frames, digit, of = [], [], []
    for way in range(ways):
        bands, there = _spoken(data, way)
        for number, i in enumerate(recordings):
            windows = np.lib.stride_tricks.sliding_window_view(bands[i], HEARD, axis=1)
            mine = windows[:, there[i]][:, ::_EVERY].transpose(1, 2, 0).reshape(-1, HEARD * BANDS)
            frames.append(mine)
            digit.append(np.full(len(mine), digits[i]))
            of.append(np.full(len(mine), number))
    joined = (torch.from_numpy(np.concatenate(each)) for each in (frames, digit, of))
    return Heard(*joined)


@lru_cache(maxsize=1)
def split(data: Path, speaker: int) -> tuple[Heard, Heard, Heard]:
    """Frames to train on, of the next speaker to stop by, and of the speaker held out.

    Shifted and scaled by mean and deviation of each number over the frames to train on.
    """
    recordings = load_recordings(data)
    held = [recordings.speakers[(speaker + i) % len(recordings.speakers)] for i in range(2)]
    test, stop = (np.flatnonzero(recordings.speaker == name) for name in held)
    train = np.flatnonzero(~np.isin(recordings.speaker, held))
    parts = [hear(data, train, len(_SPEEDS) + 1), hear(data, stop, 1), hear(data, test, 1)]
    mean, deviation = parts[0].frames.mean(0), parts[0].frames.std(0)
    for part in parts:
        part.frames.sub_(mean).div_(deviation)  # in place, for they are many
    return parts[0], parts[1], parts[2]


def frame_net(layers: int, twin: int) -> nn.Module:
    """A net of some hidden layers; a twin of one layer has as many parameters as `twin` layers."""

    def build(widths: list[int]) -> nn.Module:
        return he(fully_connected(HEARD * BANDS, widths, DIGITS))

    if not twin:
        return build([UNITS] * layers)
    with torch.device("meta"):
        budget = parameters(build([UNITS] * twin))
    return build([width_for(lambda width: build([width]), budget)])


def hear_digits(
    data: Path, *, layers: int, twin: int, updates: int, rate: float, seed: int
) -> dict[str, float]:
    """Train one net and test it on a speaker never heard.

    Args:
        data: Folder of data sets.
        layers: Hidden layers.
        twin: Number of layers whose parameters a net of one layer has; 0 for none.
        updates: Batches at most.
        rate: Highest learning rate.
        seed: Number of the speaker held out; also of weights and order.
    """
    train, stop, test = split(data, seed)
    net = seeded(lambda: frame_net(layers, twin), seed)

    def judge(net: nn.Module) -> float:
        return float(F.cross_entropy(outputs(net, stop.frames), stop.digit))

    fit(net, train.frames, train.digit, updates=updates, rate=rate, seed=seed, batch=_BATCH,
        judge=judge)  # fmt: skip
    scores = {s: outputs(net, p.frames).log_softmax(1) for s, p in (("stop", stop), ("test", test))}
    wrong = scores["test"].argmax(1) != test.digit
    return {
        "heard": HEARD,
        "parameters": parameters(net),
        "frame error": float(wrong.float().mean()),
        "validation error": stop.error(scores["stop"]),
        "test error": test.error(scores["test"]),
    }


def compute(lab: Lab) -> dict[str, pd.DataFrame]:
    """Every net for every speaker; nothing where there are no recordings."""
    if not spoken_are_there(lab.data):
        return {"frames": pd.DataFrame(columns=["layers", "twin", "heard", "seed", *MEASURES])}
    size = _SIZES[lab.size]
    grid = [(layers, 0) for layers in DEPTHS]
    grid += [(1, twin) for twin in TWINS]
    nets: list[Cell] = [{"layers": n, "twin": t, "updates": size.updates} for n, t in grid]
    speakers = min(size.speakers, len(load_recordings(lab.data).speakers))
    return {"frames": tuned(lab, hear_digits, nets, _RATES, speakers)}


def draw(lab: Lab, tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Our curve beside the published one; no figure where there are no recordings."""
    errors = tables["frames"]
    if not len(errors):
        return {}
    figure = Figure(figsize=(9, 4), layout="constrained")
    ours, theirs = figure.subplots(1, 2)
    curve(ours, errors[errors["twin"] == 0], "layers", "test error", 0, f"layers of {UNITS} units")
    twins = errors[errors["twin"] != 0]
    curve(ours, twins, "twin", "test error", 2, "1 layer, as many parameters")
    frame(ours, "a speaker never heard: word error", "hidden layers", percent=True)
    draw_seide(theirs)
    frame(theirs, "published: word error", "hidden layers", percent=True)
    for axis, room, place in ((ours, 1.35, "upper right"), (theirs, 1.05, "lower left")):
        axis.set_xticks(DEPTHS)
        axis.set_ylim(0, room * axis.get_ylim()[1])  # speakers differ so much that bars go far down
        axis.legend(frameon=False, loc=place)
    return {"frames": figure}
