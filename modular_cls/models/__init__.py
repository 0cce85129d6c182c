"""Models: one backbone, and joint classes scored modularly or flat."""

from modular_cls.models.flat import FlatClassifier
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.models.modular import ModularClassifier

__all__ = ["FlatClassifier", "JointClassifier", "ModularClassifier"]
