"""Draws the whole data set: PNG files and a manifest in a folder."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from modular_cls.data.faces.cues import draw_cues
from modular_cls.data.faces.draw import draw_face
from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.errors import ConfigError
from modular_cls.files import new_folder
from modular_cls.schema import Schema

_SHARES = {"train": 1.0, "validation": 0.15, "test": 0.25}
_CHUNK = 250  # faces per task of a process
_FEW = 500

Job = tuple[str, int, int, int, int]  # split, joint class, first, last + 1, seed


def faces_schema(medium: bool = False, glasses: bool = False) -> Schema:
    """The attributes of a drawn set, and one composite of them all.

    Args:
        medium: Hair has a third value between short and long.
        glasses: Glasses are an attribute (no, yes).
    """
    attributes = {
        "hair": ["short", "medium", "long"] if medium else ["short", "long"],
        "gender": ["female", "male"],
    }
    attributes |= {"glasses": ["no", "yes"]} if glasses else {}
    composites = {"_".join(attributes): {"attributes": list(attributes)}}
    return Schema.from_dict({"attributes": attributes, "composites": composites})


SCHEMA = faces_schema()


def write_faces(
    out: Path,
    per_class: int = 2000,
    seed: int = 0,
    size: int = 64,
    interaction: float = 0.0,
    processes: int | None = None,
    overwrite: bool = False,
    medium: bool = False,
    glasses: bool = False,
) -> Manifest:
    """Draw the built-in data set, balanced: hair short/long x gender female/male, or more.

    Args:
        out: Folder to write `manifest.csv` and the pictures to.
        per_class: Training pictures of each joint class; validation gets 15 % and test 25 % as
            many.
        seed: Same seed, same bytes.
        size: Side of the pictures in pixels.
        interaction: 0 to 1; above 0 the cues of hair and gender are coupled (see `draw_cues`).
        processes: Processes that draw; default one per core, or this one for few pictures.
        overwrite: Replace an earlier data set.
        medium: Hair may also be medium; its cues overlap with those of short and of long hair.
        glasses: Glasses are an attribute (no, yes), some of them faint, and no longer a nuisance.

    Returns:
        The manifest written.

    Raises:
        ConfigError: If an argument is out of its range.
        OutputExistsError: If `out` exists and may not be replaced.
    """
    if per_class < 1 or size < 16 or not 0 <= interaction <= 1 or seed < 0:
        raise ConfigError(
            f"faces need per_class >= 1, size >= 16, seed >= 0 and interaction from 0 to 1; "
            f"got per_class {per_class}, size {size}, seed {seed}, interaction {interaction}"
        )
    schema = faces_schema(medium, glasses)
    jobs = list(_jobs(schema.composites[0].size, per_class, seed))
    with new_folder(out, overwrite, "manifest.csv") as folder:
        for split in SPLITS:
            (folder / split).mkdir()
        draw = partial(_draw_chunk, folder, schema, size, interaction)
        for _ in track(_drawn(draw, jobs, processes), "Drawing faces", total=len(jobs)):
            pass
        manifest = _manifest(out, schema, jobs)
        manifest.write(folder / "manifest.csv")
    return manifest


def face_image(
    split: str,
    joint_class: int,
    number: int,
    seed: int,
    size: int,
    interaction: float,
    schema: Schema = SCHEMA,
) -> np.ndarray:
    """Draw one picture of the data set, shape (size, size, 3), RGB, uint8.

    Each has its own stream.
    """
    rng = np.random.default_rng((seed, SPLITS.index(split), joint_class, number))
    joint = schema.composites[0]
    labels = {
        a.name: a.values[v] for a, v in zip(joint.attributes, joint.cells[joint_class], strict=True)
    }
    return draw_face(draw_cues(labels, rng, interaction), size, rng)


def _jobs(joint_classes: int, per_class: int, seed: int) -> Iterator[Job]:
    for split, share in _SHARES.items():
        count = max(1, round(share * per_class))
        for joint_class in range(joint_classes):
            for first in range(0, count, _CHUNK):
                yield split, joint_class, first, min(first + _CHUNK, count), seed


def _path(schema: Schema, split: str, joint_class: int, number: int) -> str:
    return f"{split}/{schema.composites[0].class_names[joint_class]}_{number:05d}.png"


def _drawn(draw: Callable[[Job], None], jobs: list[Job], processes: int | None) -> Iterator[None]:
    """Draw here what other processes would need longer to start for than to draw."""
    faces = sum(last - first for _, _, first, last, _ in jobs)
    if processes == 1 or (processes is None and faces <= _FEW):
        yield from map(draw, jobs)
        return
    # spawn: forking a process that already runs threads (torch, a progress bar) can hang
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        yield from pool.map(draw, jobs)


def _draw_chunk(folder: Path, schema: Schema, size: int, interaction: float, job: Job) -> None:
    split, joint_class, first, last, seed = job
    for number in range(first, last):
        image = face_image(split, joint_class, number, seed, size, interaction, schema)
        data = cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]
        (folder / _path(schema, split, joint_class, number)).write_bytes(data.tobytes())


def _manifest(root: Path, schema: Schema, jobs: list[Job]) -> Manifest:
    each = [
        (split, z, number) for split, z, first, last, _ in jobs for number in range(first, last)
    ]
    cells = np.array(schema.composites[0].cells, dtype=np.int16)
    return Manifest(
        schema=schema,
        root=root,
        paths=np.array([_path(schema, *one) for one in each], dtype=object),
        splits=np.array([SPLITS.index(split) for split, _, _ in each], dtype=np.int8),
        labels=cells[[z for _, z, _ in each]],
        rows=np.arange(len(each)) + 2,
    )
