"""Which libraries a start needs: each costs tenths of seconds before the first picture."""

import json
import subprocess
import sys

import pytest

from modular_cls.cli import main

TRAINING = {"pytorch_lightning", "sklearn", "albumentations"}
OTHERS = {"pandas", "jsonargparse", "scipy", "matplotlib", "torchmetrics", "fastapi"}
TOLD = "print(json.dumps([{0!r}, [n for n in {1} if n in sys.modules]]), file=sys.stderr)"


def imported(steps):
    """What of the libraries watched a fresh process has imported after each step."""
    lines = ["import json, sys", "from pathlib import Path"]
    for name, code in steps.items():
        lines += [code, TOLD.format(name, sorted(TRAINING | OTHERS))]
    command = [sys.executable, "-c", "\n".join(lines)]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    found = [json.loads(line) for line in told.stderr.splitlines() if line.startswith('["')]
    return {name: set(modules) for name, modules in found}


def verb(*words):
    return f"from modular_cls.cli import main\nassert main({list(map(str, words))}) == 0"


@pytest.fixture(scope="module")
def found(run_dir, faces_dir, tmp_path_factory):
    """One process, step by step: what one step needs, the ones before it did not."""
    pytest.importorskip("fastapi")
    out = tmp_path_factory.mktemp("imports")
    export = out / "export"
    assert main(["export", str(run_dir), "--no-onnx", "--out", str(export)]) == 0
    page = f"from modular_cls.demo.app import create_app\ncreate_app([Path({str(export)!r})])"
    return imported({
        "load": f"from modular_cls import Predictor\nPredictor.load({str(export)!r})",
        "page": page,
        "predict": verb("predict", export, faces_dir / "test", "--out", out / "t.csv"),
        "predict by a run": verb("predict", run_dir, faces_dir / "test", "--out", out / "u.csv"),
        "audit": verb("audit", faces_dir / "manifest.csv", "--no-pictures"),
    })  # fmt: skip


def test_an_export_needs_neither_training_nor_tables(found):
    assert found["load"] == set()
    assert found["page"] == {"fastapi"}
    assert found["predict"] == {"fastapi", "jsonargparse"}  # which reads the command line


def test_neither_a_run_nor_an_audit_needs_what_trains(found):
    assert found["predict by a run"] <= {"fastapi", "jsonargparse", "pandas"}
    assert not found["audit"] & (TRAINING | {"torchmetrics", "matplotlib"})
