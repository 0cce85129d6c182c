"""What the claim on speech states about its pipelines."""

from modular_cls.lecture.kit.statement import Statement
from modular_cls.lecture.spoken_nets import STAGES

MIXTURE = "MFCC, mixture"
NETS = {f"{name}, net": name for name in STAGES}
PIPELINES = (MIXTURE, *NETS)
ALL, FEW = "all", "100"
_NO_WORSE = -0.01


def _errs_less(says: str, better: str, worse: str, recordings: str, by: float = 0.0) -> Statement:
    at = {"recordings": recordings}
    return Statement(
        says, "error", "error", {"pipeline": worse}, {"pipeline": better}, by=by, at=at
    )


_TRAINED = {"net": "trained"}
STATEMENTS = (
    _errs_less(
        "with all recordings a net on log-mel errs less than mixtures on MFCC",
        "log-mel, net",
        MIXTURE,
        ALL,
    ),
    _errs_less(
        "the DCT handed over: on log-mel a net errs at most one point more than on MFCC",
        "log-mel, net",
        "MFCC, net",
        ALL,
        _NO_WORSE,
    ),
    _errs_less(
        "the filter bank handed over, too: on the spectrogram at most one point more than on "
        "log-mel",
        "spectrogram, net",
        "log-mel, net",
        ALL,
        _NO_WORSE,
    ),
    _errs_less(
        "the DFT handed over, too: on the waveform at most one point more than on log-mel",
        "waveform, net",
        "log-mel, net",
        ALL,
        _NO_WORSE,
    ),
    _errs_less(
        "with 100 recordings a net on log-mel errs less than one on waveforms",
        "log-mel, net",
        "waveform, net",
        FEW,
    ),
    _errs_less(
        "with 100 recordings mixtures on MFCC err less than a net on waveforms",
        MIXTURE,
        "waveform, net",
        FEW,
    ),
    Statement(
        "speakers explain less in the last hidden layer than in the input",
        "layers",
        "speaker",
        {"layer": "input"},
        {"layer": "last hidden"},
        at=_TRAINED,
    ),
    Statement(
        "words explain more in the last hidden layer than in the input",
        "layers",
        "word",
        {"layer": "last hidden"},
        {"layer": "input"},
        at=_TRAINED,
    ),
    Statement(
        "words explain more in the last hidden layer of the trained net than of an untrained one",
        "layers",
        "word",
        {"net": "trained"},
        {"net": "untrained"},
        at={"layer": "last hidden"},
    ),
    Statement(
        "learned filters are nearer to the mel scale than untrained ones",
        "filters",
        "distance",
        {"net": "untrained"},
        {"net": "trained"},
    ),
)
