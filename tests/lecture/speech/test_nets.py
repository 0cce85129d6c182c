"""Recognisers from any stage of the pipeline."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from modular_cls.lecture.kit.recordings import (
    BANDS,
    BINS,
    FRAMES,
    HOP,
    RATE,
    SAMPLES,
    WINDOW,
    Recordings,
    load_recordings,
    log_mel,
    mel_filters,
    sounding,
)
from modular_cls.lecture.speech.nets import (
    LAYERS,
    STAGES,
    LogEnergy,
    compared,
    filter_responses,
    held_out_takes,
    hidden_layers,
    mixture_scores,
    recogniser,
    share,
    stage,
    without_speaker,
)


def silent(speakers, takes):
    each = list(itertools.product([f"s{i}" for i in range(speakers)], range(10), range(takes)))
    speaker, digit, take = (np.array(column) for column in zip(*each, strict=True))
    return Recordings(np.zeros((len(each), 1)), np.ones(len(each)), digit, speaker, take)


@given(
    speakers=st.integers(3, 6),
    takes=st.integers(4, 30),
    count=st.none() | st.integers(1, 900),
    data=st.data(),
)
def test_the_speaker_held_out_is_never_trained_on(speakers, takes, count, data):
    recordings, held = silent(speakers, takes), data.draw(st.integers(0, speakers - 1))
    split = without_speaker(recordings, held, count)
    theirs = recordings.speaker == f"s{held}"
    assert split.test.tolist() == np.flatnonzero(theirs).tolist()
    assert not theirs[split.train].any()
    assert not theirs[split.validation].any()
    assert not set(split.train) & set(split.validation)
    everything = (speakers - 1) * 10 * (takes - max(1, takes // 10))
    assert len(set(split.train)) == len(split.train) == min(count or everything, everything)
    if count:
        more = without_speaker(recordings, held, count + 7).train
        assert set(split.train) <= set(more)
        numbers = np.zeros((speakers, 10), dtype=int)
        np.add.at(
            numbers,
            ([int(s[1:]) for s in recordings.speaker[split.train]], recordings.digit[split.train]),
            1,
        )
        others = np.delete(numbers, held, axis=0)
        assert others.max() - others.min() <= 1


@given(speakers=st.integers(3, 5), takes=st.integers(4, 30))
def test_takes_held_out_are_of_all_speakers(speakers, takes):
    recordings = silent(speakers, takes)
    split = held_out_takes(recordings)
    assert sorted(np.concatenate([split.train, split.validation, split.test])) == list(
        range(len(recordings.take))
    )
    for part in (split.train, split.validation, split.test):
        assert (
            len(set(zip(recordings.speaker[part], recordings.digit[part], strict=True)))
            == speakers * 10
        )


def test_shares_of_variance():
    rng = np.random.default_rng(0)
    words, speakers = np.repeat(np.arange(4), 15), np.tile(np.repeat(np.arange(3), 5), 4)
    values = rng.standard_normal((60, 7)) + rng.standard_normal((4, 7))[words]
    between = total = 0.0
    for column in values.T:
        for value, word in zip(column, words, strict=True):
            total += (value - column.mean()) ** 2
            between += (column[words == word].mean() - column.mean()) ** 2
    assert share(values, words) == pytest.approx(between / total)
    only_words = rng.standard_normal((4, 7))[words]
    assert share(only_words, words) == pytest.approx(1)
    assert share(only_words, speakers) == pytest.approx(0, abs=1e-12)
    both = only_words + rng.standard_normal((3, 7))[speakers]
    assert share(both, words) + share(both, speakers) == pytest.approx(1)
    assert share(np.ones((60, 2)), words) == 0


def test_one_gaussian_is_the_normal_density(data):
    recordings, split = load_recordings(data), held_out_takes(load_recordings(data))
    (scores,) = mixture_scores(data, split, 1, (split.test,))
    frames, there = stage(data, "MFCC").numpy().transpose(0, 2, 1), sounding(recordings.length)
    train = np.concatenate([frames[i][there[i]] for i in split.train])
    mean, spread = train.mean(0), train.std(0)
    mine = [i for i in split.train if recordings.digit[i] == 3]
    digit = np.concatenate([(frames[i][there[i]] - mean) / spread for i in mine])
    density = norm(
        digit.mean(0), np.sqrt(digit.var(0) + 1e-2)
    )  # reg_covar is added to the variance
    for row, i in enumerate(split.test):
        expected = density.logpdf((frames[i][there[i]] - mean) / spread).sum()
        assert float(scores[row, 3]) == pytest.approx(expected, rel=1e-3, abs=0.5)
    labels = torch.tensor(recordings.digit[split.test])
    assert (scores.argmax(1) == labels).float().mean() > 0.5


def test_pairs_of_filters_are_a_dft_whatever_the_phase():
    net, hertz = recogniser("waveform"), 80 * np.arange(1, BANDS + 1)
    time = np.arange(WINDOW) / RATE
    pairs = [f(2 * np.pi * h * time) for h in hertz for f in (np.cos, np.sin)]
    with torch.no_grad():
        net[0][0].weight.copy_(torch.tensor(np.stack(pairs)[:, None]))
    response = filter_responses(net)
    assert np.abs(response.argmax(1) * RATE / 2 / (BINS - 1) - hertz).max() <= RATE / 2 / (BINS - 1)
    phases = torch.linspace(0, 3, 4)[:, None]
    waves = torch.cos(2 * torch.pi * 800 * torch.arange(SAMPLES) / RATE + phases)[:, None]
    energy = net[0][:2](waves)
    assert energy.shape == (4, BANDS, FRAMES)
    middle = energy[:, list(hertz).index(800), FRAMES // 2]
    assert torch.allclose(middle, torch.full((4,), 2 * np.log(WINDOW / 2)), atol=1e-2)


def test_compared_with_mel_filters():
    same = compared(mel_filters())
    assert same["distance"] == 0
    assert same["widths"] > 0.9
    low = np.full((BANDS, BINS), 1e-3)
    low[np.arange(BANDS), 1 + np.arange(BANDS) % 2] = 1  # all at the bottom
    low[:, 7] = np.linspace(0, 0.5, BANDS)
    hertz = np.arange(BINS) * RATE / 2 / (BINS - 1)
    mel = 2595 * np.log10(1 + hertz / 700)
    far = np.sort(mel[mel_filters().argmax(1)]) - np.sort(mel[low.argmax(1)])
    assert compared(low)["distance"] == pytest.approx(np.abs(far).mean())


@pytest.mark.parametrize("name", STAGES)
def test_nets_differ_in_their_front_only(name, data):
    net, reference = recogniser(name), recogniser("log-mel")
    x = stage(data, name)[:3]
    assert net(x).shape == (3, 10)
    assert list(hidden_layers(net, x)) == ["input", *LAYERS]
    assert [p.shape for p in net[2:].parameters()] == [p.shape for p in reference[2:].parameters()]


def test_hidden_layers_lead_to_the_output(data):
    net, x = recogniser("log-mel").eval(), stage(data, "log-mel")[:5]
    found = hidden_layers(net, x)
    assert np.allclose(
        found["input"], log_mel(load_recordings(data).waves[:5]).reshape(5, -1), atol=1e-5
    )
    assert torch.allclose(net[-1](torch.from_numpy(found["last hidden"])), net(x), atol=1e-5)
    assert torch.equal(
        LogEnergy(paired=False)(torch.tensor([[[3.0]]])), torch.log(torch.tensor([[[9.001]]]))
    )


def test_a_stage_is_one_frame_every_hop():
    assert SAMPLES // HOP + 1 == FRAMES
    waves = torch.zeros(1, 1, SAMPLES)
    assert recogniser("waveform")[0](waves.expand(2, 1, SAMPLES)).shape == (2, BANDS, FRAMES)
