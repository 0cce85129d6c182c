"""The configuration: what a YAML file may say, as typed dataclasses.

No torch here: `--help` is instant. A method is a configuration: a model, a criterion and finish
steps, each a *part*: a class of this package and its arguments (parts.py).

Its files, in the order to read them:

    data      pictures: where they are, and what is done to them
    training  how a network is trained
    varied    what a study varies: scarcity, and the one knob of a method
    shipped   the configurations that come with the package
    bases     a file, and those that it stands on (`base:`)
    config    the run as a whole: backbone, heads, prediction, and the above
"""

from modular_cls.config.config import Backbone, Config, Heads, Part, Prediction
from modular_cls.config.data import DATA_VARIABLE, Augment, Data, expand
from modular_cls.config.training import Training
from modular_cls.config.varied import Knob, Scarcity

__all__ = [
    "DATA_VARIABLE",
    "Augment",
    "Backbone",
    "Config",
    "Data",
    "Heads",
    "Knob",
    "Part",
    "Prediction",
    "Scarcity",
    "Training",
    "expand",
]
