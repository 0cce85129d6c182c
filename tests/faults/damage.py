"""Folders of runs and exports damaged at random: refused by name, or the same to the last bit."""

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from place import Place, Row

from modular_cls import Predictor
from modular_cls.errors import ModularClsError

KINDS = ("byte", "zeroed", "truncated", "text", "empty", "deleted", "swapped")


def damage(place: Place, folders: int, frozen: bool = False, seed: int = 0) -> Iterator[Row]:
    """Damage so many copies of a run, and of its export."""
    train, run = (place.frozen, place.frozen_run()) if frozen else (place.train, place.run())
    export, other, theirs = place.fresh("export"), place.fresh("other"), place.fresh("export")
    place.done(train(other, "--seed=1", *(["--heads.ridges=[1.0]"] if frozen else [])))
    for folder, out in ((run, export), (other, theirs)):
        place.done(["export", str(folder), "--no-onnx", "--out", str(out)])
    rng, kind = random.Random(seed), "frozen " if frozen else ""
    yield _damaged(place, f"a {kind}run", run, other, folders, rng)
    yield _damaged(place, f"an export of a {kind}run", export, theirs, folders, rng)


def _damaged(place: Place, what: str, whole: Path, other: Path, folders: int, rng: random.Random) -> Row:  # fmt: skip
    pictures = sorted((place.faces / "test").glob("*.png"))[:3]
    expected = Predictor.load(whole)(pictures)
    ends: Counter[str] = Counter()
    wrong: list[str] = []
    for _ in range(folders):
        copy = shutil.copytree(whole, place.fresh("copy"))
        file = rng.choice([f for f in sorted(copy.rglob("*")) if f.is_file()])
        kind = rng.choice(KINDS)
        spoil(file, kind, other / file.relative_to(copy), rng)
        told = f"{kind}: {file.relative_to(copy)}"
        try:
            found = Predictor.load(copy)(pictures)
        except ModularClsError as error:
            ends["refused, by name"] += 1
            # One that is whole but of another run tells against those that it does not fit.
            named = [f.name for f in copy.rglob("*")] if kind == "swapped" else [file.name]
            if not any(name in str(error) for name in named):
                wrong.append(f"{told}: the file is not named: {error}")
        except Exception as error:
            wrong.append(f"{told}: {type(error).__name__}: {error}")
        else:
            ends["of no effect"] += 1
            for name, values in expected.probabilities.items():
                if not np.array_equal(values, found.probabilities[name]):
                    wrong.append(f"{told}: other predictions, and not a word")
        shutil.rmtree(copy)
    return Row(
        "What is damaged is refused by name, or makes no difference",
        f"{folders} copies of {what}, one file of each damaged (a byte, 64 zeroed bytes, truncated, "
        "text, empty, deleted, that of another)",
        ", ".join(f"{n} {end}" for end, n in sorted(ends.items())) + f"; {len(wrong)} other ends",
        not wrong,
        wrong,
    )


def spoil(file: Path, kind: str, other: Path, rng: random.Random) -> None:
    """Damage a file; `other` is what takes its place if it is swapped."""
    data = bytearray(file.read_bytes())
    place = rng.randrange(max(1, len(data)))
    if kind == "byte" and data:
        data[place] ^= rng.randrange(1, 256)
    elif kind == "zeroed":
        data[place : place + 64] = bytes(len(data[place : place + 64]))
    elif kind == "truncated":
        data = data[:place]
    elif kind in ("text", "empty"):
        data = bytearray(b"hello\n" if kind == "text" else b"")
    elif kind == "swapped":
        data = bytearray(other.read_bytes())
    file.write_bytes(data)
    if kind == "deleted":
        file.unlink()
