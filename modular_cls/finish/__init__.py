"""Steps after the fit, the last part of a method; looked up by name in `__all__`.

Its files, in the order to read them:

    step           what every step is
    bias           the fitted and the extrapolated bias of joint classes
    match          what confusion says of the bias of an unseen class
    composite_fit  composite heads on finished attribute heads; corrected priors
    classifier     the last layer of a flat classifier, anew
    outputs        what is concluded from attributes
"""

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
