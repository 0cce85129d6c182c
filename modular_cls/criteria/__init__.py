"""What is minimised: from scores by name and targets by name to one number.

Each criterion is built with the schema, the number of training images of each joint class and,
where it asks for them, of each observation; it adds the training prior where its formula has one.

Its files, in the order to read them:

    criterion   what every criterion is
    likelihood  likelihoods of joint classes and of attributes
    groups      images that know some attributes only
    rebalanced  rare classes count for more than their share
"""

from modular_cls.criteria.criterion import Criterion, Objective, log_share, refuse_empty
from modular_cls.criteria.groups import LabelGroups
from modular_cls.criteria.likelihood import AttributeLikelihood, JointAndAttributes, JointLikelihood
from modular_cls.criteria.rebalanced import GroupDRO, LabelDistributionMargin, WeightedLikelihood

__all__ = [
    "AttributeLikelihood",
    "Criterion",
    "GroupDRO",
    "JointAndAttributes",
    "JointLikelihood",
    "LabelDistributionMargin",
    "LabelGroups",
    "Objective",
    "WeightedLikelihood",
    "log_share",
    "refuse_empty",
]
