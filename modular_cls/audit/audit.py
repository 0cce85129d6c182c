"""The whole audit: the table, its labels, its files, its pictures and their copies."""

from dataclasses import replace

import numpy as np

from modular_cls.audit.augmentation import judge_augmentation
from modular_cls.audit.copies import find_copies
from modular_cls.audit.coverage import judge_labels
from modular_cls.audit.disk import find_files
from modular_cls.audit.findings import LEVELS, Audit, Finding
from modular_cls.audit.inspection import look_at
from modular_cls.audit.label_counts import count_labels, make_scarce
from modular_cls.audit.quality import judge_pictures
from modular_cls.audit.table import read_leniently
from modular_cls.config import Config, Data

# What data.on_bad_image is about.
_SKIPPED = ("missing", "misnamed", "outside", "unreadable", "oversized", "unscaled")


def audit(config: Config, pictures: bool = True, progress: bool = True) -> Audit:
    """Look for what is wrong with the data set of a configuration.

    Args:
        config: Its `data` says where the set is; an empty `schema` is read off the table.
        pictures: Decode all pictures; otherwise files are only looked for.
        progress: Show a progress bar, on the standard error.

    Raises:
        ManifestError: If the manifest is missing or not a table.
        ConfigError: If no schema is given and no column looks like an attribute.
        SchemaError: If the schema does not fit together.
    """
    reading = read_leniently(config)
    manifest, findings = reading.manifest, list(reading.findings)
    scarce, problems = make_scarce(manifest, config)
    labels = count_labels(manifest, scarce.split("train"))
    findings += [
        *problems,
        *judge_labels(
            manifest,
            scarce.split("train"),
            labels,
            bool(config.data.scarcities),
            bool(config.training.validate_every),
        ),
    ]
    findings += judge_augmentation(config, manifest.schema)
    there, problems = find_files(manifest)
    findings += problems
    if pictures:
        seen = look_at(manifest, there.tolist(), progress, config.data.range)
        findings += judge_pictures(manifest, there, seen, config.data.height_width, config.data.fit)
        usable = np.array([not p.problem for p in seen], dtype=bool)
        findings += find_copies(manifest, there[usable], [p for p in seen if not p.problem])
    findings = _excused(findings, config.data, len(manifest))
    return Audit(
        manifest=config.data.manifest,
        root=str(manifest.root),
        rows=len(manifest),
        looked_at=len(there) if pictures else None,
        schema=manifest.schema,
        schema_from_table=reading.schema_from_table,
        labels=labels,
        findings=sorted(findings, key=lambda finding: LEVELS.index(finding.level)),
    )


def _excused(findings: list[Finding], data: Data, rows: int) -> list[Finding]:
    """Files that cannot be used are no error where training is told to skip so many."""
    bad = sum(f.count for f in findings if f.name in _SKIPPED)
    if data.on_bad_image != "skip" or bad > data.max_bad * rows:
        return findings
    return [replace(f, level="warning") if f.name in _SKIPPED else f for f in findings]
