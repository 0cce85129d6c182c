"""Whether what is done to training images leaves their labels true."""

from collections.abc import Iterator

from modular_cls.audit.findings import Finding
from modular_cls.config import Config
from modular_cls.data.contradictions import find_contradictions
from modular_cls.errors import ConfigError
from modular_cls.schema import Schema


def judge_augmentation(config: Config, schema: Schema) -> Iterator[Finding]:
    """Judge the random changes of a configuration; a frozen backbone sees none."""
    if config.backbone.frozen:
        return
    if config.data.augmentation is not None:
        # An audit that needs no albumentations does not wait for it.
        from modular_cls.data.pipelines import check_pipeline

        try:
            check_pipeline(config.data.augmentation, config.data.height_width)
        except ConfigError as error:
            what = f"random changes that cannot be made: {error}"
            yield Finding("error", "augmentation", 1, what, "correct data.augmentation")
            return
    for contradiction in find_contradictions(schema, config.data):
        what = f"labels that training makes wrong, for {contradiction.change}"
        yield Finding(
            "warning",
            "contradicted",
            len(contradiction.labels),
            what,
            contradiction.cure,
            contradiction.labels,
        )
