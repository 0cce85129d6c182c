"""The untrained model of a configuration."""

from modular_cls import models
from modular_cls.config import Config
from modular_cls.models.joint import JointClassifier
from modular_cls.parts import build_part
from modular_cls.schema import Schema


def build_model(
    config: Config, schema: Schema, network: JointClassifier | None = None
) -> JointClassifier:
    """Build the untrained model of a configuration; on the network of another model if given."""
    build = build_part(config.model, models, "model")
    model: JointClassifier = build(schema=schema, backbone=network or config.backbone)
    return model
