"""The best validation ends a training and is what is kept."""

import csv
import io

import pytest

from modular_cls.training.train import train
from tests.training.small_trainings import small

PLAIN = {"backbone__args": "{stem_width: 8}"}  # nothing but the knobs draws random numbers


def rows(out):
    return list(csv.DictReader(io.StringIO((out / "log.csv").read_text())))


def test_the_best_validation_is_kept_and_ends_it(faces_dir, tmp_path):
    """At a wild rate validation soon gets worse; what is kept is what the log says of the best."""
    wild = {"training__learning_rate": 0.3, "training__validate_every": 2, "training__updates": 40}
    config = small(faces_dir, **PLAIN, **wild, training__patience=3, finish="[]")
    run = train(config, tmp_path / "run", progress=False)
    seen = [row for row in rows(tmp_path / "run") if row["validation/loss"]]
    losses = [float(row["validation/loss"]) for row in seen]
    best = losses.index(min(losses))
    assert run.metrics["best_update"] == 2 * (best + 1)
    assert run.metrics["updates"] == run.metrics["best_update"] + 6 < 40
    accuracy = run.metrics["validation"]["hair_gender"]["balanced_accuracy"]
    assert accuracy == pytest.approx(float(seen[best]["validation/hair_gender"]))
