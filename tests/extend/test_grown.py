"""What an extension leaves exactly as it was."""

import numpy as np

from modular_cls import Run
from tests.extend.small_runs import WHOLE, composites, extend, probabilities


def test_what_does_not_grow_stays_exactly(make_run, faces, tmp_path, capsys):
    run = make_run(WHOLE)
    before = ("hair", "gender", "glasses", "hair_gender_glasses")
    parts = composites(hair_glasses=["hair", "glasses"])
    assert extend(run, {"schema": {"composites": parts}}, tmp_path / "out") == 0
    assert "changed" not in capsys.readouterr().out
    old, new = (probabilities(r, faces, before) for r in (run, tmp_path / "out"))
    for name in before:
        np.testing.assert_array_equal(old[name], new[name])
    assert (
        Run.load(tmp_path / "out").metrics["train_counts"] == Run.load(run).metrics["train_counts"]
    )


def test_images_that_nothing_is_learned_from_change_nothing(make_run, faces, tmp_path):
    run = make_run(WHOLE)
    more = {
        "schema": {"composites": composites(hair_=["hair"])},
        "data": {"manifest": str(faces / "manifest.csv")},
    }
    assert extend(run, more, tmp_path / "out") == 0
    assert Run.load(tmp_path / "out").metrics["extended"]["images"] == 0
