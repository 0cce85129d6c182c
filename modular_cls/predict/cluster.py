"""Millions of pictures -> one table in parts, on a dask cluster or any executor.

The table is a folder: a Parquet file for each shard of some thousand pictures, put in its place
when it is whole, and `_SUCCESS` when all are. Begun again, a job goes on with the parts that are
missing; a worker that dies costs its shard. Readers of Parquet leave files with _ aside.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from modular_cls.errors import ConfigError, ManifestError, ModularClsError, OutputExistsError
from modular_cls.files import replacing_file
from modular_cls.jobs.meter import Meter
from modular_cls.jobs.pieces import Piece, run_pieces
from modular_cls.predict.mapped import TablePredictor
from modular_cls.predict.named_pictures import find_pictures, is_table
from modular_cls.predict.predict import Counted, describe_job
from modular_cls.predict.tables import count_errors, write_part

SUCCESS, _JOB = "_SUCCESS", "_job.json"
SHARD = 2000
_SHOWN = 5


class Source(NamedTuple):
    """Pictures that have a root in common.

    Attributes:
        root: Folder that the paths are relative to; None where they are as they were given.
        paths: Shape (N,), objects of type str.
        boxes: Likewise, blank for all of a picture; None where there are none.
    """

    root: str | None
    paths: np.ndarray
    boxes: np.ndarray | None


def predict_on(
    executor: Executor,
    predictor: TablePredictor,
    images: Sequence[str],
    out: Path,
    root: str | None = None,
    overwrite: bool = False,
    shard: int = SHARD,
) -> Counted:
    """Predict pictures on an executor, whose workers see the same files.

    Args:
        executor: For example dask's `Client(...).get_executor()`.
        predictor: What predicts; its root is set by the tables.
        images: As for `predict`.
        out: The folder to write, NAME.parquet.
        root: As for `predict`.
        overwrite: Replace a finished table, and an interrupted job that is another.
        shard: Pictures of a part.

    Raises:
        ConfigError: If an argument cannot be used.
        ManifestError: If images are missing or a table of them cannot be used.
        OutputExistsError: If the table, or an interrupted job that is another, is there.
        ModularClsError: If shards failed; all others are kept.
    """
    _check_out(out, overwrite)
    if shard < 1:
        raise ConfigError(f"--shard is {shard}; it must be at least 1")
    predictor.predictor.terms(predictor.prior, predictor.given)
    sources, left_out = _sources(images, predictor, root)
    total = sum(len(source.paths) for source in sources)
    _begin(out, _job_of(predictor) | _described(sources, shard), overwrite)
    shards = list(enumerate(_cut(sources, shard)))
    missing = [(i, s) for i, s in shards if not (out / _name(i)).is_file()]
    pieces = ((i, (predictor, *s, out / _name(i))) for i, s in missing)
    failed: list[Piece[int]] = []
    with Meter("Shards", len(missing)) as meter:
        for piece in run_pieces(executor, predict_shard, pieces):
            if piece.error:
                failed.append(piece)
            else:
                meter.count(_name(piece.number))
    if failed:
        reasons = [f"{_name(piece.number)}: {piece.error}" for piece in failed[:_SHOWN]]
        raise ModularClsError(
            f"{len(failed):,} of {len(shards):,} shards failed, the others are kept; the same "
            "command goes on with these:\n  " + "\n  ".join(reasons)
        )
    bad = sum(count_errors(out / _name(i)) for i, _ in shards)
    with replacing_file(out / SUCCESS) as partial:
        partial.write_text(f"{total} rows\n", encoding="utf-8")
    kept = total - sum(len(source.paths) for _, source in missing)
    return Counted(total, bad, kept, 0, 0, left_out, predictor.engine)


def predict_shard(
    predictor: TablePredictor, root: str | None, paths: Any, boxes: Any, part: Path
) -> int:
    """Predict a shard and put its part in its place; a function of a module, for any executor.

    Returns how many of its pictures could not be predicted.
    """
    columns = predictor.rows(list(map(str, paths)), None if boxes is None else list(boxes), root)
    write_part(part, columns, predictor.columns)
    return sum(error is not None for error in columns["error"])


def _job_of(predictor: TablePredictor) -> dict[str, Any]:
    described = describe_job(
        predictor.predictor, predictor.engine, predictor.prior, predictor.given
    )
    return described | {"embeddings": predictor.embeddings}


def _check_out(out: Path, overwrite: bool) -> None:
    if out.suffix.lower() != ".parquet":
        raise ConfigError(f"--out {out}: on a cluster it is a folder of parts, NAME.parquet")
    if not out.exists():
        return
    if not (out / _JOB).is_file():
        raise OutputExistsError(f"{out} is no table of a cluster; give another --out")
    if (out / SUCCESS).is_file() and not overwrite:
        raise OutputExistsError(
            f"{out} exists already; give another --out, or --overwrite to replace it"
        )


def _begin(out: Path, job: dict[str, Any], overwrite: bool) -> None:
    """Clear the folder, unless it holds parts of this very job."""
    job = json.loads(json.dumps(job))
    if out.exists():
        before = json.loads((out / _JOB).read_text(encoding="utf-8"))
        differs = [key for key, value in job.items() if before.get(key) != value]
        if differs and not overwrite:
            raise OutputExistsError(
                f"{out} is left by an interrupted job with other {', '.join(differs)}; run that "
                "one again to finish it, or give another --out, or --overwrite to begin anew"
            )
        if not differs and not (out / SUCCESS).is_file():
            return
        shutil.rmtree(out)
    out.mkdir(parents=True)
    with replacing_file(out / _JOB) as partial:
        partial.write_text(json.dumps(job, indent=1) + "\n", encoding="utf-8")


def _sources(
    images: Sequence[str], predictor: TablePredictor, root: str | None
) -> tuple[list[Source], str]:
    """The pictures of each table, and those of all other arguments; what was left out, in words."""
    tables = [argument for argument in images if is_table(argument)]
    others = [argument for argument in images if argument not in tables]
    if root and not tables:
        raise ConfigError(f"--root {root}: it belongs to a table of images, and none is given")
    sources = [_of_table(Path(argument), root) for argument in tables]
    if not others:
        return sources, ""
    pictures, left_out = find_pictures(others, predictor.predictor.schema)
    # Absolute, for workers stand elsewhere.
    paths = np.array([os.path.abspath(picture.file) for picture in pictures], dtype=object)
    return [*sources, Source(None, paths, None)], left_out


def _of_table(path: Path, root: str | None) -> Source:
    from modular_cls.data.text_table import read_table  # only tables need pandas

    table = read_table(path, columns=("path", "box"))
    if "path" not in table.columns:
        raise ManifestError(path, [f"no column 'path'; it has {', '.join(table.columns)}"])
    kept = [name for name in ("path", "box") if name in table.columns]
    table = table.drop_duplicates(kept)
    boxes = table["box"].to_numpy(dtype=object) if "box" in kept else None
    top = os.path.abspath(root or path.parent)
    return Source(top, table["path"].to_numpy(dtype=object), boxes)


def _described(sources: Sequence[Source], shard: int) -> dict[str, Any]:
    """What makes the shards what they are."""
    total = hashlib.blake2b(digest_size=16)
    for source in sources:
        total.update(repr((source.root, len(source.paths))).encode())
        for column in (source.paths, source.boxes):
            if column is not None:
                total.update("\0".join(column.tolist()).encode(errors="surrogateescape"))
    return {"images": total.hexdigest(), "shard": shard}


def _cut(sources: Sequence[Source], shard: int) -> Iterator[Source]:
    for root, paths, boxes in sources:
        for start in range(0, len(paths), shard):
            part = slice(start, start + shard)
            yield Source(root, paths[part], None if boxes is None else boxes[part])


def _name(number: int) -> str:
    return f"part-{number:06d}.parquet"
