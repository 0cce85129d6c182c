"""Stage by stage: what is no longer made by hand becomes a layer.

Spoken digits are recognised from every stage of the pipeline waveform, DFT, mel filter bank,
logarithm, DCT. At its end stands what came before deep learning, a Gaussian mixture per digit on
single frames of MFCC (with no model of their order, unlike the hidden Markov models that it was
part of). Then a net takes its place, and gets its input from an ever earlier stage: MFCC, log-mel,
the spectrogram, the waveform; what is no longer made by hand becomes its first layer. From there on
all nets are the same, have the same number of updates, and the learning rate (for mixtures the
number of Gaussians) is one of three, chosen by held-out takes of the training speakers (which are
far easier than a new voice, so that the choice is a rough one for all pipelines alike).

Equal updates are not equal convergence: nets on waveforms and spectrograms would gain from more of
them (`choice` holds the errors on voices that they know). So a stage that falls short here is not
shown to be unlearnable.

Every speaker is the test in turn and is never trained on. In the tables of errors and filters
`seed` is the number of that speaker in alphabetical order, and the intervals are over speakers: six
voices are the sample, a small one.

Published: Sainath et al. (Interspeech 2015, "Learning the speech front-end with raw waveform
CLDNNs") match log-mel by raw waveforms with over 2,000 hours of speech, and lower the word error
rate by 3 % (relative) with both together; here there are 22 minutes.
Mohamed, Hinton and Penn (ICASSP 2012, "Understanding how deep belief networks perform acoustic
modelling") show that speakers who say the same are far apart in the input and come together in the
higher layers. Here that is measured as the share of the variance that words and speakers explain in
each layer of the log-mel net, on takes not trained on, beside a net that was not trained at all;
that net is trained on all six speakers, and `seed` is a seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch.nn.functional as F
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from torch import Tensor

from modular_cls.lecture.kit.lab import Arrays, Cell, Lab, Plain
from modular_cls.lecture.kit.learning import outputs
from modular_cls.lecture.kit.recordings import load_recordings, recordings_at_hand
from modular_cls.lecture.speech import figures, statements
from modular_cls.lecture.speech.nets import (
    compared,
    digits,
    filter_responses,
    fitted,
    held_out_takes,
    hidden_layers,
    mixture_scores,
    share,
    stage,
    without_speaker,
)
from modular_cls.lecture.speech.statements import ALL, FEW, MIXTURE, NETS, PIPELINES

STATEMENTS = statements.STATEMENTS
TABLES = ("error", "layers", "filters", "choice")
SHOWN = 6  # words in the projections
_SETTLING = 50  # updates at rate 0: an untrained net whose batch norms know the data


@dataclass(frozen=True)
class Plan:
    """Numbers that depend on the size.

    Attributes:
        speakers: How many are held out in turn, if there are so many.
        recordings: To train on; "all" for all there are.
        updates: Of every net.
        seeds: Of the net whose layers are looked at.
        rates: Learning rates tried.
        gaussians: Numbers of Gaussians tried.
    """

    speakers: int
    recordings: tuple[str, ...]
    updates: int
    seeds: int
    rates: tuple[float, ...] = (2e-3, 8e-3, 3e-2)
    gaussians: tuple[int, ...] = (4, 12, 32)


_SIZES = {"quick": Plan(1, (FEW, ALL), 300, 1), "full": Plan(6, (FEW, "500", ALL), 900, 5)}

MEASURES = {
    "validation": "%",
    "error": "%",
    "word": "%",
    "speaker": "%",
    "distance": ",.0f",
    "widths": ".2f",
}


def needs(data: Path) -> object:
    """Which recordings are at hand; raises ConfigError where there are none that will do."""
    return recordings_at_hand(data)


def compute(lab: Lab) -> dict[str, pd.DataFrame]:
    """Errors of every pipeline, variance in the layers, and where learned filters lie."""
    plan = _plan(lab)
    tried = lab.table(recognise, _error_cells(plan))
    chosen = _chosen(tried, ["pipeline", "recordings", "seed"])
    layers = lab.table(explained, _layer_cells(plan))
    cells = _filter_cells(plan, chosen)
    return {
        "error": chosen[["pipeline", "recordings", "seed", "error"]],
        "layers": _chosen(layers, ["net", "layer", "seed"])[
            ["net", "layer", "seed", "word", "speaker"]
        ],
        "filters": _filter_table(lab.arrays(filters, cells), cells),
        "choice": tried[["pipeline", "recordings", "choice", "seed", "validation"]],
    }


def draw(lab: Lab, tables: dict[str, pd.DataFrame]) -> dict[str, Figure]:
    """Errors, shares of variance by layer, projections of the layers, responses of the filters."""
    plan = _plan(lab)
    layers = _chosen(lab.table(explained, _layer_cells(plan)), ["net", "layer", "seed"])
    first = layers[(layers["net"] == "trained") & (layers["seed"] == 0)].iloc[0]
    cell = {"choice": float(first["choice"]), "updates": plan.updates, "seed": 0}
    tried = lab.table(recognise, _error_cells(plan))
    cells = _filter_cells(plan, _chosen(tried, ["pipeline", "recordings", "seed"]))
    responses = dict(zip(("trained", "untrained"), lab.arrays(filters, cells)[:2], strict=True))
    return {
        "error": figures.errors(tables["error"], PIPELINES),
        "layers": figures.shares(tables["layers"]),
        "speakers": figures.projections(lab.arrays(projected, [cell])[0]),
        "filters": figures.filters({net: arrays["response"] for net, arrays in responses.items()}),
    }


def recognise(
    data: Path, *, pipeline: str, recordings: str, choice: float, updates: int, seed: int
) -> dict[str, float]:
    """Train one pipeline without one speaker.

    Args:
        data: Folder of data sets.
        pipeline: One of PIPELINES.
        recordings: Number to train on, or "all".
        choice: Learning rate, or number of Gaussians.
        updates: Of a net.
        seed: Number of the speaker held out.

    Returns:
        `validation` and `loss` on held-out takes of the training speakers, to choose by; `error` on
        the speaker held out, to report.
    """
    split = without_speaker(
        load_recordings(data), seed, None if recordings == ALL else int(recordings)
    )
    parts = (split.validation, split.test)
    if pipeline == MIXTURE:
        validation, test = mixture_scores(data, split, int(choice), parts)
    else:
        net = fitted(data, split, NETS[pipeline], choice, updates, seed)
        validation, test = (outputs(net, stage(data, NETS[pipeline])[part]) for part in parts)
    to_choose_by = _judged(validation, digits(data, split.validation))
    return to_choose_by | {"error": _judged(test, digits(data, split.test))["validation"]}


def explained(
    data: Path, *, net: str, choice: float, updates: int, seed: int
) -> list[dict[str, Plain]]:
    """Shares of the variance that words and speakers explain in each layer.

    Of a log-mel net, on held-out takes.

    Args:
        data: Folder of data sets.
        net: `trained` or `untrained`; only a name.
        choice: Learning rate; 0 for an untrained net.
        updates: Of the net, which is trained on all speakers.
        seed: Of the net.
    """
    recordings = load_recordings(data)
    split = held_out_takes(recordings)
    trained = fitted(data, split, "log-mel", choice, updates, seed)
    x = stage(data, "log-mel")
    quality = _judged(outputs(trained, x[split.validation]), digits(data, split.validation))
    words, speakers = recordings.digit[split.test], recordings.speaker[split.test]
    return [
        {
            "layer": layer,
            **quality,
            "word": share(values, words),
            "speaker": share(values, speakers),
        }
        for layer, values in hidden_layers(trained, x[split.test]).items()
    ]


def projected(data: Path, *, choice: float, updates: int, seed: int) -> Arrays:
    """The first two principal components of layers of the trained net, for SHOWN words.

    `{layer}`, shape (n, 2).
    """
    recordings = load_recordings(data)
    split = held_out_takes(recordings)
    test = split.test[recordings.digit[split.test] < SHOWN]
    net = fitted(data, split, "log-mel", choice, updates, seed)
    layers = hidden_layers(net, stage(data, "log-mel")[test])
    points = {
        layer: PCA(2, random_state=0).fit_transform(values) for layer, values in layers.items()
    }
    return points | {"words": recordings.digit[test], "speakers": recordings.speaker[test]}


def filters(data: Path, *, net: str, choice: float, updates: int, seed: int) -> Arrays:
    """Energy that each learned filter lets through.

    `response`, shape (BANDS, BINS), sorted by its highest place.

    Args:
        data: Folder of data sets.
        net: `trained` or `untrained`; only a name.
        choice: Learning rate; 0 for untrained filters.
        updates: Of the net, which is trained on all speakers but one.
        seed: Number of the speaker left out.
    """
    split = without_speaker(load_recordings(data), seed, None)
    trained = fitted(data, split, "waveform", choice, updates, seed)
    response = filter_responses(trained)
    return {"response": response[np.argsort(response.argmax(1), kind="stable")]}


def _plan(lab: Lab) -> Plan:
    plan = _SIZES[lab.size]
    return replace(plan, speakers=min(plan.speakers, len(load_recordings(lab.data).speakers)))


def _error_cells(plan: Plan) -> list[Cell]:
    return [
        {
            "pipeline": pipeline,
            "recordings": recordings,
            "choice": choice,
            "updates": plan.updates,
            "seed": speaker,
        }
        for pipeline in PIPELINES
        for recordings in plan.recordings
        for speaker in range(plan.speakers)
        for choice in (plan.gaussians if pipeline == MIXTURE else plan.rates)
    ]


def _layer_cells(plan: Plan) -> list[Cell]:
    return [
        {"net": net, "choice": choice, "updates": updates, "seed": seed}
        for seed in range(plan.seeds)
        for net, updates, choices in (
            ("trained", plan.updates, plan.rates),
            ("untrained", _SETTLING, (0.0,)),
        )
        for choice in choices
    ]


def _filter_cells(plan: Plan, chosen: pd.DataFrame) -> list[Cell]:
    """Waveform nets as they were chosen, and untrained ones."""
    best = chosen[
        (chosen["pipeline"] == "waveform, net") & (chosen["recordings"] == ALL)
    ].set_index("seed")["choice"]
    return [
        {"net": net, "choice": choice, "updates": updates, "seed": speaker}
        for speaker in range(plan.speakers)
        for net, updates, choice in (
            ("trained", plan.updates, float(best[speaker])),
            ("untrained", _SETTLING, 0.0),
        )
    ]


def _filter_table(arrays: Sequence[Arrays], cells: Sequence[Cell]) -> pd.DataFrame:
    each = zip(cells, arrays, strict=True)
    rows = [{"net": c["net"], "seed": c["seed"], **compared(f["response"])} for c, f in each]
    return pd.DataFrame(rows)


def _chosen(tried: pd.DataFrame, settings: list[str]) -> pd.DataFrame:
    """Of the choices tried in each setting the one with the lowest validation error, then loss."""
    return (
        tried.sort_values(["validation", "loss"], kind="stable")
        .drop_duplicates(settings)
        .sort_index()
    )


def _judged(scores: Tensor, labels: Tensor) -> dict[str, float]:
    wrong = float((scores.argmax(1) != labels).float().mean())
    return {"validation": wrong, "loss": float(F.cross_entropy(scores, labels))}
