"""Models: one backbone, and joint classes scored modularly or flat.

Its files, in the order to read them:

    backbone          the shared network (timm): pictures -> (B, F)
    contract          what every network must do, and what to change where one does not
    hub               whether weights can be had, found out within seconds
    frozen_weights    weights of frozen networks, known by their digest
    heads             attribute heads and composite heads
    reachable         which joint classes additive heads identify from those seen
    prior             the share of each joint class expected in use
    by_space          buffers of a module, one for each joint space
    joint_classifier  what modular and flat share: joint scores -> probabilities
    modular           backbone -> attribute heads -> composite heads
    flat              backbone -> joint classes
    build             configuration -> untrained model
"""

from modular_cls.models.flat import FlatClassifier
from modular_cls.models.joint_classifier import JointClassifier
from modular_cls.models.modular import ModularClassifier

__all__ = ["FlatClassifier", "JointClassifier", "ModularClassifier"]
