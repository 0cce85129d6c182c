"""The untrained model of a configuration."""

from modular_cls import models
from modular_cls.config import Config, Part
from modular_cls.models.joint_classifier import JointClassifier, Stem
from modular_cls.parts import build_part
from modular_cls.schema import Schema


def model_part(config: Config) -> Part:
    """The model as it is built: a network from scratch has no direct heads.

    They need features that know joint classes apart by themselves; learned beside attribute heads
    from scratch, they make those worse.
    """
    known = config.backbone.frozen or config.backbone.pretrained
    return config.model if known else {k: v for k, v in config.model.items() if k != "interaction"}


def build_model(config: Config, schema: Schema, network: Stem | None = None) -> JointClassifier:
    """Build the untrained model of a configuration; on another network if given."""
    build = build_part(model_part(config), models, JointClassifier, "model")
    return build(schema=schema, backbone=config.backbone if network is None else network)
