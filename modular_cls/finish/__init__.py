"""Steps after the fit, the last part of a method; looked up by name in `__all__`."""

from modular_cls.finish.bias import FitBias
from modular_cls.finish.classifier import RetrainClassifier, ReweightFeatures
from modular_cls.finish.composite_fit import CorrectPrior, FitComposite
from modular_cls.finish.step import Features, FinishStep

__all__ = [
    "CorrectPrior",
    "Features",
    "FinishStep",
    "FitBias",
    "FitComposite",
    "RetrainClassifier",
    "ReweightFeatures",
]
