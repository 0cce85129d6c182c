"""The untrained model of a configuration."""

from dataclasses import replace

from modular_cls import models
from modular_cls.config import Config
from modular_cls.models.joint import JointClassifier
from modular_cls.parts import build_part
from modular_cls.schema import Schema


def build_model(config: Config, schema: Schema, pretrained: bool | None = None) -> JointClassifier:
    """Build the untrained model of a configuration.

    `pretrained` overrides the backbone's setting.
    """
    backbone = (
        config.backbone if pretrained is None else replace(config.backbone, pretrained=pretrained)
    )
    model: JointClassifier = build_part(config.model, models, "model")(
        schema=schema, backbone=backbone
    )
    return model
