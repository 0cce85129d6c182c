"""Memory against the number of pictures: training, extraction, prediction and a study."""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from tables import RESULTS, show

GROWTH_LIMIT, GIB_LIMIT = 1.10, 2.5
FEW = 2000
_LINUX = Path("/proc/self/status").is_file()  # tells the memory of a process in parts
# The largest amount of memory that is the process's own: decoded pictures are the disk's.
_WATCH = """
import re, sys, threading, time
peak = 0.0
def look():
    global peak
    while True:
        status = open("/proc/self/status").read()
        peak = max(peak, int(re.search(r"RssAnon:\\s+(\\d+)", status).group(1)) / 2**10)
        time.sleep(0.02)
threading.Thread(target=look, daemon=True).start()
manifest, out = sys.argv[1:]
from modular_cls import load_config
given = dict(data__manifest=manifest, data__root="data/faces", data__workers=0, training__updates=30,
             training__validate_every=0, data__scarcity=None)
"""
VERBS = {
    "train": """
from modular_cls.training.train import train
train(load_config("configs/modular.yaml", **given), out + "/run", progress=False)
""",
    "study": """
import yaml
from pathlib import Path
from modular_cls.study.grid import Study
from modular_cls.study.study import run_study
also = {"data": {"manifest": manifest, "root": "data/faces", "workers": 0},
        "training": {"updates": 30, "validate_every": 0}}
Path(out + "/also.yaml").write_text(yaml.safe_dump(also))
assert not run_study(Study(methods=["modular"], keep=[5], seeds=[0], also=[out + "/also.yaml"]), Path(out + "/study"))
""",
    "extract": """
import sys
sys.path.insert(0, "tests")
from pathlib import Path
from small_networks import write_network
from modular_cls.config import Backbone
from modular_cls.data.faces.write import SCHEMA
from modular_cls.data.manifest import Manifest
from modular_cls.data.preparation import Pixels
from modular_cls.features.spread import spread_features
from modular_cls.jobs.executors import Inline
from modular_cls.models.backbone import create_backbone
from modular_cls.models.frozen_weights import keep
write_network(Path(out + "/network"), seed=0)
known = Backbone("local-dir:" + out + "/network", pretrained=True, frozen=True)
digest = keep(create_backbone(known)[0])
half = (0.5, 0.5, 0.5)
spread_features(Inline(), Manifest.read(manifest, SCHEMA, "data/faces"), Pixels((64, 64), half, half), known, digest)
""",
    "predict": """
from modular_cls.predict.predict import predict
predict("RUN", [manifest], out + "/t.csv", root="data/faces", progress=False)
""",
}  # fmt: skip


def measure_memory(updates: int = 30) -> None:
    """Print the peak memory of a short real run. Call first: a child's peak includes what its parent held."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "modular_cls",
            "train",
            "--config",
            "configs/modular.yaml",
            "--out",
            f"{folder}/run",
        ]
        command += ["--training.updates", str(updates), "--training.validate_every", "0"]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    gib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2 ** (
        30 if sys.platform == "darwin" else 20
    )
    row = (
        "peak of the largest process",
        f"{gib:.2f} GiB",
        RESULTS.held("memory of a run, GiB", [gib], GIB_LIMIT),
    )
    show(f"Memory of a run of {updates} updates", [row])


def write_manifest(path: Path, images: int) -> None:
    """The built-in faces again and again; a picture with another box is another picture."""
    header, *rows = Path("data/faces/manifest.csv").read_text(encoding="utf-8").splitlines()
    known = [r for r in rows if ",train," in r]
    train = known[:: len(known) // 1000][:1000]  # of every class
    rest = [r for r in rows if ",train," not in r][::8]
    corners = [(x, y) for x in range(8) for y in range(8)]
    boxes = [f"{x} {y} 56 56" for x, y in corners[: images // len(train)]]
    lines = [f"{row},{box}" for row in train for box in boxes] + [f"{row}," for row in rest]
    path.write_text("\n".join([f"{header},box", *lines, ""]), encoding="utf-8")


def measure_growth(run: Path, many: int = 64_000) -> None:
    """Print the peak memory of each verb with few and with many pictures.

    Args:
        run: A run to predict with.
        many: How many pictures; FEW are the others.
    """
    if not _LINUX:
        return
    for verb, code in VERBS.items():
        mib = []
        for images in (FEW, many):
            with tempfile.TemporaryDirectory() as folder:
                write_manifest(Path(folder) / "m.csv", images)
                whole = _WATCH + code.replace("RUN", str(run)) + "\nprint(peak)"
                mib.append(float(_child(whole, f"{folder}/m.csv", folder).split()[-1]))
        ratio = [mib[1] / mib[0]]
        held = RESULTS.held(
            f"memory of {verb}: {many:,} / {FEW:,} pictures", ratio, at_most=GROWTH_LIMIT
        )
        show(f"Memory of {verb} that is the process's own", [
            (f"{FEW:,} pictures", f"{mib[0]:.0f} MiB", ""),
            (f"{many:,} pictures", f"{mib[1]:.0f} MiB", ""),
            ("ratio", f"{ratio[0]:.3f}", held),
        ])  # fmt: skip


def _child(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"a measured process failed:\n{done.stdout}{done.stderr}")
    return done.stdout
