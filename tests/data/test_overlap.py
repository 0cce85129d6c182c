"""Test images that are training images too: told before training, and in the metrics."""

import csv
import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modular_cls.cli import main
from modular_cls.data.overlap import groups_of, numbered, repeated

KEYS = st.lists(st.integers(0, 9), min_size=1, max_size=30)


@given(KEYS, KEYS)
def test_against_a_slow_reference(seen, others):
    found = repeated(np.array(seen), np.array(others))
    assert found.tolist() == [key in seen for key in others]
    groups = [g.tolist() for g in groups_of(numbered(np.array(seen)))]
    expected = [[i for i, k in enumerate(seen) if k == key] for key in sorted(set(seen))]
    assert groups == [g for g in expected if len(g) > 1]


@pytest.fixture(scope="module")
def leaky(faces_dir, tmp_path_factory):
    """The faces; copies of three training images are in the test split under names of their own."""
    out = tmp_path_factory.mktemp("leaky") / "faces"
    shutil.copytree(faces_dir, out)
    with (out / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    for i, row in enumerate([r for r in rows if r["split"] == "train"][:3]):
        shutil.copy(out / row["path"], out / f"copy{i}.png")
        rows.append({**row, "path": f"copy{i}.png", "split": "test"})
    with (out / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return out


@pytest.mark.parametrize(("cache", "expected"), [("1", 3), ("0", None)])
def test_a_leak_is_told_before_training(cache, expected, leaky, faces_dir, tmp_path, capsys):
    for folder, shared in ((leaky, expected), (faces_dir, expected and 0)):
        out = tmp_path / f"run{folder.parent.name}"
        assert main(["train", "--config", "configs/flat.yaml", "--data.manifest", str(folder / "manifest.csv"),
                     "--data.image_size=32", "--data.workers=0", "--data.batch_size=8", "--training.updates=2",
                     f"--data.cache_gib={cache}", "--training.validate_every=0", "--out", str(out)]) == 0  # fmt: skip
        told = capsys.readouterr().out
        assert ("3 of 27 test images are training images too" in told) == bool(shared)
        assert ("copy0.png" in told) == bool(shared)
        assert json.loads((out / "metrics.json").read_text())["test_images_in_training"] == shared
