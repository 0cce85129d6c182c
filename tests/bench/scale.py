"""What size costs: a large manifest, pictures decoded once, and memory against the number of images."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from tables import show, spread, yes

from modular_cls.config import Data, Scarcity
from modular_cls.data.datamodule import AttributeDataModule
from modular_cls.data.faces.write import SCHEMA
from modular_cls.data.manifest import SPLITS
from modular_cls.files import CACHE_VARIABLE

RARE = {"hair": "long", "gender": "male"}
ROWS, SECONDS_LIMIT, GIB_LIMIT = 1_000_000, 10.0, 1.0
GROWTH_LIMIT = 1.10
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
_TRAIN = """
import re, sys
from modular_cls import load_config, train
config = load_config("configs/modular.yaml", data__manifest=sys.argv[1], data__root="data/faces", data__workers=0,
                     training__updates=30, training__validate_every=0, data__scarcity=None)
train(config, sys.argv[2], progress=False)
print(int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read()).group(1)) / 2**10)
"""


def measure_manifest(rounds: int) -> None:
    """Print what reading, validating and splitting a million rows costs."""
    if not _LINUX:
        return
    rng = np.random.default_rng(0)
    hair, gender, split = (rng.integers(0, 3, ROWS) for _ in range(3))
    hairs, genders = np.array(["short", "long", ""]), np.array(["female", "male", ""])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "manifest.csv"
        with path.open("w") as file:
            file.write("path,split,hair,gender,identity\n")
            cells = zip(np.array(SPLITS)[split], hairs[hair], genders[gender], strict=True)
            file.writelines(
                f"pictures/{i:07d}.jpg,{s},{h},{g},person{i // 5}\n"
                for i, (s, h, g) in enumerate(cells)
            )
        results = [list(map(float, _child(_READ, str(path)).split())) for _ in range(rounds)]
    seconds, gib = zip(*results, strict=True)
    show(f"Manifest of {ROWS:,} rows, read, validated, made scarce and split", [
        ("time", spread(list(seconds), "s", 1), f"at most {SECONDS_LIMIT:g} s: {yes(max(seconds) <= SECONDS_LIMIT)}"),
        ("peak memory", spread(list(gib), "GiB", 2), f"at most {GIB_LIMIT:g} GiB: {yes(max(gib) <= GIB_LIMIT)}"),
    ])  # fmt: skip


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
        ("first / later", spread(ratios, digits=1), ""),
    ])  # fmt: skip


def measure_growth() -> None:
    """Print the memory of a training with few and with sixteen times as many images (what belongs to the process alone)."""
    if not _LINUX:
        return
    header, *rows = Path("data/faces/manifest.csv").read_text(encoding="utf-8").splitlines()
    train = [r for r in rows if ",train," in r][::4][:2000]
    rest = [r for r in rows if ",train," not in r][::8]
    boxes = [
        f"{x} {y} 60 60" for x in range(4) for y in range(4)
    ]  # a picture with another box is another picture
    mib = []
    for copies in (boxes[:1], boxes):
        with tempfile.TemporaryDirectory() as folder:
            lines = [
                f"{header},box",
                *(f"{r},{b}" for r in train for b in copies),
                *(f"{r}," for r in rest),
                "",
            ]
            (Path(folder) / "m.csv").write_text("\n".join(lines), encoding="utf-8")
            mib.append(float(_child(_TRAIN, f"{folder}/m.csv", f"{folder}/run").split()[-1]))
    ratio = mib[1] / mib[0]
    show("Memory of a training process that is its own (decoded pictures are the disk's)", [
        (f"{len(train):,} training images", f"{mib[0]:.0f} MiB", ""),
        (f"{len(train) * len(boxes):,} training images", f"{mib[1]:.0f} MiB", ""),
        ("ratio", f"{ratio:.3f}", f"at most {GROWTH_LIMIT:.2f}: {yes(ratio <= GROWTH_LIMIT)}"),
    ])  # fmt: skip


def _child(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"a measured process failed:\n{done.stdout}{done.stderr}")
    return done.stdout
