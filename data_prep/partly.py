r"""Two sets of drawn faces -> one, most of it labelled on hair only or on gender only.

    modular-cls faces --out data/faces
    modular-cls faces --out data/faces_pool --seed 1 --per-class 2700
    python data_prep/partly.py data/faces data/faces_pool --pool common \
        --out data/faces_partly_common/manifest.csv

"Men and women are easy to collect, long and short hair too": the first set keeps its labels, the
second is the pool. Pictures' paths are relative to the folder that holds both.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from converter import command_line, run

from modular_cls.data.faces.write import SCHEMA
from modular_cls.data.manifest import UNKNOWN, Manifest
from modular_cls.errors import ConfigError, ManifestError

POOLS = ("common", "even")
RARE = {"hair": "long", "gender": "male"}


def convert(labelled: Path, pool: Path, kind: str = "common", each: int = 4000) -> Manifest:
    """Put the labelled faces and the pool together.

    Args:
        labelled: Folder of drawn faces, all kept with their labels.
        pool: Folder of other drawn faces; training faces are taken from it.
        kind: `common` takes as many of each joint class except the rare one, `even` as many of
            each.
        each: Faces labelled on hair only, and as many others labelled on gender only.

    Raises:
        ConfigError: If `kind` is none, or both folders are one.
        ManifestError: If the pool has too few faces.
    """
    if kind not in POOLS:
        raise ConfigError(f"pool must be one of {', '.join(POOLS)}; got {kind!r}")
    if labelled.resolve() == pool.resolve():
        raise ConfigError(
            f"the pool must be another set of faces than {labelled}: draw one with another --seed"
        )
    root = Path(os.path.commonpath([labelled.absolute(), pool.absolute()]))
    parts = [_moved(Manifest.read(labelled / "manifest.csv", SCHEMA), root)]
    sources = [_named("labelled", len(parts[0]))]
    taken = _moved(Manifest.read(pool / "manifest.csv", SCHEMA).split("train"), root)
    targets = taken.targets(SCHEMA.composites[0])
    rare = SCHEMA.composites[0].contains(RARE)
    classes = [z for z in range(SCHEMA.composites[0].size) if kind == "even" or z not in rare]
    size = each // len(classes)
    for i, attribute in enumerate(SCHEMA.attributes):
        chosen = np.concatenate(
            [np.flatnonzero(targets == z)[i * size : (i + 1) * size] for z in classes]
        )
        if len(chosen) < size * len(classes):
            needed = size * len(SCHEMA.attributes)
            raise ManifestError(
                pool, [f"{needed:,} training faces of each joint class are needed: draw more"]
            )
        labels = np.full((len(chosen), len(SCHEMA.attributes)), UNKNOWN, dtype=np.int16)
        labels[:, i] = taken.labels[chosen, i]
        part = taken.select(chosen)
        parts.append(replace(part, labels=labels))
        sources.append(_named(attribute.name, len(part)))
    source = np.concatenate(sources)
    return Manifest(
        SCHEMA,
        root,
        paths=np.concatenate([part.paths for part in parts]),
        splits=np.concatenate([part.splits for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        rows=np.arange(len(source)) + 2,
        extra={"source": source},
    )


def _named(source: str, rows: int) -> np.ndarray:
    return np.full(rows, source, dtype=object)


def _moved(manifest: Manifest, root: Path) -> Manifest:
    """The same pictures with paths from another root."""
    inside = os.path.relpath(manifest.root.absolute(), root)
    paths = np.array([f"{inside}/{path}" for path in manifest.paths], dtype=object)
    return Manifest(manifest.schema, root, paths, manifest.splits, manifest.labels, manifest.rows)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = command_line(
        "Drawn faces, most of them labelled on one attribute only.",
        "labelled",
        "folder of drawn faces that keep their labels",
        also=False,
    )
    parser.add_argument("pool", type=Path, metavar="folder", help="folder of other drawn faces")
    parser.add_argument(
        "--pool",
        dest="kind",
        choices=POOLS,
        default="common",
        help="joint classes in the pool: all but long-haired men, or all alike",
    )
    parser.add_argument(
        "--each", type=int, default=4000, help="faces labelled on hair only, and on gender only"
    )
    return run(
        parser,
        lambda options: convert(options.labelled, options.pool, options.kind, options.each),
        arguments,
    )


if __name__ == "__main__":
    sys.exit(main())
