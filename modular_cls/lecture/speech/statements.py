"""What the claim on speech states about its pipelines."""

from modular_cls.lecture.kit.statement import Role, Statement
from modular_cls.lecture.speech.nets import STAGES

MIXTURE = "MFCC, mixture"
NETS = {f"{name}, net": name for name in STAGES}
PIPELINES = (MIXTURE, *NETS)
ALL, FEW = "all", "100"
_NO_WORSE = -0.01
# What was handed over, by the pipeline that has it learned.
_ON = {"log-mel, net": "the mixtures and the DCT"}
_ON_EARLIER = "the filter bank and the DFT"
_ON_SPEAKERS = "speakers who merge"


def _errs_less(says: str, better: str, worse: str, recordings: str, by: float = 0.0) -> Statement:
    """With all recordings the claim's own; few are a control, for the claim says "given data"."""
    role: Role = "core" if recordings == ALL else "control"
    return Statement(
        says,
        "error",
        "error",
        {"pipeline": worse},
        {"pipeline": better},
        by=by,
        at={"recordings": recordings},
        role=role,
        on=_ON.get(better, _ON_EARLIER),
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
        role="core",
        on=_ON_SPEAKERS,
    ),
    Statement(
        "words explain more in the last hidden layer than in the input",
        "layers",
        "word",
        {"layer": "last hidden"},
        {"layer": "input"},
        at=_TRAINED,
        role="core",
        on=_ON_SPEAKERS,
    ),
    Statement(
        "words explain more in the last hidden layer of the trained net than of an untrained one",
        "layers",
        "word",
        {"net": "trained"},
        {"net": "untrained"},
        at={"layer": "last hidden"},
        role="control",
    ),
    Statement(
        "learned filters are nearer to the mel scale than untrained ones",
        "filters",
        "distance",
        {"net": "untrained"},
        {"net": "trained"},
        role="control",
    ),
)
