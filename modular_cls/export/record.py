"""What an export keeps of its run so that it can be extended.

How it was trained, and scores of its images.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import yaml

from modular_cls.errors import ConfigError
from modular_cls.export.folder import MARKER, RECORD, RECORDED
from modular_cls.export.network import read_network
from modular_cls.export.read import read_export
from modular_cls.models.backbone import Description
from modular_cls.models.frozen_weights import keep
from modular_cls.parsing import read_config
from modular_cls.runs.folder import Run
from modular_cls.runs.scores import FILE
from modular_cls.runs.weights import changed, read_json, refuse

_NOT_HERE = "manifest of the training (it does not travel with an export)"


def write_record(folder: Path, run: Run, source: Path) -> None:
    """Keep the configuration, without where its pictures are, and the scores, if the run has any.

    Args:
        folder: The export, its backbone written already.
        run: The run.
        source: Its folder.
    """
    data = replace(run.config.data, manifest=_NOT_HERE, root=None, about=None)
    # As timm reads the export: the run's own backbone may have come from a folder elsewhere.
    network = replace(read_network(folder), pretrained=run.config.backbone.pretrained)
    config = replace(run.config, data=data, backbone=network)
    (folder / RECORD / "config.yaml").write_text(
        yaml.safe_dump(config.to_dict(), sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    if (source / FILE).is_file():
        shutil.copyfile(source / FILE, folder / RECORD / FILE)


def read_record(folder: Path) -> Run:
    """An export as the run that it was; its scores are in `folder / RECORD`.

    Raises:
        ConfigError: If the export is damaged, or was written without a record.
    """
    exported, described = read_export(folder), read_json(folder / MARKER)
    kept = [name for name in RECORDED if name in described["sha256"]]
    if f"{RECORD}/config.yaml" not in kept:
        raise ConfigError(
            f"{folder / MARKER} does not say how it was trained; export the run again with this "
            "version"
        )
    known = described["sha256"]
    refuse(folder, [wrong for name in kept if (wrong := changed(folder, name, known, MARKER))])
    config = read_config(folder / RECORD / "config.yaml")
    if exported.model.frozen:  # from now on its weights are known here by their digest
        digest = keep(exported.model.backbone)
        frozen = replace(config.backbone, pretrained=True, frozen=True, digest=digest)
        config = replace(config, backbone=frozen)
    metrics = {**(described.get("run") or {}), "train_counts": exported.counts}
    network, scale = config.backbone, (exported.pixels.mean, exported.pixels.std)
    known = Description(network.name, network.args, *scale, str(folder), network.digest)
    return Run(config, exported.model, metrics, known)
