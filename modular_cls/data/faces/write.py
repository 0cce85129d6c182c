"""Draws the whole data set: PNG files and a manifest in a folder."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
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

SCHEMA = Schema.from_dict(
    {
        "attributes": {"hair": ["short", "long"], "gender": ["female", "male"]},
        "composites": {"hair_gender": {"attributes": ["hair", "gender"]}},
    }
)
_SHARES = {"train": 1.0, "validation": 0.15, "test": 0.25}
_CHUNK = 250  # faces per task of a process

Job = tuple[str, int, int, int, int]  # split, joint class, first, last + 1, seed


def write_faces(
    out: Path,
    per_class: int = 2000,
    seed: int = 0,
    size: int = 64,
    interaction: float = 0.0,
    processes: int | None = None,
    overwrite: bool = False,
) -> Manifest:
    """Draw the built-in data set: hair short/long x gender female/male, balanced.

    Args:
        out: Folder to write `manifest.csv` and the pictures to.
        per_class: Training pictures of each joint class; validation gets 15 % and test 25 % as many.
        seed: Same seed, same bytes.
        size: Side of the pictures in pixels.
        interaction: 0 to 1; above 0 the cues of hair and gender are coupled (see `draw_cues`).
        processes: Processes that draw; default one per core.
        overwrite: Replace an earlier data set.

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
    jobs = list(_jobs(per_class, seed))
    with new_folder(out, overwrite, "manifest.csv") as folder:
        for split in SPLITS:
            (folder / split).mkdir()
        # spawn: forking a process that already runs threads (torch, a progress bar) can hang
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            arguments = ([str(folder)] * len(jobs), jobs, [size] * len(jobs), [interaction] * len(jobs))
            for _ in track(pool.map(_draw_chunk, *arguments), "Drawing faces", total=len(jobs)):
                pass
        manifest = _manifest(out, jobs)
        manifest.write(folder / "manifest.csv")
    return manifest


def face_image(split: str, joint_class: int, number: int, seed: int, size: int, interaction: float) -> np.ndarray:
    """Draw one picture of the data set, shape (size, size, 3), RGB, uint8; each has its own stream."""
    rng = np.random.default_rng((seed, SPLITS.index(split), joint_class, number))
    long, male = divmod(joint_class, 2)
    return draw_face(draw_cues(bool(long), bool(male), rng, interaction), size, rng)


def _jobs(per_class: int, seed: int) -> Iterator[Job]:
    for split, share in _SHARES.items():
        count = max(1, round(share * per_class))
        for joint_class in range(SCHEMA.composites[0].size):
            for first in range(0, count, _CHUNK):
                yield split, joint_class, first, min(first + _CHUNK, count), seed


def _path(split: str, joint_class: int, number: int) -> str:
    return f"{split}/{SCHEMA.composites[0].class_names[joint_class]}_{number:05d}.png"


def _draw_chunk(folder: str, job: Job, size: int, interaction: float) -> None:
    split, joint_class, first, last, seed = job
    for number in range(first, last):
        image = face_image(split, joint_class, number, seed, size, interaction)
        data = cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]
        (Path(folder) / _path(split, joint_class, number)).write_bytes(data.tobytes())


def _manifest(root: Path, jobs: list[Job]) -> Manifest:
    each = [(split, z, number) for split, z, first, last, _ in jobs for number in range(first, last)]
    cells = np.array(SCHEMA.composites[0].cells, dtype=np.int16)
    return Manifest(
        schema=SCHEMA,
        root=root,
        paths=np.array([_path(*one) for one in each], dtype=object),
        splits=np.array([SPLITS.index(split) for split, _, _ in each], dtype=np.int8),
        labels=cells[[z for _, z, _ in each]],
        rows=np.arange(len(each)) + 2,
    )
