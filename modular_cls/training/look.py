"""A first look: the whole chain on a few pictures and updates, within seconds."""

from dataclasses import replace

from modular_cls.config import Config

_UPDATES, _BATCH = 10, 16
_RIDGES, _FOLDS = [1e-6, 1e-4, 1e-2], 3  # of heads that are solved


def first_look(config: Config, most: int) -> Config:
    """The same run on so many pictures at most, with a few small updates.

    Raises:
        ConfigError: If that is too few.
    """
    training, devices = config.training, config.training.devices
    batch = min(config.data.batch_size, max(1, _BATCH // devices) * devices)
    short = replace(
        training,
        updates=min(training.updates, _UPDATES),
        validate_every=min(training.validate_every, _UPDATES // 2),
    )
    heads = replace(
        config.heads, ridges=config.heads.ridges or _RIDGES, folds=min(config.heads.folds, _FOLDS)
    )
    data = replace(config.data, limit=most, batch_size=batch)
    return replace(config, data=data, training=short, heads=heads)
