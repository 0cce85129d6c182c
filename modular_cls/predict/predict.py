"""Many pictures -> one table: `modular-cls predict`.

Can be interrupted at any time, and goes on where it stopped; a picture that changed meanwhile is
looked at again, one that has gone is an error.
"""

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import track

from modular_cls.errors import ConfigError, ImageError
from modular_cls.export.runtime import GraphNetwork
from modular_cls.predict.assumptions import Given, Prior
from modular_cls.predict.batches import BatchSizes
from modular_cls.predict.engine import Engine, load_predictor
from modular_cls.predict.named_pictures import Look, decode_pictures, find_pictures
from modular_cls.predict.predictions import Predictions
from modular_cls.predict.predictor import Predictor
from modular_cls.predict.table_parts import Parts
from modular_cls.predict.tables import check_table, write_table
from modular_cls.schema import Schema


@dataclass(frozen=True)
class Counted:
    """What a table holds.

    Attributes:
        images: Rows.
        bad: Rows that hold an error in place of a prediction.
        resumed: Rows that an interrupted job had left.
        changed: Rows that it had left, and that were made anew: their pictures changed since.
        known: Rows that needed no network: their features were kept when something was trained.
        left_out: What was left out of folders, in words.
        engine: What the network was computed with, in words.
    """

    images: int
    bad: int
    resumed: int
    changed: int
    known: int
    left_out: str
    engine: str


def predict(
    model: str | Path,
    images: Sequence[str],
    out: str | Path,
    root: str | None = None,
    prior: Prior = None,
    given: Given | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    overwrite: bool = False,
    progress: bool = True,
    engine: Engine = "auto",
) -> Counted:
    """Predict pictures with a run or an export, and write one row for each.

    The columns: `path`, `box` where a table has boxes, `error`; for each attribute and composite
    its most probable class, and the probability of each class (`hair`, `hair=short`, `hair=long`).
    A picture that cannot be decoded has an error and nothing else.

    Args:
        model: The folder of a run or an export.
        images: Files, folders, glob patterns, or tables of images; see `find_pictures`.
        out: Table to write: .csv, or .parquet (needs pyarrow).
        root: Folder that the paths of tables are relative to; default each table's own.
        prior: As for `Predictor`.
        given: What is known of all pictures, as for `Predictor`.
        batch_size: Pictures that pass the network at once; default what is fastest on the first
            ones.
        device: auto, cpu, cuda, cuda:1, mps ...
        overwrite: Replace a table that is there, and an interrupted job that is another.
        progress: Show a progress bar.
        engine: See `load_predictor`.

    Raises:
        ConfigError: If an argument cannot be used.
        ManifestError: If images are missing or a table of them cannot be used.
        OutputExistsError: If the table, or an interrupted job that is another, is there.
    """
    check_table(Path(out), overwrite)
    if batch_size is not None and batch_size < 1:
        raise ConfigError(f"--batch-size is {batch_size}; it must be at least 1")
    predictor, engine_name = load_predictor(Path(model), engine, device)
    terms = predictor.terms(prior, given)  # refuses what does not fit, before anything slow
    schema = predictor.schema
    parts = Parts(Path(out), describe_job(predictor, engine_name, prior, given), overwrite)
    known = {picture.path for picture in parts.pictures}
    pictures, left_out = find_pictures(images, schema, root, known)
    boxed = any(p.box for p in [*parts.pictures, *pictures])
    parts.begin(pictures, _header(schema, boxed))
    with parts:
        left = np.flatnonzero(~parts.done).tolist()
        decoded = decode_pictures(
            (parts.pictures[i] for i in left), predictor.pixels, predictor.kept_features()
        )
        numbered = zip(left, decoded, strict=True)
        sizes, met = BatchSizes(batch_size), 0
        each = iter(track(numbered, "Predicting", len(left), disable=not progress))
        for batch in sizes.cut(each):
            looked_at = [look for _, look in batch]
            good = [look.image for look in looked_at if isinstance(look.image, np.ndarray)]
            started = time.perf_counter()
            predicted = predictor.predict_decoded(good, *terms)
            sizes.took(time.perf_counter() - started, len(good))
            met += sum(image.ndim == 1 for image in good)
            rows = _rows(looked_at, predicted, boxed)
            signs = [look.sign for look in looked_at]
            parts.add([i for i, _ in batch], signs, rows)
    write_table(parts, {"path", "box", "error", *(o.name for o in schema.outputs)})
    bad = int(parts.bad.sum())
    return Counted(len(parts.pictures), bad, parts.kept, parts.changed, met, left_out, engine_name)


def parse_given(words: Iterable[str]) -> dict[str, str]:
    """Read `attribute=value` words.

    Raises ConfigError for one that is none, or an attribute given twice.
    """
    evidence: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals and value):
            raise ConfigError(f"--given {word}: write ATTRIBUTE=VALUE, as in gender=male")
        if name in evidence:
            raise ConfigError(f"--given {word}: {name} is given twice")
        evidence[name] = value
    return evidence


def describe_job(
    predictor: Predictor, engine: str, prior: Prior, evidence: Given | None
) -> dict[str, Any]:
    """What decides the numbers of a table beside its pictures."""
    model = _digest(predictor)
    return {"engine": engine, "model": model, "prior": prior, "given": evidence or {}}


def _rows(batch: Sequence[Look], predicted: Predictions, boxed: bool) -> list[list[str]]:
    columns: list[list[str]] = []
    for output in predicted.schema.outputs:
        columns.append(predicted.names(output.name))
        columns += [
            [f"{p:.6g}" for p in column]
            for column in predicted.probabilities[output.name].T.tolist()
        ]
    cells, blank = zip(*columns, strict=True), [""] * len(columns)
    rows = []
    for picture, image, _ in batch:
        rest = [_line(image), *blank] if isinstance(image, ImageError) else ["", *next(cells)]
        rows.append([picture.path, *([picture.box] if boxed else []), *rest])
    return rows


def _header(schema: Schema, boxed: bool) -> list[str]:
    header = ["path", *(["box"] if boxed else []), "error"]
    for output in schema.outputs:
        header += [output.name, *(f"{output.name}={name}" for name in output.class_names)]
    if repeated := sorted({name for name in header if header.count(name) > 1}):
        raise ConfigError(
            f"the table would have two columns called {', '.join(repeated)}; rename that in "
            "the schema"
        )
    return header


def _digest(predictor: Predictor) -> str:
    """Digest of the weights, the words and the scale of pixels: what decides the numbers."""
    digest = hashlib.blake2b(
        repr((predictor.schema.to_dict(), predictor.pixels, predictor.counts)).encode()
    )
    network = predictor.model.backbone
    if isinstance(network, GraphNetwork):
        digest.update(network.digest.encode())
    for name, value in predictor.model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _line(error: ImageError) -> str:
    return " ".join(str(error).split())
