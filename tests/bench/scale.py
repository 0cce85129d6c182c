"""What size costs: a large manifest, and pictures decoded once."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from tables import RESULTS, show, spread

from modular_cls.config import Data, Scarcity
from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.data.faces.write import SCHEMA
from modular_cls.data.manifest import SPLITS
from modular_cls.files import CACHE_VARIABLE

RARE = {"hair": "long", "gender": "male"}
ROWS, SECONDS_LIMIT, GIB_LIMIT = 10_000_000, 90.0, 8.0
_LINUX = Path("/proc/self/status").is_file()  # tells the memory of a process in parts
_READ = """
import re, sys, time
from modular_cls.data.faces.write import SCHEMA
from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.data.scarcity import apply_scarcity
started = time.perf_counter()
manifest = apply_scarcity(Manifest.read(sys.argv[1], SCHEMA), {"hair": "long", "gender": "male"}, 5, 0)
parts = [manifest.split(name) for name in SPLITS]
seconds = time.perf_counter() - started
print(seconds, int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1)) / 2**20)
"""


def measure_manifest(rounds: int, rows: int = ROWS) -> None:
    """Print what reading, validating and splitting ten million rows costs, in Parquet."""
    if not _LINUX:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "manifest.parquet"
        _write_rows(path, rows)
        results = [list(map(float, _child(_READ, str(path)).split())) for _ in range(rounds)]
    seconds, gib = zip(*results, strict=True)
    named = f"manifest of {rows:,} rows"
    show(f"{named}, read, validated, made scarce and split", [
        ("time", spread(list(seconds), "s", 1), RESULTS.held(f"{named}: seconds", list(seconds), SECONDS_LIMIT)),
        ("peak memory", spread(list(gib), "GiB", 2), RESULTS.held(f"{named}: GiB", list(gib), GIB_LIMIT)),
    ])  # fmt: skip


def _write_rows(path: Path, rows: int) -> None:
    """A manifest with unknown labels, persons, and a column that nobody reads."""
    rng = np.random.default_rng(0)
    hair, gender, split = (rng.integers(0, 3, rows).astype(np.int8) for _ in range(3))
    columns = {
        "path": pa.array([f"pictures/{i:08d}.jpg" for i in range(rows)]),
        "split": pa.DictionaryArray.from_arrays(split, list(SPLITS)).cast(pa.string()),
        "hair": pa.DictionaryArray.from_arrays(hair, ["short", "long", ""]).cast(pa.string()),
        "gender": pa.DictionaryArray.from_arrays(gender, ["female", "male", ""]),
        "identity": pa.array([f"person{i // 5}" for i in range(rows)]),
        "caption": pa.array(["a caption that nobody reads"] * rows),
    }
    parquet.write_table(pa.table(columns), path)


def measure_decoding(rounds: int) -> None:
    """Print what decoding the built-in faces costs, and what it costs when an earlier run has done it."""
    first, again = [], []
    data = Data(manifest="data/faces/manifest.csv", scarcity=Scarcity(RARE, None))
    kept = os.environ.get(CACHE_VARIABLE)
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            os.environ[CACHE_VARIABLE] = folder
            for seconds in (first, again):
                started = time.perf_counter()
                AttributeDataModule(SCHEMA, data, seed=0).decode(progress=False)
                seconds.append(time.perf_counter() - started)
    os.environ.pop(CACHE_VARIABLE)
    if kept is not None:
        os.environ[CACHE_VARIABLE] = kept
    ratios = [a / b for a, b in zip(first, again, strict=True)]
    show("Decoding the built-in faces, manifest read too", [
        ("first run", spread(first, "s", 2), ""),
        ("any later run", spread(again, "s", 2), ""),
        ("first / later", spread(ratios, digits=1), RESULTS.held("decoding: first / later run", ratios)),
    ])  # fmt: skip


def _child(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"a measured process failed:\n{done.stdout}{done.stderr}")
    return done.stdout
