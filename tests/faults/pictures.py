"""Folders of pictures, most of them damaged: a row each, and the same ones refused wherever they are read."""

import csv
import os
import random
from collections import Counter
from pathlib import Path

import numpy as np
from damage import KINDS, spoil
from PIL import Image
from place import Place, Row

from modular_cls.data.cache import check_pictures
from modular_cls.data.faces.write import SCHEMA
from modular_cls.data.manifest import Manifest

_SOUND = 20
_FORMATS = {"png": {}, "jpg": {"quality": 90}, "webp": {}, "bmp": {}, "gif": {}, "tiff": {}}


def pictures(place: Place, number: int, seed: int = 0) -> Row:
    """`predict`, and the check before a training, on so many damaged pictures, beside sound ones."""
    rng, folder, wrong = random.Random(seed), place.fresh("pictures"), []
    folder.mkdir()
    faces = sorted((place.faces / "train").glob("*.png"))
    for i in range(number + _SOUND):
        suffix = rng.choice(list(_FORMATS))
        file = folder / f"{i:03}.{suffix}"
        with Image.open(faces[i % len(faces)]) as face:
            face.convert("RGB").save(file, **_FORMATS[suffix])
        if i < number:
            _damage(file, rng.choice((*KINDS, "pipe", "link")), faces, rng)
    named = sorted(folder.iterdir())
    run = place.run()
    rows = _predicted(place, run, named)
    wrong += _check_rows(named, rows, number)
    checked = _checked(place, named)
    refused = {row["path"] for row in rows if row["error"]}
    if refused != checked:
        wrong.append(
            f"predict and the check do not refuse the same: {sorted(refused ^ checked)[:5]}"
        )
    ends = Counter("refused, by name" if row["error"] else "predicted" for row in rows[:number])
    return Row(
        "A picture never ends a job, and is refused for all or for nobody",
        f"`predict`, and the check of a data set, on {number} damaged pictures of {len(_FORMATS)} formats (a byte, 64 zeroed "
        f"bytes, truncated, text, empty, that of another, a pipe, a link to nothing) beside {_SOUND} sound ones",
        ", ".join(f"{n} {end}" for end, n in sorted(ends.items())) + f"; {len(wrong)} other ends",
        not wrong,
        wrong,
    )


def _damage(file: Path, kind: str, faces: list[Path], rng: random.Random) -> None:
    if kind == "deleted":  # predict would not be given it
        kind = "truncated"
    if kind in ("pipe", "link"):
        file.unlink()
        os.mkfifo(file) if kind == "pipe" else file.symlink_to(file.with_name("nothing"))
    else:
        spoil(file, kind, rng.choice(faces), rng)


def _predicted(place: Place, run: Path, named: list[Path]) -> list[dict[str, str]]:
    out = place.fresh("out") / "table.csv"
    place.done(["predict", str(run), *map(str, named), "--out", str(out)])
    with out.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _check_rows(named: list[Path], rows: list[dict[str, str]], number: int) -> list[str]:
    """One row each, in order; an error that names the picture, or probabilities that add up to 1."""
    wrong = []
    if [row["path"] for row in rows] != [str(file) for file in named]:
        return ["not one row a picture, in order"]
    for i, row in enumerate(rows):
        chances = [float(v) for k, v in row.items() if k.startswith("hair_gender=") and v]
        if row["error"]:
            if i >= number or chances:
                wrong.append(f"{row['path']}: {row['error']}")
        elif not np.isclose(sum(chances), 1, atol=1e-3):
            wrong.append(f"{row['path']}: {chances}")
    return wrong


def _checked(place: Place, named: list[Path]) -> set[str]:
    """The pictures that a data set is refused for."""
    table = place.fresh("table")
    lines = [f"{file},train,short,male" for file in named]
    table.write_text("\n".join(["path,split,hair,gender", *lines]) + "\n")
    manifest = Manifest.read(table, SCHEMA, contained=False)
    return {str(named[i]) for i in check_pictures(manifest, (32, 32))}
