"""What is built is whole: every configuration travels, and trains far from any checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The wheel's content, as an installation lays it out."""
    pytest.importorskip("hatchling", reason="needs hatchling, which builds the wheel")
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=ROOT, check=True)
    (wheel,) = out.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(out / "site")
    return out / "site"


def names(folder, pattern):
    return {
        str(p.relative_to(folder)) for p in folder.rglob(pattern) if "__pycache__" not in p.parts
    }


def test_every_configuration_and_every_page_travels(unpacked):
    assert names(unpacked / "modular_cls" / "configs", "*.yaml") == names(
        ROOT / "configs", "*.yaml"
    )
    for pattern in ("*.py", "*.html", "*.md", "py.typed"):
        assert names(ROOT / "modular_cls", pattern) <= names(unpacked / "modular_cls", pattern)


def test_packaged_configurations_train_outside_a_checkout(unpacked, faces_dir, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "faces").symlink_to(faces_dir)
    told = ["--config", "configs/flat_logit_adjusted.yaml", "--config", "configs/modular.yaml",
            "--config=configs/budget/avatars.yaml", "--data.image_size=32", "--data.workers=0",
            "--training.updates=2", "--training.validate_every=0", "--out=run"]  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-m", "modular_cls", "train", *told],
        cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(unpacked)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "run" / "metrics.json").is_file()
    wrong = subprocess.run(
        [sys.executable, "-m", "modular_cls", "study", "--config", "configs/study/smal.yaml", "--out", "s"],
        cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(unpacked)},
    )  # fmt: skip
    assert wrong.returncode == 2
    assert "configs/study/smal.yaml" in wrong.stderr
